using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Cpu;

/// <summary>Cases of the primitive calls.</summary>
internal static class PrimitiveCases
{
    public static IEnumerable<CallCase> All() => [.. Maps(), .. Moves(), .. Reductions(), .. Tables(), .. Products()];

    private static IEnumerable<CallCase> Maps()
    {
        yield return new("map dense", b =>
        {
            var (x, y) = (b.Real(new Shape(37, 129), 1, 4), b.Empty(new Shape(37, 129)));
            b.Device.Run(MapCall.Unary<Silu, None>(y, x));
            b.Result("y", y);
        });
        yield return new("map of a long row", b =>
        {
            var (x, y) = (b.Real(new Shape(70001), 2, 4), b.Empty(new Shape(70001)));
            b.Device.Run(MapCall.Unary<GeluTanh, None>(y, x));
            b.Result("y", y);
        });
        yield return new("map of broadcast and transposed operands", b =>
        {
            var shape = new Shape(3, 7, 33);
            var (x, row, turned, y) = (b.Real(shape, 3), b.Real(new Shape(33), 4), b.Real(new Shape(33, 7, 3), 5), b.Empty(shape));
            b.Device.Run(MapCall.Binary<Mul, None>(y, x, row.Broadcast(shape)));
            b.Device.Run(MapCall.Binary<Add, None>(y, y, turned.Permute(2, 1, 0)));
            b.Result("y", y);
        });
        yield return new("map with three inputs and two outputs", b =>
        {
            var shape = new Shape(5, 77);
            var (a, c, dy, da, dc) = (b.Real(shape, 6, 3), b.Real(shape, 7), b.Real(shape, 8), b.Empty(shape), b.Empty(shape));
            b.Device.Run(MapCall.BinaryGrad<SwiGlu, None>(da, dc, a, c, dy));
            b.Result("da", da);
            b.Result("dc", dc);
        }, 4e-6);
        yield return new("map into a column of a matrix", b =>
        {
            var (x, y) = (b.Real(new Shape(40), 9), b.Real(new Shape(40, 3), 10));
            b.Device.Run(MapCall.Unary<Exp, None>(y.Select(1, 1), x));
            b.Result("y", y);
        });
    }

    private static IEnumerable<CallCase> Moves()
    {
        yield return new("fill", b =>
        {
            var y = b.Real(new Shape(6, 50), 11);
            b.Device.Run(new FillCall(y.Slice(1, 3, 17), 2.5));
            b.Result("y", y);
        });
        yield return new("fill integers", b =>
        {
            var y = b.Empty(new Shape(9), DType.I64);
            b.Device.Run(new FillCall(y, -3));
            b.Result("y", y);
        });
        yield return new("ramp", b =>
        {
            var y = b.Empty(new Shape(100));
            b.Device.Run(new RampCall(y, -7, 0.5));
            b.Result("y", y);
        });
        yield return new("copy of a transposed view", b =>
        {
            var (x, y) = (b.Real(new Shape(31, 45), 12), b.Empty(new Shape(45, 31)));
            b.Device.Run(new CopyCall(x.Transpose(0, 1), y));
            b.Result("y", y);
        });
        yield return new("copy between head orders", b =>
        {
            var (x, y) = (b.Real(new Shape(2, 50, 3, 64), 13), b.Empty(new Shape(2, 3, 50, 64)));
            b.Device.Run(new CopyCall(x.Transpose(1, 2), y));
            b.Result("y", y);
        });
        foreach (var type in new[] { DType.BF16, DType.F16, DType.I64, DType.I32, DType.F64, DType.U8 })
        {
            yield return new($"copy by way of {type}", b =>
            {
                var (x, there, back) = (b.Real(new Shape(5, 61), 14, 50, 60), b.Empty(new Shape(5, 61), type), b.Empty(new Shape(61, 5)));
                b.Device.Run(new CopyCall(x, there));
                b.Device.Run(new CopyCall(there.Transpose(0, 1), back));
                b.Result("there", there);
                b.Result("back", back);
            }, 0);
        }
    }

    private static IEnumerable<CallCase> Reductions()
    {
        foreach (var reduction in Enum.GetValues<Reduction>())
        {
            yield return new($"reduce rows, {reduction}", b => Reduce(b, new Shape(19, 333), 1, reduction));
            yield return new($"reduce columns, {reduction}", b => Reduce(b, new Shape(333, 70), 0, reduction));
            yield return new($"reduce a middle axis, {reduction}", b => Reduce(b, new Shape(4, 150, 33), 1, reduction));
            yield return new($"reduce a long row, {reduction}", b => Reduce(b, new Shape(1, 50000), 1, reduction), 2e-5);
            yield return new($"reduce a strided row, {reduction}", b =>
            {
                var (x, y) = (b.Real(new Shape(9000, 3), 21), b.Empty(new Shape(1)));
                b.Device.Run(new ReduceCall(x.Select(1, 1), y, 0, reduction));
                b.Result("y", y);
            }, 2e-5);
        }
        yield return new("reduce, added to what was there", b =>
        {
            var (x, y, z) = (b.Real(new Shape(90, 40), 22), b.Real(new Shape(1, 40), 23), b.Real(new Shape(90, 1), 24));
            b.Device.Run(new ReduceCall(x, y, 0, Reduction.Sum, true));
            b.Device.Run(new ReduceCall(x, z, 1, Reduction.SumOfSquares, true));
            b.Result("y", y);
            b.Result("z", z);
        });
        yield return new("reduce into fp64", b =>
        {
            var (x, y) = (b.Real(new Shape(3, 20011), 25, 1, 10), b.Empty(new Shape(3, 1), DType.F64));
            b.Device.Run(new ReduceCall(x, y, 1, Reduction.SumOfSquares));
            b.Result("y", y);
        }, 1e-13);
        yield return new("reduce, of nothing", b =>
        {
            var (sum, most) = (b.Empty(new Shape(2, 1)), b.Empty(new Shape(2, 1)));
            var x = b.Empty(new Shape(2, 0));
            b.Device.Run(new ReduceCall(x, sum, 1, Reduction.Sum));
            b.Device.Run(new ReduceCall(x, most, 1, Reduction.Max));
            b.Result("sum", sum);
            b.Result("most", most);
        });
        yield return new("arg_max", b =>
        {
            var (x, y, turned) = (b.Real(new Shape(3, 5, 1000), 26), b.Empty(new Shape(3, 5), DType.I64), b.Empty(new Shape(1000, 5), DType.I64));
            b.Device.Run(new ArgMaxCall(x, y));
            b.Device.Run(new ArgMaxCall(x.Permute(2, 1, 0), turned));
            b.Result("y", y);
            b.Result("turned", turned);
        }, 0);
        yield return new("clip_factor", b =>
        {
            var squares = b.Empty(new Shape(3), DType.F64);
            b.Device.Write<double>(squares, [4, 5, 7]);
            var (norm, factor) = (b.Empty(new Shape(1)), b.Empty(new Shape(1)));
            b.Device.Run(new ClipFactorCall(squares, norm, factor, 1));
            b.Result("norm", norm);
            b.Result("factor", factor);
        });
    }

    private static void Reduce(CallBench b, Shape shape, int axis, Reduction reduction)
    {
        var (x, y) = (b.Real(shape, 20), b.Empty(shape.With(axis, 1)));
        b.Device.Run(new ReduceCall(x, y, axis, reduction));
        b.Result("y", y);
    }

    private static IEnumerable<CallCase> Tables()
    {
        yield return new("gather, dense and packed", b =>
        {
            var (table, ids) = (b.Real(new Shape(101, 48), 30), b.Ids(33, 101, 31));
            var (y, z) = (b.Empty(new Shape(33, 48)), b.Empty(new Shape(33, 48)));
            b.Device.Run(new GatherCall(table, ids, y));
            b.Device.Run(new GatherCall(b.Frozen(table), ids, z));
            b.Result("y", y);
            b.Result("z", z);
        }, 0);
        yield return new("scatter_add", b =>
        {
            var (x, ids, table) = (b.Real(new Shape(500, 200), 32), b.Ids(500, 40, 33), b.Real(new Shape(40, 200), 34));
            b.Device.Run(new ScatterAddCall(x, ids, table, 7));
            b.Result("table", table);
        });
        yield return new("random", b =>
        {
            var y = b.Empty(new Shape(20003));
            b.Device.Run(new RandomCall(y, new RandomPlace(0x123456789ABCDEF, 5, 6, 7)));
            b.Result("y", y);
        }, 0);
        yield return new("rotary_table", b =>
        {
            var (positions, frequencies) = (b.Whole(0, 1, 8000, 77, 123), b.Empty(new Shape(4), DType.F64));
            b.Device.Write<double>(frequencies, [1, 0.1, 0.01, 0.001]);
            var (cos, sin) = (b.Empty(new Shape(5, 4)), b.Empty(new Shape(5, 4)));
            b.Device.Run(new RotaryTableCall(positions, frequencies, cos, sin, 1.25));
            b.Result("cos", cos);
            b.Result("sin", sin);
        }, 1e-7);
        yield return new("adamw", b =>
        {
            var shape = new Shape(20011);
            var (p, g, m, v) = (b.Real(shape, 35), b.Real(shape, 36), b.Real(shape, 37, 0.1), b.Real(shape, 38, 0.01, 0.01));
            b.Device.Run(new AdamWCall(p, g, m, v, b.Real(new Shape(4), 1e-3, 0.5, 0.25, 0.75), new AdamWSettings(0.9, 0.999, 1e-8, 0.1)));
            b.Result("p", p);
            b.Result("m", m);
            b.Result("v", v);
        });
    }

    private static IEnumerable<CallCase> Products()
    {
        yield return new("matmul of any orientation", b =>
        {
            var (x, w, y) = (b.Real(new Shape(45, 70), 40), b.Real(new Shape(70, 52), 41), b.Real(new Shape(45, 52), 42));
            var (xt, wt, yt) = (b.Real(new Shape(70, 45), 43).Transpose(0, 1), b.Real(new Shape(52, 70), 44).Transpose(0, 1), b.Empty(new Shape(52, 45)));
            var z = b.Empty(new Shape(45, 52));
            b.Device.Run(new MatMulCall(x, w, y, true));
            b.Device.Run(new MatMulCall(xt, w, z));
            b.Device.Run(new MatMulCall(x, wt, yt.Transpose(0, 1)));
            b.Result("y", y);
            b.Result("z", z);
            b.Result("yt", yt);
        });
        yield return new("matmul of heads, batched and grouped", b =>
        {
            var (q, k, s) = (b.Real(new Shape(2, 33, 6, 16), 45), b.Real(new Shape(2, 40, 2, 16), 46), b.Empty(new Shape(2, 6, 33, 40)));
            var grouped = q.Transpose(1, 2).Reshape(new Shape(2, 2, 3, 33, 16));
            var shared = k.Transpose(1, 2).Unsqueeze(2).Broadcast(new Shape(2, 2, 3, 40, 16));
            b.Device.Run(new MatMulCall(grouped, shared.Transpose(3, 4), s.Reshape(new Shape(2, 2, 3, 33, 40))));
            b.Result("s", s);
        });
        yield return new("matmul of operands without a dense axis", b =>
        {
            var (x, w, y) = (b.Real(new Shape(20, 30, 2), 47), b.Real(new Shape(30, 2, 9), 48), b.Empty(new Shape(20, 9)));
            b.Device.Run(new MatMulCall(x.Select(2, 1), w.Select(1, 0), y));
            b.Result("y", y);
        });
        yield return new("matmul over nothing", b =>
        {
            var y = b.Real(new Shape(3, 4), 49);
            b.Device.Run(new MatMulCall(b.Empty(new Shape(3, 0)), b.Empty(new Shape(0, 4)), y));
            b.Result("y", y);
        });
        foreach (int rows in new[] { 1, 5, 130 })
        {
            yield return new($"linear with bias and low-rank term, {rows} rows", b =>
            {
                var (x, w, bias) = (b.Real(new Shape(rows, 96), 50), b.Real(new Shape(75, 96), 51), b.Real(new Shape(75), 52));
                var low = new LowRankTerm(b.Real(new Shape(rows, 8), 53), b.Real(new Shape(75, 8), 54), 1.5f);
                var (dense, packed, plain) = (b.Empty(new Shape(rows, 75)), b.Empty(new Shape(rows, 75)), b.Real(new Shape(rows, 75), 55));
                b.Device.Run(new LinearCall(x, w, bias, dense, false, low));
                b.Device.Run(new LinearCall(x, b.Frozen(w), bias, packed, false, low));
                b.Device.Run(new LinearCall(x, b.Frozen(w), default, plain, true));
                b.Result("dense", dense);
                b.Result("packed", packed);
                b.Result("plain", plain);
            });
            yield return new($"linear_grad_input, {rows} rows", b =>
            {
                var (dy, w) = (b.Real(new Shape(rows, 75), 56), b.Real(new Shape(75, 96), 57));
                var (dense, packed) = (b.Empty(new Shape(rows, 96)), b.Real(new Shape(rows, 96), 58));
                b.Device.Run(new LinearGradInputCall(dy, w, dense));
                b.Device.Run(new LinearGradInputCall(dy, b.Frozen(w), packed, true));
                b.Result("dense", dense);
                b.Result("packed", packed);
            });
        }
        yield return new("pack and unpack", b =>
        {
            var w = b.Real(new Shape(75, 20), 59);
            if (b.Frozen(w).Packed is { } packed)
            {
                var (whole, part, turned) = (b.Empty(new Shape(75, 20)), b.Empty(new Shape(10, 20)), b.Empty(new Shape(20, 75)));
                b.Device.Run(new UnpackCall(packed, whole));
                b.Device.Run(new UnpackCall(packed, part, 27));
                b.Device.Run(new UnpackCall(packed, turned.Transpose(0, 1)));
                b.Device.Run(new PackCall(turned.Transpose(0, 1).Slice(0, 0, 64), packed));
                b.Device.Run(new PackCall(w.Slice(0, 64, 11), packed, 64));
                var again = b.Empty(new Shape(75, 20));
                b.Device.Run(new UnpackCall(packed, again));
                foreach (var (name, view) in new[] { ("whole", whole), ("part", part), ("turned", turned.Transpose(0, 1)), ("again", again) })
                    b.Result(name, view);
                return;
            }
            foreach (var (name, view) in new[] { ("whole", w), ("part", w.Slice(0, 27, 10)), ("turned", w), ("again", w) })
                b.Result(name, view);
        }, 0);
    }
}
