using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// The forward pass over blocks of queries. Scores are computed transposed, Sᵀ = K·Qᵀ, so that the 32 lanes of a tile are 32 queries and
/// maximum, sum and rescaling are vertical; Yᵀ += Vᵀ·Pᵀ reads V where it lies. The heads that share a key head are done together, so
/// that a block of keys is packed once for all of them.
/// </summary>
internal static unsafe class AttentionForward
{
    private const int Lanes = MatMulTile.Columns;

    /// <summary>Keys of a block: eight tiles of 14.</summary>
    private const int KeyBlock = 112;

    /// <summary>Panels of 32 queries that share a packed block of keys.</summary>
    private const int Panels = 4;

    public static nuint SlotBytes(in AttentionShape shape, InstructionSet set)
    {
        var carve = new AttentionCarve(null);
        _ = new Buffers(shape, set, ref carve);
        return carve.Bytes;
    }

    public static void Run<V>(in AttentionArgs<float> args, byte* workspace, WorkerPool pool, InstructionSet set) where V : struct, IRowLane<V>
    {
        var items = 0;
        for (var s = 0; s < args.Shape.Segments; s++)
            items += ItemsOf(args.Shape, args.Segment(s).Queries);
        var loop = new Loop<V> { Args = args, Workspace = workspace, SlotBytes = SlotBytes(args.Shape, set), Set = set, Items = items };
        if (Work(args.Shape) < 1e6)
            MatMulBlocking.Loop(null, items, ref loop);
        else
            pool.Run(items, ref loop);
    }

    private static double Work(in AttentionShape shape) =>
        (double)shape.Batch * shape.Heads * shape.Queries * shape.Keys / Math.Max(1, shape.Sequences) * (shape.Width + shape.ValueWidth);

    private static int HeadsOf(in AttentionShape shape) => Math.Min(shape.Group, 8);

    private static int RowsOf(in AttentionShape shape) => Lanes * Math.Max(1, Panels / HeadsOf(shape));

    private static int ItemsOf(in AttentionShape shape, int queries) =>
        Blocks(queries, RowsOf(shape)) * shape.KeyHeads * Blocks(shape.Group, HeadsOf(shape));

    private static int Blocks(int count, int block) => (count + block - 1) / block;

    /// <summary>One panel: 32 queries of one head.</summary>
    private struct Panel
    {
        public int Head, First, Count, From, To;
        public float* Q, Yt, Top, Sum;
    }

    private readonly struct Buffers
    {
        public readonly float* Keys, Scores, Q, Yt, Rows;

        public Buffers(in AttentionShape shape, InstructionSet set, ref AttentionCarve carve)
        {
            var height = MatMulTile.Rows(set);
            var panels = HeadsOf(shape) * RowsOf(shape) / Lanes;
            Keys = carve.Take((long)Blocks(KeyBlock, height) * height * shape.Width);
            Scores = carve.Take(KeyBlock * Lanes);
            Q = carve.Take((long)panels * shape.Width * Lanes);
            Yt = carve.Take((long)panels * shape.ValueWidth * Lanes);
            Rows = carve.Take(panels * 2 * Lanes);
        }
    }

    private struct Loop<V> : IParallelBody where V : struct, IRowLane<V>
    {
        public AttentionArgs<float> Args;
        public byte* Workspace;
        public nuint SlotBytes;
        public InstructionSet Set;
        public int Items;

        public readonly void Execute(int item, int worker)
        {
            var shape = Args.Shape;
            // Backwards: a causal mask makes the last blocks the longest, and those are best begun first.
            var index = Items - 1 - item;
            var s = 0;
            var segment = Args.Segment(0);
            for (int items; index >= (items = ItemsOf(shape, segment.Queries)); segment = Args.Segment(++s))
                index -= items;
            var chunks = Blocks(shape.Group, HeadsOf(shape));
            var chunk = index % chunks;
            index /= chunks;
            int keyHead = index % shape.KeyHeads, block = index / shape.KeyHeads;

            var carve = new AttentionCarve(Workspace + (nuint)worker * SlotBytes);
            var buffers = new Buffers(shape, Set, ref carve);
            var panels = stackalloc Panel[Panels + 8];
            var count = Begin(segment, keyHead, chunk, block, buffers, panels, out var from, out var to);
            var k = Args.K + segment.Batch * Args.KStride.Batch + segment.FirstKey * Args.KStride.Row + keyHead * Args.KStride.Head;
            var v = Args.V + segment.Batch * Args.VStride.Batch + segment.FirstKey * Args.VStride.Row + keyHead * Args.VStride.Head;
            for (var key = from; key < to; key += KeyBlock)
            {
                var keys = Math.Min(KeyBlock, to - key);
                PackingLeft.Run(Set, transposed: false, k + key * Args.KStride.Row, Args.KStride.Row, keys, shape.Width, buffers.Keys);
                for (var p = 0; p < count; p++)
                    Add(segment, panels[p], key, keys, buffers, v + key * Args.VStride.Row);
            }
            for (var p = 0; p < count; p++)
                End(segment, panels[p]);
        }

        /// <summary>Packs scale·Q as panels; the keys that any of them sees.</summary>
        private readonly int Begin(
            in AttentionSegment segment, int keyHead, int chunk, int block, in Buffers buffers, Panel* panels, out int from, out int to)
        {
            var shape = Args.Shape;
            var rows = RowsOf(shape);
            var lastHead = Math.Min((chunk + 1) * HeadsOf(shape), shape.Group);
            var count = 0;
            (from, to) = (segment.Keys, 0);
            for (var h = chunk * HeadsOf(shape); h < lastHead; h++)
                for (var first = block * rows; first < Math.Min(segment.Queries, (block + 1) * rows); first += Lanes)
                {
                    var panel = new Panel
                    {
                        Head = keyHead * shape.Group + h, First = first, Count = Math.Min(Lanes, segment.Queries - first),
                        Q = buffers.Q + (nint)count * shape.Width * Lanes, Yt = buffers.Yt + (nint)count * shape.ValueWidth * Lanes,
                        Top = buffers.Rows + count * 2 * Lanes, Sum = buffers.Rows + (count * 2 + 1) * Lanes,
                    };
                    (panel.From, panel.To) = AttentionScoreTile.KeysOf(shape, segment, first, first + panel.Count - 1);
                    (from, to) = (Math.Min(from, panel.From), Math.Max(to, panel.To));
                    var stride = Args.QStride;
                    var q = Args.Q + segment.Batch * stride.Batch + (segment.FirstQuery + first) * stride.Row + panel.Head * stride.Head;
                    new TransposedRight(q, stride.Row, panel.Count).Pack(Set, 0, 0, shape.Width, panel.Q);
                    V scale = V.Create(shape.Scale);
                    for (var i = 0; i < shape.Width * Lanes; i += V.Width)
                        V.Store(V.Load(panel.Q + i) * scale, panel.Q + i);
                    new Span<float>(panel.Yt, shape.ValueWidth * Lanes).Clear();
                    // A sink is a score that is there before the first key.
                    new Span<float>(panel.Top, Lanes).Fill(Args.Sinks == null ? float.NegativeInfinity : Args.Sinks[panel.Head]);
                    new Span<float>(panel.Sum, Lanes).Fill(Args.Sinks == null ? 0 : 1);
                    panels[count++] = panel;
                }
            return count;
        }

        private readonly void Add(in AttentionSegment segment, in Panel panel, int key, int keys, in Buffers buffers, float* v)
        {
            var shape = Args.Shape;
            int from = Math.Max(panel.From - key, 0), to = Math.Min(panel.To - key, keys);
            if (from >= to)
                return;
            var height = MatMulTile.Rows(Set);
            var tiles = Blocks(keys, height);
            for (var t = 0; t < tiles; t++)
            {
                int first = PackingLeft.First(keys, t, tiles), end = PackingLeft.First(keys, t + 1, tiles);
                if (end > from && first < to)
                    MatMulTile.Run(
                        Set, end - first, shape.Width, buffers.Keys + (nint)t * height * shape.Width, height, panel.Q, Lanes,
                        buffers.Scores + first * Lanes, Lanes, add: false);
            }
            var scores = buffers.Scores + from * Lanes;
            new AttentionScoreTile
            {
                Data = scores, Rows = to - from, Lanes = Lanes, ValidLanes = panel.Count, Ld = Lanes, LanesAreQueries = true,
                FirstRow = key + from, FirstLane = panel.First,
            }.Finish<V>(Args, segment, panel.Head, null);
            Weigh(scores, to - from, panel.Top, panel.Sum, panel.Yt, shape.ValueWidth);
            MatMulTile.RunRows(
                Set, shape.ValueWidth, Lanes, to - from, v + from * Args.VStride.Row, Args.VStride.Row, scores, Lanes, panel.Yt, Lanes, add: true);
        }

        /// <summary>Scores become e^(score − maximum so far); what was summed before is brought to that maximum.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Weigh(float* scores, int rows, float* tops, float* sums, float* yt, int channels)
        {
            for (var half = 0; half < Lanes; half += V.Width)
            {
                var s = scores + half;
                V old = V.Load(tops + half), top = old;
                for (var r = 0; r < rows; r++)
                    top = V.GreaterOf(top, V.Load(s + r * Lanes));
                V.Store(top, tops + half);
                // Nothing visible yet: subtract 0, so that −∞ stays −∞ and its exponential 0.
                top = V.Select(V.Equal(top, V.Create(float.NegativeInfinity)), V.Zero, top);
                V shrink = V.Exp(old - top);
                V sum = V.Load(sums + half) * shrink;
                for (var r = 0; r < rows; r++)
                {
                    V e = V.Exp(V.Load(s + r * Lanes) - top);
                    V.Store(e, s + r * Lanes);
                    sum += e;
                }
                V.Store(sum, sums + half);
                if (V.Any(~V.Equal(shrink, V.One)))
                    for (var c = 0; c < channels; c++)
                        V.Store(V.Load(yt + c * Lanes + half) * shrink, yt + c * Lanes + half);
            }
        }

        /// <summary>Y = Yᵀ / sum, turned; the sums' logarithms.</summary>
        private readonly void End(in AttentionSegment segment, in Panel panel)
        {
            var shape = Args.Shape;
            for (var half = 0; half < Lanes; half += V.Width)
            {
                V sum = V.Load(panel.Sum + half);
                V inverse = V.Select(V.Equal(sum, V.Zero), V.Zero, V.One / sum);
                V.Store(V.Load(panel.Top + half) + V.Log(sum), panel.Top + half);
                for (var c = 0; c < shape.ValueWidth; c++)
                    V.Store(V.Load(panel.Yt + c * Lanes + half) * inverse, panel.Yt + c * Lanes + half);
            }
            var row = segment.FirstQuery + panel.First;
            var y = Args.Y + segment.Batch * Args.YStride.Batch + row * Args.YStride.Row + panel.Head * Args.YStride.Head;
            PackingTranspose.Run(Set, panel.Yt, Lanes, shape.ValueWidth, panel.Count, y, Args.YStride.Row);
            if (Args.Lse != null)
                new Span<float>(panel.Top, panel.Count).CopyTo(
                    new Span<float>(Args.Lse + ((nint)segment.Batch * shape.Heads + panel.Head) * shape.Queries + row, panel.Count));
        }
    }
}
