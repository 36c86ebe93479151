using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Models;

/// <summary>Transformers' names of activation functions.</summary>
internal static class Activations
{
    public static Tensor Apply(string name, Tensor x) => name switch
    {
        "silu" or "swish" => Unary.Apply<Silu>(x),
        "gelu" or "gelu_python" => Unary.Apply<Gelu>(x),
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" or "gelu_python_tanh" or "gelu_accurate" => Unary.Apply<GeluTanh>(x),
        "quick_gelu" => Unary.Apply<QuickGelu>(x),
        "relu" => Unary.Apply<Relu>(x),
        "relu2" => Unary.Apply<Square>(Unary.Apply<Relu>(x)),
        "linear" => x,
        "tanh" => Unary.Apply<Tanh>(x),
        "sigmoid" => Unary.Apply<Sigmoid>(x),
        _ => throw Unknown(name),
    };

    /// <summary>Refuses a name that <see cref="Apply"/> does not know.</summary>
    public static void Check(string name)
    {
        if (name is not ("silu" or "swish" or "gelu" or "gelu_python" or "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" or "gelu_python_tanh" or "gelu_accurate" or "quick_gelu"
            or "relu" or "relu2" or "linear" or "tanh" or "sigmoid"))
            throw Unknown(name);
    }

    private static ModelException Unknown(string name) => new("config.json", $"the activation '{name}' is not known");
}
