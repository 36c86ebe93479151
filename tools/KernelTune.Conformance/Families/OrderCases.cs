using KernelTune.Autograd;
using KernelTune.Autograd.Ops;

namespace KernelTune.Conformance.Families;

/// <summary>Running sums, sorting and the k greatest.</summary>
internal static class OrderCases
{
    public static void CumulativeSums(OpRun r) => r.Output("y", CumulativeSum.Apply(r.Real("x"), r.Int("dim")));

    public static void IntegerSums(OpRun r)
    {
        var y = CumulativeSum.Apply(r.Integers("x"), r.Int("dim"));
        r.Integers("y", Whole(y), y.Shape.ToArray());
    }

    public static void Sorted(OpRun r) => Output(r, SortOp.Apply(r.Real("x"), r.Int("dim"), r.Flag("descending")));

    public static void Greatest(OpRun r) => Output(r, TopK.Apply(r.Real("x"), r.Int("k"), r.Int("dim"), r.Flag("largest")));

    private static void Output(OpRun r, (Tensor Values, Tensor Index) of)
    {
        r.Output("values", of.Values);
        r.Integers("index", Whole(of.Index), of.Index.Shape.ToArray());
    }

    private static long[] Whole(Tensor x)
    {
        x = Contiguous.Apply(x);
        var values = new long[x.View.Elements];
        x.Device.Read<long>(x.View, values);
        return values;
    }
}
