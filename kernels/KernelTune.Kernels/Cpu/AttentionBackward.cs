using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// The backward pass: with P = e^(S − lse) and D = Σ dY∘Y, dS = P∘(dY·Vᵀ − D); dV = Pᵀ·dY, dK = scale·dSᵀ·Q, dQ = scale·dS·K. Tiles have queries as
/// rows and keys as lanes. One thread does all tiles of a key head in one example, key block by key block, so each gradient has one owner
/// and its sums one order.
/// </summary>
internal static unsafe class AttentionBackward
{
    private const int Lanes = MatMulTile.Columns;

    /// <summary>Keys of a block: three panels.</summary>
    private const int KeyBlock = 96;

    /// <summary>Queries of a block: four tiles of 14.</summary>
    private const int QueryBlock = 56;

    /// <summary>Room for D, a number a row of queries.</summary>
    public static nuint DeltaBytes(in AttentionShape shape) => MatMulBlocking.Lines((long)shape.Batch * shape.Heads * shape.Queries);

    public static nuint SlotBytes(in AttentionShape shape, InstructionSet set)
    {
        var carve = new AttentionCarve(null);
        _ = new Buffers(shape, set, ref carve);
        return carve.Bytes;
    }

    public static void Run<V>(in AttentionGradArgs<float> args, byte* workspace, WorkerPool pool, InstructionSet set) where V : struct, IRowLane<V>
    {
        var shape = args.Forward.Shape;
        var deltas = new DeltaLoop<V> { Args = args, Delta = (float*)workspace };
        pool.Run(shape.Batch * shape.Heads, ref deltas);
        if (args.DSinks != null && args.Forward.Sinks != null)
            Sinks<V>(args, (float*)workspace);
        var loop = new Loop<V>
        {
            Grad = args, Delta = (float*)workspace, Workspace = workspace + DeltaBytes(shape), SlotBytes = SlotBytes(shape, set), Set = set,
        };
        pool.Run(shape.Segments * shape.KeyHeads, ref loop);
    }

    /// <summary>A sink's weight is e^(sink − lse) and its gradient, as any score's, weight·(0 − D), summed over rows in double precision.</summary>
    private static void Sinks<V>(in AttentionGradArgs<float> args, float* delta) where V : struct, IRowLane<V>
    {
        var shape = args.Forward.Shape;
        for (var h = 0; h < shape.Heads; h++)
        {
            var sum = 0.0;
            for (var b = 0; b < shape.Batch; b++)
                for (var i = 0; i < shape.Queries; i++)
                {
                    var at = ((nint)b * shape.Heads + h) * shape.Queries + i;
                    sum -= (double)V.Largest(V.Exp(V.Create(args.Forward.Sinks[h] - args.Forward.Lse[at]))) * delta[at];
                }
            args.DSinks[h] = (float)sum;
        }
    }

    private readonly struct Buffers
    {
        public readonly float* Kt, Vt, KEdge, Q, DY, QEdge, DYEdge, P, Ds, DsTurned, Slope;

        public Buffers(in AttentionShape shape, InstructionSet set, ref AttentionCarve carve)
        {
            var height = MatMulTile.Rows(set);
            var tall = (QueryBlock + height - 1) / height * height;
            Kt = carve.Take((long)KeyBlock * shape.Width);
            Vt = carve.Take((long)KeyBlock * shape.ValueWidth);
            KEdge = carve.Take(shape.Width % Lanes == 0 ? 0 : KeyBlock * Lanes);
            Q = carve.Take((long)tall * shape.Width);
            DY = carve.Take((long)tall * shape.ValueWidth);
            QEdge = carve.Take(shape.Width % Lanes == 0 ? 0 : QueryBlock * Lanes);
            DYEdge = carve.Take(shape.ValueWidth % Lanes == 0 ? 0 : QueryBlock * Lanes);
            P = carve.Take(QueryBlock * KeyBlock);
            Ds = carve.Take(QueryBlock * KeyBlock);
            DsTurned = carve.Take(QueryBlock * KeyBlock);
            Slope = carve.Take(shape.Softcap > 0 ? QueryBlock * KeyBlock : 0);
        }
    }

    private struct DeltaLoop<V> : IParallelBody where V : struct, IRowLane<V>
    {
        public AttentionGradArgs<float> Args;
        public float* Delta;

        public readonly void Execute(int item, int worker)
        {
            var shape = Args.Forward.Shape;
            int example = item / shape.Heads, head = item % shape.Heads;
            var y = Args.Forward.Y + example * Args.Forward.YStride.Batch + head * Args.Forward.YStride.Head;
            var dy = Args.DY + example * Args.DYStride.Batch + head * Args.DYStride.Head;
            for (var i = 0; i < shape.Queries; i++, y += Args.Forward.YStride.Row, dy += Args.DYStride.Row)
            {
                V sums = V.Zero;
                var d = 0;
                for (; d + V.Width <= shape.ValueWidth; d += V.Width)
                    sums = V.Fma(V.Load(y + d), V.Load(dy + d), sums);
                if (d < shape.ValueWidth)
                    sums = V.Fma(V.LoadPart(y + d, shape.ValueWidth - d), V.LoadPart(dy + d, shape.ValueWidth - d), sums);
                Delta[(nint)item * shape.Queries + i] = V.Sum(sums);
            }
        }
    }

    private struct Loop<V> : IParallelBody where V : struct, IRowLane<V>
    {
        public AttentionGradArgs<float> Grad;
        public float* Delta;
        public byte* Workspace;
        public nuint SlotBytes;
        public InstructionSet Set;

        public readonly void Execute(int item, int worker)
        {
            var args = Grad.Forward;
            var shape = args.Shape;
            var segment = args.Segment(item / shape.KeyHeads);
            var keyHead = item % shape.KeyHeads;
            var carve = new AttentionCarve(Workspace + (nuint)worker * SlotBytes);
            var buffers = new Buffers(shape, Set, ref carve);
            if (Grad.DK != null && !Grad.AddK)
                Clear(At(Grad.DK, Grad.DKStride, segment, segment.FirstKey, keyHead), Grad.DKStride.Row, segment.Keys, shape.Width);
            if (Grad.DV != null && !Grad.AddV)
                Clear(At(Grad.DV, Grad.DVStride, segment, segment.FirstKey, keyHead), Grad.DVStride.Row, segment.Keys, shape.ValueWidth);
            for (var h = 0; h < shape.Group; h++)
                if (Grad.DQ != null && !Grad.AddQ)
                    Clear(At(Grad.DQ, Grad.DQStride, segment, segment.FirstQuery, keyHead * shape.Group + h), Grad.DQStride.Row, segment.Queries, shape.Width);

            for (var key = 0; key < segment.Keys; key += KeyBlock)
            {
                var keys = Math.Min(KeyBlock, segment.Keys - key);
                PackKeys(segment, keyHead, key, keys, buffers);
                for (var h = 0; h < shape.Group; h++)
                    for (var query = 0; query < segment.Queries; query += QueryBlock)
                    {
                        var queries = Math.Min(QueryBlock, segment.Queries - query);
                        var (from, to) = AttentionScoreTile.KeysOf(shape, segment, query, query + queries - 1);
                        from = Math.Max(from - key, 0) / Lanes * Lanes;
                        to = Math.Min(to - key, keys);
                        if (from < to)
                            Tile(segment, keyHead, keyHead * shape.Group + h, key, from, to, query, queries, buffers);
                    }
            }
        }

        private readonly void PackKeys(in AttentionSegment segment, int keyHead, int key, int keys, in Buffers buffers)
        {
            var shape = Grad.Forward.Shape;
            var k = At(Grad.Forward.K, Grad.Forward.KStride, segment, segment.FirstKey + key, keyHead);
            var v = At(Grad.Forward.V, Grad.Forward.VStride, segment, segment.FirstKey + key, keyHead);
            for (var panel = 0; panel * Lanes < keys; panel++)
            {
                new TransposedRight(k, Grad.Forward.KStride.Row, keys).Pack(Set, panel, 0, shape.Width, buffers.Kt + (nint)panel * Lanes * shape.Width);
                new TransposedRight(v, Grad.Forward.VStride.Row, keys).Pack(Set, panel, 0, shape.ValueWidth, buffers.Vt + (nint)panel * Lanes * shape.ValueWidth);
            }
            PackEdge(k, Grad.Forward.KStride.Row, keys, shape.Width, buffers.KEdge);
        }

        private readonly void Tile(
            in AttentionSegment segment, int keyHead, int head, int key, int from, int to, int query, int queries, in Buffers buffers)
        {
            var args = Grad.Forward;
            var shape = args.Shape;
            var row = segment.FirstQuery + query;
            float* q = At(args.Q, args.QStride, segment, row, head), dy = At(Grad.DY, Grad.DYStride, segment, row, head);
            PackingLeft.Run(Set, transposed: false, q, args.QStride.Row, queries, shape.Width, buffers.Q);
            PackingLeft.Run(Set, transposed: false, dy, Grad.DYStride.Row, queries, shape.ValueWidth, buffers.DY);
            V scale = V.Create(shape.Scale);
            var height = MatMulTile.Rows(Set);
            var packed = (queries + height - 1) / height * height * shape.Width;
            var i = 0;
            // As the forward pass: scale·q is what meets k. Rows that a tile lacks are multiplied too and read by nobody.
            for (; i + V.Width <= packed; i += V.Width)
                V.Store(V.Load(buffers.Q + i) * scale, buffers.Q + i);
            for (; i < packed; i++)
                buffers.Q[i] *= shape.Scale;

            for (var panel = from / Lanes; panel * Lanes < to; panel++)
            {
                Products(queries, shape.Width, buffers.Q, buffers.Kt + (nint)panel * Lanes * shape.Width, buffers.P + panel * Lanes);
                Products(queries, shape.ValueWidth, buffers.DY, buffers.Vt + (nint)panel * Lanes * shape.ValueWidth, buffers.Ds + panel * Lanes);
            }
            var lanes = (to - from + Lanes - 1) / Lanes * Lanes;
            var slope = shape.Softcap > 0 ? buffers.Slope + from : null;
            new AttentionScoreTile
            {
                Data = buffers.P + from, Rows = queries, Lanes = lanes, ValidLanes = to - from, Ld = KeyBlock, LanesAreQueries = false,
                FirstRow = query, FirstLane = key + from,
            }.Finish<V>(args, segment, head, slope);
            var rows = ((nint)segment.Batch * shape.Heads + head) * shape.Queries + row;
            Derive(buffers.P + from, buffers.Ds + from, slope, queries, lanes, args.Lse + rows, Delta + rows, shape.Scale);

            var keys = to - from;
            if (Grad.DV != null)
            {
                PackEdge(dy, Grad.DYStride.Row, queries, shape.ValueWidth, buffers.DYEdge);
                Sum(buffers.P + from, KeyBlock, keys, queries, dy, Grad.DYStride.Row, buffers.DYEdge, shape.ValueWidth,
                    At(Grad.DV, Grad.DVStride, segment, segment.FirstKey + key + from, keyHead), Grad.DVStride.Row);
            }
            if (Grad.DK != null)
            {
                PackEdge(q, args.QStride.Row, queries, shape.Width, buffers.QEdge);
                Sum(buffers.Ds + from, KeyBlock, keys, queries, q, args.QStride.Row, buffers.QEdge, shape.Width,
                    At(Grad.DK, Grad.DKStride, segment, segment.FirstKey + key + from, keyHead), Grad.DKStride.Row);
            }
            if (Grad.DQ != null)
            {
                PackingTranspose.Run(Set, buffers.Ds + from, KeyBlock, queries, keys, buffers.DsTurned, QueryBlock);
                Sum(buffers.DsTurned, QueryBlock, queries, keys, At(args.K, args.KStride, segment, segment.FirstKey + key + from, keyHead), args.KStride.Row,
                    buffers.KEdge + (shape.Width % Lanes == 0 ? 0 : from * Lanes), shape.Width,
                    At(Grad.DQ, Grad.DQStride, segment, row, head), Grad.DQStride.Row);
            }
        }

        /// <summary>to [queries, 32] = packed rows · a panel, in tiles as they were packed.</summary>
        private readonly void Products(int queries, int channels, float* packed, float* panel, float* to)
        {
            var height = MatMulTile.Rows(Set);
            var tiles = (queries + height - 1) / height;
            for (var t = 0; t < tiles; t++)
            {
                var first = PackingLeft.First(queries, t, tiles);
                MatMulTile.Run(
                    Set, PackingLeft.First(queries, t + 1, tiles) - first, channels, packed + (nint)t * height * channels, height, panel, Lanes,
                    to + first * KeyBlock, KeyBlock, add: false);
            }
        }

        /// <summary>Scores become P; dY·Vᵀ becomes scale·dS.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Derive(float* scores, float* products, float* slope, int rows, int lanes, float* lse, float* delta, float scale)
        {
            V factor = V.Create(scale);
            for (var r = 0; r < rows; r++, scores += KeyBlock, products += KeyBlock)
            {
                // A row that sees nothing: −∞ − ∞ is −∞, and the weights are 0.
                V log = V.Create(float.IsNegativeInfinity(lse[r]) ? float.PositiveInfinity : lse[r]);
                V d = V.Create(delta[r]);
                for (var l = 0; l < lanes; l += V.Width)
                {
                    V p = V.Exp(V.Load(scores + l) - log);
                    V g = p * (V.Load(products + l) - d);
                    if (slope != null)
                        g *= V.Load(slope + r * KeyBlock + l);
                    V.Store(p, scores + l);
                    V.Store(g * factor, products + l);
                }
            }
        }

        /// <summary>to [rows, channels] += aᵀ·b, a [count, rows], b [count, channels] where it lies; its last channels in <paramref name="edge"/>.</summary>
        private readonly void Sum(
            float* a, int aStep, int rows, int count, float* b, nint bStep, float* edge, int channels, float* to, nint ldTo)
        {
            for (var c = 0; c < channels; c += Lanes)
            {
                var columns = Math.Min(Lanes, channels - c);
                if (columns == Lanes)
                    MatMulTile.RunRows(Set, rows, Lanes, count, a, aStep, b + c, bStep, to + c, ldTo, add: true);
                else
                    MatMulTile.RunRows(Set, rows, columns, count, a, aStep, edge, Lanes, to + c, ldTo, add: true);
            }
        }

        /// <summary>The channels beyond the last multiple of 32, padded with zeros.</summary>
        private static void PackEdge(float* from, nint ld, int rows, int channels, float* to)
        {
            var columns = channels % Lanes;
            if (columns == 0)
                return;
            for (var r = 0; r < rows; r++)
                PackingRight.CopyPadded(from + r * ld + channels - columns, columns, to + r * Lanes);
        }

        private static float* At(float* start, in AttentionStride stride, in AttentionSegment segment, int row, int head) =>
            start + segment.Batch * stride.Batch + row * stride.Row + head * stride.Head;

        private static void Clear(float* start, nint ld, int rows, int count)
        {
            for (var r = 0; r < rows; r++)
                new Span<float>(start + r * ld, count).Clear();
        }
    }
}
