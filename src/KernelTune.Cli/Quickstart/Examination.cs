using KernelTune.Cli.Models;
using KernelTune.Evaluation.Generation;
using KernelTune.Evaluation.Metrics;
using KernelTune.Text.Chat;
using KernelTune.Training.Generation;
using KernelTune.Training.Runs;

namespace KernelTune.Cli.Quickstart;

/// <summary>What a model answered to each question, and how many answers were exactly right.</summary>
internal sealed record Examination(IReadOnlyList<string> Answers, int Right)
{
    private const int BatchSize = 64;
    private const int MostTokens = 32;

    /// <summary>The share of right answers, 0 to 1.</summary>
    public double Score => (double)Right / Answers.Count;

    /// <summary>Asks <paramref name="model"/> every question, the likeliest token at a time, and compares.</summary>
    public static Examination Of(LoadedModel model, IReadOnlyList<QuickstartQuestion> questions, CancellationToken stop)
    {
        var settings = new GenerationSettings { MaxNewTokens = MostTokens, EndTokens = model.EndTokens };
        var match = new ExactMatch();
        List<string> answers = [];
        foreach (QuickstartQuestion[] batch in questions.Chunk(BatchSize))
        {
            stop.ThrowIfCancellationRequested();
            using var decoder = new CachedDecoder(model.Model, model.Device, MostTokens);
            int[][] prompts = [.. batch.Select(q => new Prompt(null, [new ChatMessage("user", q.Text)]).Encode(model.Text, null))];
            IReadOnlyList<GeneratedRow> rows = new Generator(decoder, settings).Generate(prompts, null, stop);
            for (int i = 0; i < batch.Length; i++)
            {
                string answer = model.Text.Tokenizer.Decode([.. rows[i].Tokens]).Trim();
                answers.Add(answer);
                match.Add(answer, batch[i].Answer);
            }
        }
        return new Examination(answers, match.Right);
    }
}
