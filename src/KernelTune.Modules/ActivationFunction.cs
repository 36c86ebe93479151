using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Modules;

/// <summary>Activation functions under Transformers' names.</summary>
public static class ActivationFunction
{
    private const double LeakySlope = 0.01;

    /// <summary>Whether <see cref="Apply"/> knows the name.</summary>
    public static bool IsKnown(string name) => name is "silu" or "swish" or "gelu" or "gelu_python" or "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" or "gelu_python_tanh"
        or "gelu_accurate" or "quick_gelu" or "relu" or "relu2" or "relu6" or "leaky_relu" or "linear" or "tanh" or "sigmoid";

    /// <summary>f(x), elementwise.</summary>
    /// <exception cref="ArgumentException">The name is not known.</exception>
    public static Tensor Apply(string name, Tensor x) => name switch
    {
        "silu" or "swish" => Unary.Apply<Silu>(x),
        "gelu" or "gelu_python" => Unary.Apply<Gelu>(x),
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" or "gelu_python_tanh" or "gelu_accurate" => Unary.Apply<GeluTanh>(x),
        "quick_gelu" => Unary.Apply<QuickGelu>(x),
        "relu" => Unary.Apply<Relu>(x),
        "relu2" => Unary.Apply<Square>(Unary.Apply<Relu>(x)),
        "relu6" => SixMinus(Unary.Apply<Relu>(SixMinus(Unary.Apply<Relu>(x)))),
        "leaky_relu" => Binary.Apply<Add>(Times(Unary.Apply<Relu>(x), 1 - LeakySlope), Times(x, LeakySlope)),
        "linear" => x,
        "tanh" => Unary.Apply<Tanh>(x),
        "sigmoid" => Unary.Apply<Sigmoid>(x),
        _ => throw new ArgumentException($"the activation '{name}' is not known", nameof(name)),
    };

    private static Tensor Times(Tensor x, double factor) => Unary.Apply<Scale, ScaleParams>(x, new ScaleParams(factor));

    private static Tensor SixMinus(Tensor x) => Unary.Apply<AffineOf, AffineParams>(x, new AffineParams(-1, 6));
}
