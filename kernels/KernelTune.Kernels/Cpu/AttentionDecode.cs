using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// The forward pass of a few queries over many keys, as generation has it: keys and values are read once, where they lie, for all heads that
/// share them. A row of scores a query fits the workspace, so the softmax takes one pass.
/// </summary>
internal static unsafe class AttentionDecode
{
    private const int Few = 8;

    /// <summary>The shape decides alone: the order of sums differs from the blocked pass.</summary>
    public static bool Takes(in AttentionShape shape) => shape.Sequences == 0 && shape.Queries <= 4 && shape.Queries * HeadsOf(shape) <= Few;

    public static nuint SlotBytes(in AttentionShape shape)
    {
        var carve = new AttentionCarve(null);
        _ = new Buffers(shape, ref carve);
        return carve.Bytes;
    }

    public static void Run<V>(in AttentionArgs<float> args, byte* workspace, WorkerPool pool, InstructionSet set) where V : struct, IRowLane<V>
    {
        var shape = args.Shape;
        var loop = new Loop<V> { Args = args, Workspace = workspace, SlotBytes = SlotBytes(shape), Set = set };
        var items = shape.Batch * shape.KeyHeads * Chunks(shape);
        if ((double)items * shape.Keys * (shape.Width + shape.ValueWidth) < 1 << 17)
            MatMulBlocking.Loop(null, items, ref loop);
        else
            pool.Run(items, ref loop);
    }

    private static int HeadsOf(in AttentionShape shape) => Math.Min(shape.Group, Math.Max(1, Few / Math.Max(1, shape.Queries)));

    private static int Chunks(in AttentionShape shape) => (shape.Group + HeadsOf(shape) - 1) / HeadsOf(shape);

    private static int LdScores(in AttentionShape shape) => (shape.Keys + 15) & ~15;

    private readonly struct Buffers
    {
        public readonly float* Q, Scores, Turned, Edge, Y;

        public Buffers(in AttentionShape shape, ref AttentionCarve carve)
        {
            Q = carve.Take((long)Few * shape.Width);
            Scores = carve.Take((long)Few * LdScores(shape));
            Turned = carve.Take((long)Few * shape.Keys);
            Edge = carve.Take(shape.ValueWidth % MatMulTile.Columns == 0 ? 0 : (long)MatMulTile.Columns * EdgeKeys);
            Y = carve.Take((long)Few * shape.ValueWidth);
        }
    }

    /// <summary>Keys whose last channels are copied at a time where the channels are no multiple of 32.</summary>
    private const int EdgeKeys = 128;

    private struct Loop<V> : IParallelBody where V : struct, IRowLane<V>
    {
        public AttentionArgs<float> Args;
        public byte* Workspace;
        public nuint SlotBytes;
        public InstructionSet Set;

        public readonly void Execute(int item, int worker)
        {
            var shape = Args.Shape;
            var chunk = item % Chunks(shape);
            item /= Chunks(shape);
            int keyHead = item % shape.KeyHeads, example = item / shape.KeyHeads;
            var segment = Args.Segment(example);
            var carve = new AttentionCarve(Workspace + (nuint)worker * SlotBytes);
            var buffers = new Buffers(shape, ref carve);
            var (from, to) = AttentionScoreTile.KeysOf(shape, segment, 0, shape.Queries - 1);
            var keys = Math.Max(0, to - from);
            var firstHead = keyHead * shape.Group + chunk * HeadsOf(shape);
            var heads = Math.Min(HeadsOf(shape), (keyHead + 1) * shape.Group - firstHead);
            var rows = heads * shape.Queries;

            var ld = LdScores(shape);
            Multiply(segment, keyHead, firstHead, rows, from, keys, ld, buffers);
            for (var h = 0; h < heads; h++)
                new AttentionScoreTile
                {
                    Data = buffers.Scores + (nint)h * shape.Queries * ld, Rows = shape.Queries, Lanes = (keys + 15) & ~15, ValidLanes = keys, Ld = ld,
                    LanesAreQueries = false, FirstRow = 0, FirstLane = from,
                }.Finish<V>(Args, segment, firstHead + h, null);
            var inverses = stackalloc float[Few];
            for (var r = 0; r < rows; r++)
            {
                int head = firstHead + r / shape.Queries, query = r % shape.Queries;
                inverses[r] = Weigh(
                    buffers.Scores + (nint)r * ld, keys, Args.Sinks == null ? float.NegativeInfinity : Args.Sinks[head], out var lse);
                if (Args.Lse != null)
                    Args.Lse[((nint)example * shape.Heads + head) * shape.Queries + query] = lse;
            }
            PackingTranspose.Run(Set, buffers.Scores, ld, rows, keys, buffers.Turned, rows);
            Sum(segment, keyHead, rows, from, keys, buffers);
            for (var r = 0; r < rows; r++)
            {
                int head = firstHead + r / shape.Queries, query = r % shape.Queries;
                var y = Args.Y + example * Args.YStride.Batch + query * Args.YStride.Row + head * Args.YStride.Head;
                for (var d = 0; d < shape.ValueWidth; d++)
                    y[d] = buffers.Y[r * shape.ValueWidth + d] * inverses[r];
            }
        }

        /// <summary>Scores [rows, keys] = scale·Q·Kᵀ.</summary>
        private readonly void Multiply(
            in AttentionSegment segment, int keyHead, int firstHead, int rows, int from, int keys, int ld, in Buffers buffers)
        {
            var shape = Args.Shape;
            for (var r = 0; r < rows; r++)
            {
                var q = Args.Q + segment.Batch * Args.QStride.Batch + r % shape.Queries * Args.QStride.Row
                    + (firstHead + r / shape.Queries) * Args.QStride.Head;
                for (var d = 0; d < shape.Width; d++)
                    buffers.Q[r * shape.Width + d] = q[d] * shape.Scale;
            }
            var step = Args.KStride.Row;
            var k = Args.K + segment.Batch * Args.KStride.Batch + from * step + keyHead * Args.KStride.Head;
            var sums = stackalloc float[16];
            for (var j = 0; j < keys; j += 4)
            {
                // Fewer than four left: one by one, each read four times over.
                var whole = j + 4 <= keys;
                for (var one = j; one < Math.Min(keys, j + 4); one += whole ? 4 : 1)
                    for (var r = 0; r < rows; r += 4)
                    {
                        var some = Math.Min(4, rows - r);
                        MatMulDotTile.Run(Set, some, shape.Width, buffers.Q + r * shape.Width, shape.Width, k + one * step, whole ? step : 0, sums);
                        for (var i = 0; i < some; i++)
                            for (var c = 0; c < (whole ? 4 : 1); c++)
                                buffers.Scores[(nint)(r + i) * ld + one + c] = sums[i * 4 + c];
                    }
            }
        }

        /// <summary>Scores become e^(score − maximum); returns one over their sum.</summary>
        private static float Weigh(float* scores, int keys, float sink, out float lse)
        {
            var padded = (keys + 15) & ~15;
            V tops = V.Create(sink);
            for (var j = 0; j < padded; j += V.Width)
                tops = V.GreaterOf(tops, V.Load(scores + j));
            var top = V.Largest(tops);
            if (float.IsNegativeInfinity(top))
            {
                new Span<float>(scores, keys).Clear();
                lse = top;
                return 0;
            }
            V shift = V.Create(top), sums = V.Zero;
            for (var j = 0; j < padded; j += V.Width)
            {
                V e = V.Exp(V.Load(scores + j) - shift);
                V.Store(e, scores + j);
                sums += e;
            }
            var sum = V.Sum(sums) + V.Sum(V.Select(V.First(1), V.Exp(V.Create(sink) - shift), V.Zero));
            lse = top + V.Largest(V.Log(V.Create(sum)));
            return 1 / sum;
        }

        /// <summary>Y [rows, channels] = weights·V, before division by the sums.</summary>
        private readonly void Sum(in AttentionSegment segment, int keyHead, int rows, int from, int keys, in Buffers buffers)
        {
            var shape = Args.Shape;
            var step = Args.VStride.Row;
            var v = Args.V + segment.Batch * Args.VStride.Batch + from * step + keyHead * Args.VStride.Head;
            new Span<float>(buffers.Y, rows * shape.ValueWidth).Clear();
            for (var d = 0; d < shape.ValueWidth; d += MatMulTile.Columns)
            {
                var columns = Math.Min(MatMulTile.Columns, shape.ValueWidth - d);
                for (var j = 0; j < keys; j += EdgeKeys)
                {
                    var some = Math.Min(EdgeKeys, keys - j);
                    float* b = v + j * step + d;
                    var bStep = step;
                    if (columns < MatMulTile.Columns)
                    {
                        for (var i = 0; i < some; i++)
                            PackingRight.CopyPadded(b + i * step, columns, buffers.Edge + i * MatMulTile.Columns);
                        b = buffers.Edge;
                        bStep = MatMulTile.Columns;
                    }
                    MatMulTile.RunRows(
                        Set, rows, columns, some, buffers.Turned + (nint)j * rows, rows, b, bStep, buffers.Y + d, shape.ValueWidth, add: true);
                }
            }
        }
    }
}
