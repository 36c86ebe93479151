using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Cpu;

/// <summary>The calls of one small LoRA training step, forward and backward, as a model makes them: some fused, some composed, temporaries between.</summary>
internal sealed class SmallStep : IDisposable
{
    private const int Vocabulary = 300, Width = 64, Heads = 4, Shared = 2, HeadWidth = 16, Inner = 96, Rank = 4;

    private readonly Device device;
    private readonly int batch, length;
    private readonly List<Block> lasting = [];
    private readonly PackedMatrix table, up, down;
    private readonly View norm, a, b, gradA, gradB, momentA, momentB, scalars, one;

    public SmallStep(Device device, int batch = 2, int length = 40)
    {
        (this.device, this.batch, this.length) = (device, batch, length);
        table = Packed(Vocabulary, Width, 1);
        up = Packed(2 * Inner, Width, 2);
        down = Packed(Width, Inner, 3);
        norm = Filled(new Shape(Width), 4, Category.Weights);
        a = Filled(new Shape(Rank, Width), 5, Category.Adapters);
        b = Filled(new Shape(Width, Rank), 6, Category.Adapters);
        (gradA, gradB) = (Filled(a.Shape, 7, Category.Gradients), Filled(b.Shape, 8, Category.Gradients));
        (momentA, momentB) = (Filled(a.Shape, 9, Category.OptimizerState), Filled(a.Shape, 10, Category.OptimizerState));
        scalars = Filled(new Shape(4), 11, Category.OptimizerState);
        one = Filled(new Shape(1), 12, Category.Batches);
    }

    /// <summary>Blocks' addresses of the last step, in the order of allocation.</summary>
    public List<nint> Addresses { get; } = [];

    /// <summary>Called after each step with its results while they are still held.</summary>
    public Action<View>? Observe { get; set; }

    /// <summary>One step.</summary>
    public void Run()
    {
        Addresses.Clear();
        var held = new List<Block>();
        View New(Shape shape, DType type = DType.F32)
        {
            var view = device.Allocate(shape, type, Category.Activations);
            held.Add(view.Block);
            Addresses.Add(view.Block.Address);
            return view;
        }
        int rows = batch * length;
        var ids = New(new Shape(rows), DType.I64);
        device.Write<long>(ids, Enumerable.Range(0, rows).Select(i => (long)(i * 37 % Vocabulary)).ToArray());
        var (x, n, rstd) = (New(new Shape(rows, Width)), New(new Shape(rows, Width)), New(new Shape(rows)));
        device.Run(new GatherCall(table, ids, x));
        device.Run(new RmsNormCall(x, norm, n, rstd, 1e-5));
        var t = New(new Shape(rows, Rank));
        device.Run(new LinearCall(n, a, default, t));
        var q = New(new Shape(rows, Width));
        device.Run(new LinearCall(t, b, default, q));
        var heads = new Shape(batch, length, Heads, HeadWidth);
        var (q4, k4) = (q.Reshape(heads), n.Reshape(heads).Slice(2, 0, Shared));
        var (y, lse) = (New(heads), New(new Shape(batch, Heads, length)));
        var options = new AttentionOptions(0.25, Causality.BottomRight);
        device.Run(new AttentionCall(q4, k4, k4, y, lse, options, default));
        var gates = New(new Shape(rows, 2 * Inner));
        device.Run(new LinearCall(y.Reshape(new Shape(rows, Width)), up, default, gates));
        var (gate, value, product) = (gates.Slice(1, 0, Inner), gates.Slice(1, Inner, Inner), New(new Shape(rows, Inner)));
        device.Run(MapCall.Binary<SwiGlu, None>(product, gate, value));
        device.Run(new LinearCall(product, down, default, x, true));
        var (logits, loss, logSum) = (New(new Shape(rows, Vocabulary)), New(new Shape(rows)), New(new Shape(rows)));
        device.Run(new LinearCall(x, table, default, logits));
        device.Run(new CrossEntropyCall(logits, ids, default, loss, logSum, CrossEntropyOptions.Plain));
        device.Run(new CrossEntropyGradCall(logits, ids, default, logSum, one, logits, CrossEntropyOptions.Plain));
        var (dx, dy, dq, dk, dv) = (New(x.Shape), New(heads), New(heads), New(k4.Shape), New(k4.Shape));
        device.Run(new LinearGradInputCall(logits, table, dx));
        device.Run(new LinearGradInputCall(dx, down, product));
        device.Run(MapCall.BinaryGrad<SwiGlu, None>(gate, value, gate, value, product));
        device.Run(new LinearGradInputCall(gates, up, dy.Reshape(x.Shape)));
        device.Run(new AttentionGradCall(q4, k4, k4, y, lse, dy, dq, dk, dv, options, default));
        device.Run(new MatMulCall(dq.Reshape(x.Shape).Transpose(0, 1), t, gradB));
        var dt = New(t.Shape);
        device.Run(new MatMulCall(dq.Reshape(x.Shape), b, dt));
        device.Run(new MatMulCall(dt.Transpose(0, 1), n, gradA));
        device.Run(new RmsNormGradInputCall(x, norm, rstd, dx, dx));
        var squares = New(new Shape(1, 1), DType.F64);
        device.Run(new ReduceCall(gradA.Reshape(new Shape(1, Rank * Width)), squares, 1, Reduction.SumOfSquares));
        device.Run(new ClipFactorCall(squares.Reshape(new Shape(1)), scalars.Slice(0, 3, 1), scalars.Slice(0, 3, 1), 1));
        device.Run(new UpdateCall<AdamW>(a, gradA, momentA, momentB, scalars, new UpdateSettings(0.9, 0.999, 1e-8, 0.01)));
        foreach (var view in new[] { loss, logits, dx, dq, dk, dv, gradA, gradB, a })
            Observe?.Invoke(view);
        foreach (var block in held)
            block.Release();
    }

    public void Dispose()
    {
        foreach (var block in lasting)
            block.Release();
    }

    private PackedMatrix Packed(int rows, int columns, int seed)
    {
        var block = device.Allocate(PackedMatrix.BytesFor(rows, columns), Category.Weights);
        lasting.Add(block);
        var packed = new PackedMatrix(block, rows, columns);
        var dense = Numbers(new Shape(rows, columns), seed, Category.Workspace);
        device.Run(new PackCall(dense, packed));
        dense.Block.Release();
        return packed;
    }

    private View Filled(Shape shape, int seed, Category category)
    {
        var view = Numbers(shape, seed, category);
        lasting.Add(view.Block);
        return view;
    }

    private View Numbers(Shape shape, int seed, Category category)
    {
        var view = device.Allocate(shape, DType.F32, category);
        var random = new Random(seed);
        var numbers = new float[shape.Elements];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (float)random.NextDouble() * 0.2f;
        device.Write<float>(view, numbers);
        return view;
    }
}
