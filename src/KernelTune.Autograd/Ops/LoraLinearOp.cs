using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd.Ops;

/// <summary>
/// y = x·Wᵀ + bias + s·(drop(x)·Aᵀ)·Bᵀ (Hu et al., 2021), always in this order: ΔW is never formed, and a frozen W has no gradient product.
/// x: [..., in]; weight: [out, in]; a: [r, in]; b: [out, r]; y: [..., out]. The low-rank term is added while a tile of the base product is in registers.
/// </summary>
/// <exception cref="ShapeException">The shapes do not fit together.</exception>
public static class LoraLinearOp
{
    public static Tensor Apply(Tensor x, Parameter weight, Parameter? bias, Parameter a, Parameter b, float scale, double dropout = 0, string site = "lora")
    {
        var session = x.Session;
        var w = weight.Operand;
        LinearOp.CheckInput("lora_linear", x, w);
        int rank = a.Shape[0];
        if (a.Shape[1] != w.Columns || b.Shape[0] != w.Rows || b.Shape[1] != rank)
            throw new ShapeException("lora_linear", $"A {a.Shape} and B {b.Shape} on a weight [{w.Rows}, {w.Columns}]");
        x = dropout > 0 ? Contiguous.Apply(x) : Contiguous.Rows(x);
        var place = session.Training && dropout > 0 ? Random.Place(session, site) : default(RandomPlace?);
        var dropped = x;
        if (place is { } drop)
        {
            dropped = session.New(x.Shape);
            session.Run(new DropoutCall(x.View, dropped.View, dropout, drop), dropped);
        }
        var t = session.New(x.Shape.With(-1, rank));
        session.Run(new LinearCall(LinearOp.Rows(dropped.View), a.Value.View, default, LinearOp.Rows(t.View)), t);
        var y = session.New(x.Shape.With(-1, w.Rows));
        session.Run(new LinearCall(LinearOp.Rows(x.View), w, bias?.Value.View ?? default, LinearOp.Rows(y.View),
            LowRank: new LowRankTerm(LinearOp.Rows(t.View), b.Value.View, scale)), y);
        return session.Record("lora_linear", y, [x, LinearOp.Trained(weight), LinearOp.Trained(bias), a.Value, b.Value],
            new Backward(x, t, weight, bias, a, b, scale, dropout, place), x, t);
    }

    private sealed class Backward(Tensor x, Tensor t, Parameter weight, Parameter? bias, Parameter a, Parameter b, float scale, double dropout, RandomPlace? place)
        : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var device = gradients.Device;
            var dy = LinearOp.Rows(gradOutputs[0]);
            var rows = LinearOp.Rows(x.View);
            LinearOp.GradParameters(gradients, rows, dy, weight, bias);
            using var work = new Workspace(device, "lora_linear");

            // s goes into dT once: dA = dTᵀ·x and dX's part dT·A have it then; dB takes it through a scaled T.
            var dt = work.Take(new Shape(rows.Shape[0], a.Shape[0]), rows.Type);
            device.Run(new MatMulCall(dy, b.Value.View, dt));
            device.Run(MapCall.Unary<Scale, ScaleParams>(dt, dt, new ScaleParams(scale)));
            if (gradients.Wants(b.Value))
            {
                var scaled = work.Like(dt);
                device.Run(MapCall.Unary<Scale, ScaleParams>(scaled, LinearOp.Rows(t.View), new ScaleParams(scale)));
                var into = gradients.Into(b.Value);
                device.Run(new MatMulCall(dy.Transpose(0, 1), scaled, into.View, into.Accumulate));
            }
            if (gradients.Wants(a.Value))
            {
                var input = rows;
                if (place is { } drop)
                {
                    input = work.Like(rows);
                    device.Run(new DropoutCall(rows, input, dropout, drop));
                }
                var into = gradients.Into(a.Value);
                device.Run(new MatMulCall(dt.Transpose(0, 1), input, into.View, into.Accumulate));
            }
            if (!gradients.Wants(x))
                return;
            var dx = gradients.Into(x);
            var destination = LinearOp.Rows(dx.View);
            if (place is { } again)
            {
                var part = work.Like(rows);
                device.Run(new MatMulCall(dt, a.Value.View, part));
                device.Run(new DropoutCall(part, part, dropout, again));
                device.Run(new LinearGradInputCall(dy, weight.Operand, destination, dx.Accumulate));
                device.Run(MapCall.Binary<Add, None>(destination, destination, part));
                return;
            }
            device.Run(new LinearGradInputCall(dy, weight.Operand, destination, dx.Accumulate));
            device.Run(new MatMulCall(dt, a.Value.View, destination, true));
        }
    }
}
