using System.Text.Json;
using KernelTune.Evaluation.Metrics;

namespace KernelTune.Evaluation.Tests.Metrics;

public sealed class ExactMatchTests
{
    [Test]
    public void White_space_at_the_ends_does_not_count_and_case_does()
    {
        var match = new ExactMatch();
        Assert.That(match.Add(" 42\n", "42"), Is.True);
        Assert.That(match.Add("Red", "red"), Is.False);
        Assert.That(match.Add("blue", "red", "blue"), Is.True);
        Assert.That((match.Right, match.Count), Is.EqualTo((2, 3)));
        Assert.That(match.Score, Is.EqualTo(2.0 / 3));
    }

    [Test]
    public void Nothing_judged_has_no_score() => Assert.That(new ExactMatch().Score, Is.NaN);

    [TestCase("The  Eiffel-Tower!", "eiffeltower")]
    [TestCase("a an the theatre", "theatre")]
    [TestCase("naïve — the é", "naïve — é")]
    public void Normalized(string answer, string wanted) => Assert.That(ExactMatch.Normalize(answer), Is.EqualTo(wanted));

    [Test]
    public void Every_answer_of_the_goldens_is_normalised_as_the_script_does()
    {
        string root = Environment.GetEnvironmentVariable("KERNELTUNE_GOLDENS") is { Length: > 0 } set ? set : Path.Combine(RepositoryRoot(), "..", "shared", "goldens");
        string file = Path.GetFullPath(Path.Combine(root, "metrics", "squad.json"));
        if (!File.Exists(file))
            Assert.Ignore($"{file} is absent");
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(file));
        int judged = 0;
        foreach (JsonElement one in json.RootElement.GetProperty("cases").EnumerateArray())
        {
            JsonElement inputs = one.GetProperty("inputs");
            switch (one.GetProperty("metric").GetString())
            {
                case "normalize":
                    Assert.That(ExactMatch.Normalize(inputs.GetProperty("text").GetString()!), Is.EqualTo(one.GetProperty("expected").GetString()));
                    judged++;
                    break;
                case "squad_v1":
                    string[] answers = [.. inputs.GetProperty("answers").EnumerateArray().Select(e => e.GetString()!)];
                    bool right = new ExactMatch().AddNormalized(inputs.GetProperty("prediction").GetString()!, answers);
                    Assert.That(right, Is.EqualTo(one.GetProperty("expected").GetProperty("exact_match").GetDouble() == 1));
                    judged++;
                    break;
            }
        }

        Assert.That(judged, Is.GreaterThan(10));
    }

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "KernelTune.sln")))
                return folder.FullName;
        return AppContext.BaseDirectory;
    }
}
