using System.Text.Json;

namespace KernelTune.Data.Reading;

/// <summary>Where a record stands in its file.</summary>
/// <param name="Number">Its line, or its number among the records; from 1.</param>
/// <param name="Unit">What Number counts: "line", "entry", "row".</param>
/// <param name="Json">The record's own text where it is JSON, so that messages can tell columns; else empty.</param>
internal readonly record struct Place(long Number, string Unit, ReadOnlyMemory<byte> Json = default);

/// <summary>A record: an object, whatever the file is. Valid until the one after it is read.</summary>
/// <param name="Place">Where it stands.</param>
/// <param name="Row">Its fields.</param>
/// <param name="Problem">Why it cannot be used; null: it can.</param>
internal readonly record struct Record(Place Place, JsonElement Row, DataException? Problem = null);

/// <summary>The records of a file, one after the other, never all of them in memory.</summary>
internal abstract class RecordReader : IDisposable
{
    /// <summary>What the file is, in words: "JSON Lines", "CSV with ',' between fields".</summary>
    public abstract string Kind { get; }

    /// <summary>Lines with nothing on them, so far.</summary>
    public long BlankLines { get; protected set; }

    /// <summary>The next record; false at the end. What is wrong with a record alone stands in it; what ends the reading of the file is thrown.</summary>
    /// <exception cref="DataException">The file cannot be read any further.</exception>
    public abstract bool TryRead(out Record record);

    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    protected abstract void Close();
}
