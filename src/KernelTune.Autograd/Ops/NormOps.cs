using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Autograd.Ops;

/// <summary>y = x / rms(x) · (weight + offset), over the last axis (Zhang and Sennrich, 2019). x: [..., C]; weight: [C] or absent.</summary>
/// <exception cref="ShapeException">weight is not [C].</exception>
public static class RmsNormOp
{
    public static Tensor Apply(Tensor x, Tensor? weight, double eps, double offset = 0)
    {
        if (weight is not null && (weight.Shape.Length != 1 || weight.Shape[0] != x.Shape[^1]))
            throw new ShapeException("rms_norm", $"weight {weight.Shape} must be [{x.Shape[^1]}], the last axis of x {x.Shape}");
        x = Contiguous.Apply(x);
        var rows = LinearOp.Rows(x.View);
        var (y, rstd) = (x.Session.New(x.Shape), x.Session.New(new Shape(rows.Shape[0])));
        x.Session.Run(new RmsNormCall(rows, weight?.View ?? default, LinearOp.Rows(y.View), rstd.View, eps, offset), y, rstd);
        return x.Session.Record("rms_norm", y, [x, weight], new Backward(x, weight, rstd, offset), x, weight, rstd);
    }

    private sealed class Backward(Tensor x, Tensor? weight, Tensor rstd, double offset) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var (rows, dy) = (LinearOp.Rows(x.View), LinearOp.Rows(gradOutputs[0]));
            if (gradients.Wants(weight))
            {
                var into = gradients.Into(weight!);
                gradients.Device.Run(new RmsNormGradWeightCall(rows, rstd.View, dy, into.View, into.Accumulate));
            }
            if (gradients.Wants(x))
            {
                var into = gradients.Into(x);
                gradients.Device.Run(new RmsNormGradInputCall(rows, weight?.View ?? default, rstd.View, dy, LinearOp.Rows(into.View), offset, into.Accumulate));
            }
        }
    }
}

/// <summary>y = (x − mean)/√(var + eps)·weight + bias, over the last axis (Ba et al., 2016). x: [..., C]; weight, bias: [C], either may be absent.</summary>
/// <exception cref="ShapeException">weight or bias is not [C].</exception>
public static class LayerNormOp
{
    public static Tensor Apply(Tensor x, Tensor? weight, Tensor? bias, double eps)
    {
        foreach (var p in (ReadOnlySpan<Tensor?>)[weight, bias])
        {
            if (p is not null && (p.Shape.Length != 1 || p.Shape[0] != x.Shape[^1]))
                throw new ShapeException("layer_norm", $"weight or bias {p.Shape} must be [{x.Shape[^1]}], the last axis of x {x.Shape}");
        }
        x = Contiguous.Apply(x);
        var rows = LinearOp.Rows(x.View);
        var stats = new Shape(rows.Shape[0]);
        var (y, mean, rstd) = (x.Session.New(x.Shape), x.Session.New(stats), x.Session.New(stats));
        x.Session.Run(new LayerNormCall(rows, weight?.View ?? default, bias?.View ?? default, LinearOp.Rows(y.View), mean.View, rstd.View, eps), y, mean, rstd);
        return x.Session.Record("layer_norm", y, [x, weight, bias], new Backward(x, weight, bias, mean, rstd), x, weight, mean, rstd);
    }

    private sealed class Backward(Tensor x, Tensor? weight, Tensor? bias, Tensor mean, Tensor rstd) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var (rows, dy) = (LinearOp.Rows(x.View), LinearOp.Rows(gradOutputs[0]));
            var dw = gradients.Wants(weight) ? gradients.Into(weight!) : default;
            var db = gradients.Wants(bias) ? gradients.Into(bias!) : default;
            if (dw.View.Exists || db.View.Exists)
                gradients.Device.Run(new LayerNormGradWeightCall(rows, mean.View, rstd.View, dy, dw.View, db.View, dw.Accumulate, db.Accumulate));
            if (gradients.Wants(x))
            {
                var into = gradients.Into(x);
                gradients.Device.Run(new LayerNormGradInputCall(rows, weight?.View ?? default, mean.View, rstd.View, dy, LinearOp.Rows(into.View), into.Accumulate));
            }
        }
    }
}
