using System.Diagnostics.CodeAnalysis;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Checkpoints;

/// <summary>
/// A checkpoint whose weights bitsandbytes has quantised to 4 bits: each weight shows its own shape and reads as the numbers that its codes stand for; the state beside it is not shown. The codes
/// themselves are there for whoever keeps a weight in 4 bits.
/// </summary>
public sealed class BitsAndBytesWeights : IWeightSource
{
    private readonly IWeightSource inner;
    private readonly HashSet<string> quantized;
    private readonly Dictionary<string, FourBitForm> forms = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private (string Name, FourBitWeight Weight)? last;

    private BitsAndBytesWeights(IWeightSource inner, HashSet<string> quantized)
    {
        (this.inner, this.quantized) = (inner, quantized);
        Names = [.. inner.Names.Where(n => !FourBitState.IsCompanion(inner, n))];
    }

    public string Location => inner.Location;

    public IReadOnlyList<string> Files => inner.Files;

    public string NativeDType => "U8";

    public IReadOnlyList<string> Names { get; }

    /// <summary>The source itself, or this view of it where some of its weights are in 4 bits.</summary>
    public static IWeightSource Of(IWeightSource source)
    {
        HashSet<string> quantized = [.. source.Names.Where(n => FourBitState.IsFourBit(source, n))];
        return quantized.Count == 0 ? source : new BitsAndBytesWeights(source, quantized);
    }

    /// <summary>A weight's codes; false where it is not in 4 bits.</summary>
    /// <exception cref="CheckpointException">Its state is damaged.</exception>
    public bool TryCodes(string name, [NotNullWhen(true)] out FourBitWeight? codes)
    {
        codes = quantized.Contains(name) ? Codes(name) : null;
        return codes is not null;
    }

    /// <summary>What a weight's state says of its codes, without reading them; null where it is not in 4 bits.</summary>
    /// <exception cref="CheckpointException">Its state is damaged.</exception>
    public FourBitForm? FormOf(string name) => quantized.Contains(name) ? Form(name) : null;

    public bool TryGet(string name, out WeightInfo info)
    {
        if (!quantized.Contains(name))
            return inner.TryGet(name, out info);
        var form = Form(name);
        info = new WeightInfo(name, WeightFormats.Of(form.Original), [.. form.Shape], inner.Get(name).Bytes);
        return true;
    }

    public void ReadF32(string name, Span<float> into)
    {
        if (quantized.Contains(name))
            Codes(name).Dequantize(0, into);
        else
            inner.ReadF32(name, into);
    }

    public void ReadF32Rows(string name, long rowStart, long rowCount, Span<float> into)
    {
        if (quantized.Contains(name))
            Codes(name).Dequantize(rowStart * this.Get(name).RowElements, into);
        else
            inner.ReadF32Rows(name, rowStart, rowCount, into);
    }

    /// <exception cref="CheckpointException">The weight is in 4 bits: its bytes are not rows.</exception>
    public void ReadRaw(string name, Span<byte> into)
    {
        Refuse(name);
        inner.ReadRaw(name, into);
    }

    /// <exception cref="CheckpointException">The weight is in 4 bits: its bytes are not rows.</exception>
    public void ReadRawRows(string name, long rowStart, long rowCount, Span<byte> into)
    {
        Refuse(name);
        inner.ReadRawRows(name, rowStart, rowCount, into);
    }

    public void Dispose() => inner.Dispose();

    private void Refuse(string name)
    {
        if (quantized.Contains(name))
            throw new CheckpointException(Location, "it is stored in 4 bits: read its numbers or its codes", tensor: name);
    }

    private FourBitForm Form(string name)
    {
        lock (gate)
        {
            if (!forms.TryGetValue(name, out var form))
                forms[name] = form = FourBitState.ReadForm(inner, name);
            return form;
        }
    }

    // A weight is read by rows: the last one stays at hand.
    private FourBitWeight Codes(string name)
    {
        lock (gate)
        {
            if (last is not { } kept || kept.Name != name)
                last = kept = (name, FourBitState.Read(inner, name));
            return kept.Weight;
        }
    }
}
