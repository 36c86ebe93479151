namespace KernelTune.Data.Pictures;

/// <summary>Pictures that are looked at and not learned from, unchanged and in the order of their set.</summary>
public sealed class PictureEvaluationData(PictureSet set) : IEvaluationData
{
    public PictureSet Set { get; } = set;

    public int Count => Set.Count;

    /// <summary>All pictures once.</summary>
    public IEnumerable<PictureBatch> Batches(int batchSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        for (int start = 0; start < Set.Count; start += batchSize)
        {
            int count = Math.Min(batchSize, Set.Count - start);
            var indices = new int[count];
            for (int i = 0; i < count; i++) indices[i] = start + i;
            yield return PictureBatch.Of(Set, indices, null, start + count == Set.Count);
        }
    }

    IEnumerable<IBatch> IEvaluationData.Batches(int batchSize) => Batches(batchSize);

    IBatch IEvaluationData.Largest(int batchSize) => PictureBatch.Of(Set, PictureBatches.FirstOf(Math.Min(batchSize, Set.Count)), null, false);
}
