using System.Buffers;
using KernelTune.Text.Pipeline;
using KernelTune.Text.PostProcessors;
using Microsoft.ML.Tokenizers;

namespace KernelTune.Text;

/// <summary>What <see cref="Microsoft.ML.Tokenizers.Tokenizer"/> asks of a tokenizer. Special tokens are added as <see cref="EncodeIds(string, bool)"/> adds them. Spans count UTF-16 units of
/// the text as it came, whatever was normalized, so no normalized text is ever handed out.</summary>
public sealed partial class Tokenizer
{
    /// <summary>The normalizer of the file; null for none.</summary>
    public override Normalizer? Normalizer => parts.Normalizer is { } normalizer ? new NormalizerPart(normalizer) : null;

    /// <summary>The pre-tokenizer of the file; null for none.</summary>
    public override PreTokenizer? PreTokenizer => parts.PreTokenizer is { } preTokenizer ? new PreTokenizerPart(preTokenizer) : null;

    /// <summary>The text of ids, without special tokens. <see cref="Decode(ReadOnlySpan{int}, bool)"/> passes over ids that have no token; this one refuses them, as its contract asks.</summary>
    /// <exception cref="InvalidOperationException">An id has no token: which.</exception>
    public override string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        int[] all = ids as int[] ?? [.. ids];
        int broken = Array.FindIndex(all, id => IdToToken(id) is null);
        if (broken >= 0) throw new InvalidOperationException($"ids[{broken}] is {all[broken]}, which has no token: there are {VocabSize}");
        return Decode(all.AsSpan());
    }

    /// <summary>Writes the text of ids, without special tokens, as far as it fits; no character is written in part. Ids are consumed only where none of their bytes waits for the next id, so that decoding goes
    /// on from there without a loss.</summary>
    /// <returns>Done; DestinationTooSmall where the rest does not fit; InvalidData at an id that has no token.</returns>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        (idsConsumed, charsWritten) = (0, 0);
        var stream = Stream();
        int pushed = 0, place = 0;
        foreach (int id in ids)
        {
            if (IdToToken(id) is null) return OperationStatus.InvalidData;
            string text = stream.Push(id);
            pushed++;
            if (!text.AsSpan().TryCopyTo(destination[place..])) return OperationStatus.DestinationTooSmall;
            place += text.Length;
            if (!stream.IsWaiting) (idsConsumed, charsWritten) = (pushed, place);
        }
        string rest = stream.Finish();
        if (!rest.AsSpan().TryCopyTo(destination[place..])) return OperationStatus.DestinationTooSmall;
        (idsConsumed, charsWritten) = (pushed, place + rest.Length);
        return OperationStatus.Done;
    }

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var (window, consumed) = Cut(text ?? textSpan.ToString(), settings, fromEnd: false);
        var tokens = new EncodedToken[window.Count];
        for (int i = 0; i < tokens.Length; i++) tokens[i] = new EncodedToken(window.Ids[i], window.Tokens[i], new Range(window.Offsets[i].Start, window.Offsets[i].End));
        return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = null, CharsConsumed = consumed };
    }

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        text ??= textSpan.ToString();
        if (settings is { MaxTokenCount: int.MaxValue, ConsiderNormalization: true, ConsiderPreTokenization: true })
            return new EncodeResults<int> { Tokens = EncodeIds(text), NormalizedText = null, CharsConsumed = text.Length };
        var (window, consumed) = Cut(text, settings, fromEnd: false);
        return new EncodeResults<int> { Tokens = window.Ids, NormalizedText = null, CharsConsumed = consumed };
    }

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) => EncodeToIds(text, textSpan, settings).Tokens.Count;

    /// <inheritdoc/>
    protected override int GetIndexByTokenCount(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        normalizedText = null;
        var (window, index) = Cut(text ?? textSpan.ToString(), settings, fromEnd);
        tokenCount = window.Count;
        return index;
    }

    /// <summary>The first (or last) tokens of a text, special tokens included, no more of them than asked for; and the unit that they reach to (or begin at). A character whose tokens do not
    /// all fit is left out; where there is no room for the special tokens nothing is taken.</summary>
    private (Window Tokens, int Index) Cut(string text, EncodeSettings settings, bool fromEnd)
    {
        var window = new Window();
        foreach (var piece in Pieces(text, OrdinaryParts.None, settings.ConsiderNormalization, settings.ConsiderPreTokenization))
            PieceEncoder.Add(piece, parts.Model, OffsetMap.Units, 0, window);
        int room = settings.MaxTokenCount - before.Length - after.Length, index = fromEnd ? 0 : text.Length;
        if (room < 0) return (new Window(), fromEnd ? text.Length : 0);
        if (window.Count > room)
        {
            int from = fromEnd ? window.Count - room : 0, to = fromEnd ? window.Count : room;
            if (fromEnd)
            {
                while (from < to && window.Offsets[from].Start < window.Offsets[from - 1].End) from++;
                index = from < to ? window.Offsets[from].Start : text.Length;
            }
            else
            {
                while (to > 0 && window.Offsets[to].Start < window.Offsets[to - 1].End) to--;
                index = to > 0 ? window.Offsets[to - 1].End : 0;
            }
            window = window.Part(from, to);
        }
        return (PostProcessor.Join(parts.PostProcessor, window, null, addSpecialTokens: true), index);
    }

    private sealed class NormalizerPart(Normalizers.Normalizer normalizer) : Normalizer
    {
        public override string Normalize(string original) => normalizer.Apply(original);

        public override string Normalize(ReadOnlySpan<char> original) => normalizer.Apply(original.ToString());
    }

    private sealed class PreTokenizerPart(PreTokenizers.PreTokenizer preTokenizer) : PreTokenizer
    {
        public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
        {
            foreach (var piece in preTokenizer.Split([new Piece(text)]))
            {
                var (begin, end) = piece.InText(0, piece.Length);
                yield return (begin, end - begin);
            }
        }

        public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());
    }
}
