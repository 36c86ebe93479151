using KernelTune.Autograd.Ops;
using KernelTune.Modules;

namespace KernelTune.Conformance.Families;

/// <summary>T5's buckets of relative positions, and the bias of attention scores that a table holds for them.</summary>
internal static class BucketCases
{
    public static readonly string[] Sorting = ["bidirectional", "num_buckets", "max_distance"];

    public static void Buckets(OpRun r)
    {
        long[] distances = r.HostIntegers("relative_position");
        RelativeBuckets buckets = Of(r);
        r.Integers("bucket", Array.ConvertAll(distances, d => (long)buckets.Of(d)), [distances.Length]);
    }

    public static void Bias(OpRun r) =>
        r.Output("bias", RelativeBuckets.Bias(EmbeddingOp.Apply(r.Parameter("table"), Of(r).Upload(r.Session, r.Int("query_length"), r.Int("key_length")))));

    private static RelativeBuckets Of(OpRun r) => new(r.Int("num_buckets"), r.Int("max_distance"), r.Flag("bidirectional"));
}
