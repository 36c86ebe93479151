using System.Text;
using KernelTune.Checkpoints;

namespace KernelTune.Cli.Quickstart;

/// <summary>What the quickstart carries in the command itself: a small pretrained model, questions to learn from and others to be asked, a recipe.</summary>
internal static class QuickstartFiles
{
    private const string Prefix = "quickstart/";

    /// <summary>Names of the files, with '/' between folders.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. typeof(QuickstartFiles).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Select(n => n[Prefix.Length..]).Order(StringComparer.Ordinal)];

    /// <summary>One file's bytes.</summary>
    public static byte[] Read(string name)
    {
        using Stream stream = typeof(QuickstartFiles).Assembly.GetManifestResourceStream(Prefix + name) ?? throw new ArgumentException($"no file {name} is embedded", nameof(name));
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Writes all files into <paramref name="folder"/>, which must be absent or empty.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="shuffleAnswers">The control: each training question gets another one's answer.</param>
    /// <exception cref="CheckpointStorageException">The folder holds something, or cannot be written to.</exception>
    public static void Unpack(string folder, bool shuffleAnswers)
    {
        OutputFolder.Prepare(folder, mustBeEmpty: true);
        foreach (string name in Names)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            byte[] bytes = Read(name);
            if (shuffleAnswers && name is ("data/train.jsonl" or "data/validation.jsonl")) bytes = Shuffled(bytes);
            AtomicFile.Write(path, bytes);
        }
    }

    /// <summary>The questions of one of the files.</summary>
    public static IReadOnlyList<QuickstartQuestion> Questions(string name) => [.. Lines(Read(name)).Select(QuickstartQuestion.Parse)];

    private static string[] Lines(byte[] file) => Encoding.UTF8.GetString(file).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    // Answers move a third of the file on: no question keeps its own, and the same answers are there.
    private static byte[] Shuffled(byte[] file)
    {
        QuickstartQuestion[] questions = [.. Lines(file).Select(QuickstartQuestion.Parse)];
        int shift = Math.Max(1, questions.Length / 3);
        var text = new StringBuilder();
        for (int i = 0; i < questions.Length; i++) text.Append(new QuickstartQuestion(questions[i].Text, questions[(i + shift) % questions.Length].Answer).ToLine()).Append('\n');
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
