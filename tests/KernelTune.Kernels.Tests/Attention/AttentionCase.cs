using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;
using KernelTune.Kernels.Tests.MatMul;

namespace KernelTune.Kernels.Tests.Attention;

/// <summary>One attention problem in float and double: run by the kernels, compared with the reference.</summary>
internal sealed unsafe class AttentionCase
{
    public AttentionShape Shape;
    public bool HeadsFirst, Bias, Slopes, Sinks, Add;

    /// <summary>"", "right", "left": keys hidden at one side; "none": all of example 0.</summary>
    public string KeyMask = "";
    public bool FullMask;

    /// <summary>Lengths of packed sequences.</summary>
    public int[]? LengthsQ, LengthsK;

    public override string ToString() => $"{Shape}{(HeadsFirst ? " heads first" : "")}{(Bias ? " bias" : "")}{(Slopes ? " slopes" : "")}{(Sinks ? " sinks" : "")} keys {KeyMask}";

    private sealed class Operand(string name, int count)
    {
        public readonly string Name = name;
        public readonly double[] Truth = new double[count];
        public readonly float[] Value = new float[count];
    }

    /// <summary>Runs every instruction set and thread count: worst error to the reference within bounds, all bits alike.</summary>
    public void Check(int[] threads, double allowed = 4e-6)
    {
        var s = Shape;
        var random = new Random(11);
        Operand Make(string name, int count, bool fill, double size = 1)
        {
            var o = new Operand(name, count);
            for (var i = 0; fill && i < count; i++)
                o.Truth[i] = o.Value[i] = (float)((random.NextDouble() * 2 - 1) * size);
            return o;
        }
        int nq = s.Batch * s.Queries * s.Heads, nk = s.Batch * s.Keys * s.KeyHeads;
        var q = Make("q", nq * s.Width, true, 2);
        var k = Make("k", nk * s.Width, true, 2);
        var v = Make("v", nk * s.ValueWidth, true);
        var bias = Make("bias", s.Heads * s.Queries * s.Keys, true);
        var slopes = Make("slopes", s.Heads, true, 0.3);
        var sinks = Make("sinks", s.Heads, true);
        var dy = Make("dy", nq * s.ValueWidth, true);
        var dq0 = Make("dq0", nq * s.Width, Add);
        var dk0 = Make("dk0", nk * s.Width, Add);
        var dv0 = Make("dv0", nk * s.ValueWidth, Add);
        var keyMask = new long[s.Batch * s.Keys + 1];
        for (var b = 0; b < s.Batch; b++)
            for (var j = 0; j < s.Keys; j++)
                keyMask[b * s.Keys + j] = KeyMask switch
                {
                    "right" => j < s.Keys - b * 3 % Math.Max(1, s.Keys) ? 1 : 0, "left" => j >= b * 3 % Math.Max(1, s.Keys) ? 1 : 0,
                    "none" => b == 0 ? 0 : 1, _ => 1,
                };
        var mask = new long[s.Batch * s.Queries * s.Keys + 1];
        for (var i = 0; i < mask.Length; i++)
            mask[i] = random.Next(3) > 0 ? 1 : 0;
        for (var i = 0; i < s.Keys && i < mask.Length; i++)
            mask[i] = 0;
        long[] Starts(int[]? lengths) => lengths is null ? [0] : [0, .. lengths.Select((_, i) => lengths.Take(i + 1).Sum(l => (long)l))];
        long[] startsQ = Starts(LengthsQ), startsK = Starts(LengthsK ?? LengthsQ);

        Operand y = Make("y", nq * s.ValueWidth, false), lse = Make("lse", s.Batch * s.Heads * s.Queries, false), dSinks = Make("dSinks", s.Heads, false);
        Operand dq = Make("dq", nq * s.Width, false), dk = Make("dk", nk * s.Width, false), dv = Make("dv", nk * s.ValueWidth, false);
        var outputs = new[] { y, lse, dq, dk, dv, dSinks };

        AttentionArgs<T> Args<T>(T* pq, T* pk, T* pv, T* py, T* pl, T* pb, T* ps, T* pz, long* pm, long* pf, long* cq, long* ck) where T : unmanaged => new()
        {
            Shape = s, Q = pq, K = pk, V = pv, Y = py, Lse = pl,
            QStride = Stride(s.Queries, s.Heads, s.Width), KStride = Stride(s.Keys, s.KeyHeads, s.Width),
            VStride = Stride(s.Keys, s.KeyHeads, s.ValueWidth), YStride = Stride(s.Queries, s.Heads, s.ValueWidth),
            KeyMask = KeyMask.Length > 0 ? pm : null, KeyMaskStride = s.Keys,
            Mask = FullMask ? pf : null, MaskStride = new(s.Queries * s.Keys, 0, s.Keys, 1),
            Bias = Bias ? pb : null, BiasStride = new(0, s.Queries * s.Keys, s.Keys, 1),
            Slopes = Slopes ? ps : null, Sinks = Sinks ? pz : null, StartsQ = cq, StartsK = ck,
        };
        AttentionGradArgs<T> Grads<T>(AttentionArgs<T> forward, T* pdy, T* pdq, T* pdk, T* pdv, T* pds) where T : unmanaged => new()
        {
            Forward = forward, DY = pdy, DQ = pdq, DK = pdk, DV = pdv, DSinks = Sinks ? pds : null,
            DYStride = forward.YStride, DQStride = forward.QStride, DKStride = forward.KStride, DVStride = forward.VStride,
            AddQ = Add, AddK = Add, AddV = Add,
        };

        fixed (long* pm = keyMask, pf = mask, cq = startsQ, ck = startsK)
        {
            Start(dq.Truth, dq0.Truth);
            Start(dk.Truth, dk0.Truth);
            Start(dv.Truth, dv0.Truth);
            var work = new double[AttentionReference.Workspace(s) / 8];
            fixed (double* pq = q.Truth, pk = k.Truth, pv = v.Truth, py = y.Truth, pl = lse.Truth, pb = bias.Truth, ps = slopes.Truth, pz = sinks.Truth,
                pdy = dy.Truth, pdq = dq.Truth, pdk = dk.Truth, pdv = dv.Truth, pds = dSinks.Truth, pw = work)
            {
                var forward = Args(pq, pk, pv, py, pl, pb, ps, pz, pm, pf, cq, ck);
                AttentionReference.Forward(forward, pw);
                AttentionReference.Backward(Grads(forward, pdy, pdq, pdk, pdv, pds), null, pw);
            }

            float[][]? first = null;
            foreach (var set in Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported))
                foreach (var count in threads)
                {
                    using var pool = new WorkerPool(count);
                    foreach (var o in outputs)
                        Array.Fill(o.Value, 7f);
                    Start(dq.Value, dq0.Value, Add);
                    Start(dk.Value, dk0.Value, Add);
                    Start(dv.Value, dv0.Value, Add);
                    fixed (float* pq = q.Value, pk = k.Value, pv = v.Value, py = y.Value, pl = lse.Value, pb = bias.Value, ps = slopes.Value, pz = sinks.Value,
                        pdy = dy.Value, pdq = dq.Value, pdk = dk.Value, pdv = dv.Value, pds = dSinks.Value)
                    {
                        var forward = Args(pq, pk, pv, py, pl, pb, ps, pz, pm, pf, cq, ck);
                        using var w = Floats.Bytes(Kernels.Cpu.Attention.Workspace(s, count, set));
                        Kernels.Cpu.Attention.Forward(forward, w.Pointer, pool, set);
                        using var g = Floats.Bytes(Kernels.Cpu.Attention.GradWorkspace(s, count, set));
                        Kernels.Cpu.Attention.Backward(Grads(forward, pdy, pdq, pdk, pdv, pds), g.Pointer, pool, set);
                        Assert.That(w.Intact && g.Intact, Is.True, $"{this} {set}: wrote outside its workspace");
                    }
                    if (first is null)
                    {
                        first = [.. outputs.Select(o => (float[])o.Value.Clone())];
                        foreach (var o in outputs.Where(o => o != dSinks || Sinks))
                            Compare(o, $"{this} {set}", allowed);
                    }
                    for (var i = 0; i < outputs.Length; i++)
                        Assert.That(Bits(outputs[i].Value), Is.EqualTo(Bits(first[i])), $"{this}: {outputs[i].Name} by {set} on {count} threads has other bits");
                }
        }
    }

    private static void Start<T>(T[] to, T[] from, bool copy = true)
    {
        if (copy)
            Array.Copy(from, to, to.Length);
    }

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);

    private void Compare(Operand o, string what, double allowed)
    {
        // Where large terms cancel their rounding errors remain: a gradient's terms are of the cotangent's size times the scale.
        var scale = o.Truth.Where(double.IsFinite).Select(Math.Abs).Append(0.5 * Math.Max(1, Shape.Scale)).Max();
        for (var i = 0; i < o.Truth.Length; i++)
        {
            if (double.IsInfinity(o.Truth[i]) ? o.Value[i] == (float)o.Truth[i] : Math.Abs(o.Value[i] - o.Truth[i]) <= allowed * scale)
                continue;
            Assert.Fail($"{what}: {o.Name}[{i}] is {o.Value[i]}, wanted {o.Truth[i]}, scale {scale}");
        }
    }

    private AttentionStride Stride(int rows, int heads, int width) =>
        HeadsFirst ? new(rows * heads * width, width, rows * width) : new(rows * heads * width, heads * width, width);
}
