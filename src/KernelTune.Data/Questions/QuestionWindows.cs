using KernelTune.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>A question whose answer is a part of a text.</summary>
/// <param name="Line">Its line, or its number in the file, from 1.</param>
/// <param name="Id">What predictions are filed under.</param>
/// <param name="Question">The question.</param>
/// <param name="Context">The text.</param>
/// <param name="Answers">Answers and the code points of the context at which they begin; none: the context holds no answer.</param>
public sealed record QuestionExample(long Line, string Id, string Question, string Context, IReadOnlyList<(string Text, int Start)> Answers) : Example(Line);

/// <summary>One window of a question and its context.</summary>
/// <param name="Example">The number of the example, from 0.</param>
/// <param name="Encoding">Question and this part of the context, padded.</param>
/// <param name="Offsets">[T]: the code points of the context that each token covers; null for all other tokens.</param>
/// <param name="Start">The first token of the answer; the window's first token where it does not hold the whole answer.</param>
/// <param name="End">The last token of the answer.</param>
public sealed record QuestionWindow(int Example, TokenEncoding Encoding, TextSpan?[] Offsets, int Start, int End);

/// <summary>Long contexts in overlapping windows, as Transformers' question-answering scripts make them.</summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="maxLength">Tokens of a window, to which it is padded.</param>
/// <param name="stride">Tokens that neighbouring windows share.</param>
/// <param name="specialInContent">True: special tokens written in questions and contexts are those tokens; false: only text that looks like them.</param>
public sealed class QuestionWindows(Tokenizer tokenizer, int maxLength, int stride, bool specialInContent = false)
{
    /// <summary>The windows of an example, in order.</summary>
    /// <exception cref="TokenizerException">The question leaves no room for the context, or the stride none for anything new.</exception>
    public IEnumerable<QuestionWindow> Of(QuestionExample example, int number)
    {
        ArgumentNullException.ThrowIfNull(example);
        var options = new EncodeOptions
        {
            SpecialTokensAreText = !specialInContent,
            Truncation = new Truncation(maxLength, stride, TruncationStrategy.OnlySecond),
            Padding = new Padding(tokenizer.PadId ?? 0, tokenizer.Config.PadToken ?? "", maxLength, tokenizer.Config.PaddingSide),
        };
        TokenEncoding first = tokenizer.Encode(example.Question, example.Context, true, options);
        foreach (TokenEncoding window in (TokenEncoding[])[first, .. first.Overflowing]) yield return Window(example, number, window);
    }

    private QuestionWindow Window(QuestionExample example, int number, TokenEncoding encoding)
    {
        var offsets = new TextSpan?[encoding.Length];
        int first = -1, last = -1;
        for (int t = 0; t < encoding.Length; t++)
        {
            if (encoding.SequenceIds[t] != 1) continue;
            offsets[t] = encoding.Offsets[t];
            if (first < 0) first = t;
            last = t;
        }

        int begin = Math.Max(0, tokenizer.TokenToId(tokenizer.Config.ClsToken ?? "") is { } cls ? Array.IndexOf(encoding.Ids, cls) : 0), end = begin;
        if (example.Answers.Count > 0 && first >= 0)
        {
            (string text, int start) = example.Answers[0];
            int stop = start + text.EnumerateRunes().Count();
            if (encoding.Offsets[first].Start <= start && encoding.Offsets[last].End >= stop)
            {
                while (first < encoding.Length && encoding.Offsets[first].Start <= start && encoding.SequenceIds[first] == 1) first++;
                while (last >= 0 && encoding.Offsets[last].End >= stop) last--;
                (begin, end) = (first - 1, last + 1);
            }
        }

        return new QuestionWindow(number, encoding, offsets, begin, end);
    }
}
