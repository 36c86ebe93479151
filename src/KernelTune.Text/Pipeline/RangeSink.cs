namespace KernelTune.Text.Pipeline;

/// <summary>Takes the parts of a text as they are found, so that no list of them need be kept.</summary>
internal abstract class RangeSink
{
    /// <summary>Takes text[begin..end], which is not empty.</summary>
    public abstract void Add(ReadOnlySpan<char> text, int begin, int end);
}

/// <summary>Adds the ids of each part to a list.</summary>
internal sealed class IdSink(Models.TokenModel model, bool asBytes, List<int> ids) : RangeSink
{
    public override void Add(ReadOnlySpan<char> text, int begin, int end) =>
        ids.AddRange(asBytes ? model.IdsOfBytes(text[begin..end]) : model.Encode(text[begin..end]).Ids);
}
