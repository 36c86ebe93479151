using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Autograd.Ops;

/// <summary>
/// y = x·Wᵀ + bias. x: [..., in]; weight: [out, in], or [in, out] where the parameter is transposed (Conv1D), dense or packed; bias: [out] or absent; y: [..., out].
/// </summary>
/// <exception cref="ShapeException">The last axis of x is not the weight's in.</exception>
public static class LinearOp
{
    public static Tensor Apply(Tensor x, Parameter weight, Parameter? bias)
    {
        var w = weight.Operand;
        CheckInput("linear", x, w);
        x = Contiguous.Rows(x);
        var y = x.Session.New(x.Shape.With(-1, w.Rows));
        x.Session.Run(new LinearCall(Rows(x.View), w, bias?.Value.View ?? default, Rows(y.View)), y);
        if (!x.Session.Needs(x, Trained(weight), Trained(bias)))
            return y;
        bool keepsX = x.Session.Needs(Trained(weight));
        return x.Session.Record("linear", y, [x, Trained(weight), Trained(bias)], new Backward(x, weight, bias), keepsX ? x : null);
    }

    /// <summary>x: [..., C] as a matrix [rows, C].</summary>
    internal static View Rows(in View x)
    {
        if (x.Rank == 2)
            return x;
        if (x.Rank == 1)
            return x.Unsqueeze(0);
        long rows = 1;
        for (int i = 0; i < x.Rank - 1; i++)
            rows *= x.Shape[i];
        return x.Reshape(new Shape(checked((int)rows), x.Shape[^1]));
    }

    internal static void CheckInput(string operation, Tensor x, in WeightOperand w)
    {
        if (x.Shape.Length == 0 || x.Shape[^1] != w.Columns)
            throw new ShapeException(operation, $"x {x.Shape} must end in {w.Columns}, the inputs of a weight [{w.Rows}, {w.Columns}]");
    }

    /// <summary>The parameter's tensor, where it is dense; a packed one is frozen and asks for nothing.</summary>
    internal static Tensor? Trained(Parameter? parameter) => parameter is null || parameter.IsPacked ? null : parameter.Value;

    /// <summary>dW (+)= dYᵀ·X and dBias (+)= Σ dY, where wanted.</summary>
    internal static void GradParameters(Gradients gradients, in View x, in View dy, Parameter weight, Parameter? bias)
    {
        if (gradients.Wants(Trained(weight)))
        {
            var into = gradients.Into(weight.Value);
            var dw = weight.IsTransposed ? into.View.Transpose(0, 1) : into.View;
            gradients.Device.Run(new MatMulCall(dy.Transpose(0, 1), x, dw, into.Accumulate));
        }
        if (gradients.Wants(Trained(bias)))
        {
            var into = gradients.Into(bias!.Value);
            gradients.Device.Run(new ReduceCall(dy, into.View.Unsqueeze(0), 0, Reduction.Sum, into.Accumulate));
        }
    }

    private sealed class Backward(Tensor x, Parameter weight, Parameter? bias) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var dy = Rows(gradOutputs[0]);
            GradParameters(gradients, gradients.Wants(Trained(weight)) ? Rows(x.View) : default, dy, weight, bias);
            if (!gradients.Wants(x))
                return;
            var into = gradients.Into(x);
            gradients.Device.Run(new LinearGradInputCall(dy, weight.Operand, Rows(into.View), into.Accumulate));
        }
    }
}
