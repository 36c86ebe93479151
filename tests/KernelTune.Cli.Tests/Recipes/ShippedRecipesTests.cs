using System.Text.Json.Nodes;
using KernelTune.Cli.Recipes;
using KernelTune.Training.Recipes;

namespace KernelTune.Cli.Tests.Recipes;

/// <summary>The recipes in recipes/, and the curves that they gave.</summary>
public sealed class ShippedRecipesTests
{
    private static string Root { get; } = FindRoot();

    private static string Goldens => Environment.GetEnvironmentVariable("KERNELTUNE_GOLDENS") is { Length: > 0 } set ? set : Path.GetFullPath(Path.Combine(Root, "..", "shared", "goldens"));

    private static IEnumerable<string> Shipped() => Directory.EnumerateFiles(Path.Combine(Root, "recipes"), "*.yaml", SearchOption.AllDirectories).Select(p => Path.GetRelativePath(Root, p)).Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Shipped))]
    public void Every_recipe_reads(string recipe)
    {
        Recipe read = RecipeReader.Read(Path.Combine(Root, recipe), []);
        Assert.That(read.Data.Train, Is.Not.Empty);
        Assert.That(RecipeReader.Parse(RecipeWriter.Write(read), "/x/y.yaml").Training, Is.EqualTo(read.Training));
    }

    [Test]
    public void The_golden_recipe_gave_the_golden_curve()
    {
        string folder = Path.Combine(Goldens, "real", "smollm2_lora");
        if (!Directory.Exists(folder)) Assert.Ignore($"{folder} is absent: nothing to compare with");
        JsonNode golden = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "trajectory.json")))!;
        JsonNode errors = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "case.json")))!["float32_error"]!;
        JsonNode[] lines = [.. File.ReadLines(Path.Combine(Root, "recipes", "smollm2", "golden.metrics.jsonl")).Select(l => JsonNode.Parse(l)!)];
        JsonNode[] steps = [.. lines.Where(l => l["loss"] is not null)], evaluations = [.. lines.Where(l => l["eval_loss"] is not null)];
        Assert.That(steps, Has.Length.EqualTo(30));
        using (Assert.EnterMultipleScope())
        {
            Compare("losses", [.. steps.Select(l => (double)l["loss"]!)]);
            Compare("grad_norms", [.. steps.Select(l => (double)l["grad_norm"]!)]);
            Compare("eval_loss", [(double)evaluations[0]["eval_loss"]!, (double)evaluations[^1]["eval_loss"]!]);
        }

        void Compare(string key, double[] ours)
        {
            double allowed = 10 * (double)errors[key]!["max_abs"]! + 1e-5 * (double)errors[key]!["scale"]!;
            for (int i = 0; i < ours.Length; i++) Assert.That(ours[i], Is.EqualTo((double)golden[key]![i]!).Within(allowed), $"{key} {i}");
        }
    }

    [Test]
    public void A_users_recipe_halved_the_held_out_loss()
    {
        double[] curve = [.. File.ReadLines(Path.Combine(Root, "recipes", "smollm2", "instructions.metrics.jsonl")).Select(l => JsonNode.Parse(l)!).Where(l => l["eval_loss"] is not null).Select(l => (double)l["eval_loss"]!)];
        Assert.That((curve[0], curve[^1]), Is.EqualTo((2.847015, 1.468138)).Within(1e-6));
        Assert.That(curve, Is.Ordered.Descending);
    }

    /// <summary>Held-out loss before the first step, after the last, and the least that the method must gain over its untrained start.</summary>
    [TestCase("prompt", 2.7569, 1.7472, 0.9)]
    [TestCase("prefix", 2.8166, 1.6174, 0.9)]
    [TestCase("pfeiffer", 3.2338, 1.5206, 0.9)]
    [TestCase("ia3", 2.8470, 1.5303, 0.9)]
    [TestCase("bitfit", 2.8470, 1.5892, 0.9)]
    public void A_method_s_recipe_gained_on_held_out_data(string recipe, double before, double after, double margin)
    {
        double[] curve = Curve("smollm2", recipe, "eval_loss");
        Assert.That((curve[0], curve[^1]), Is.EqualTo((before, after)).Within(5e-5));
        Assert.That(curve[0] - curve[^1], Is.GreaterThan(margin));
    }

    [TestCase("pretrain", 0.20, 0.95)]
    [TestCase("full", 0.12, 0.87)]
    [TestCase("head", 0.12, 0.79)]
    [TestCase("lora", 0.12, 0.79)]
    [TestCase("scratch", 0.20, 0.83)]
    public void A_picture_recipe_learned_its_classes(string recipe, double before, double after)
    {
        double[] curve = Curve("fashion", recipe, "eval_accuracy");
        Assert.That((curve[0], curve[^1]), Is.EqualTo((before, after)).Within(1e-6));
    }

    private static double[] Curve(string folder, string recipe, string key) =>
        [.. File.ReadLines(Path.Combine(Root, "recipes", folder, recipe + ".metrics.jsonl")).Select(l => JsonNode.Parse(l)!).Where(l => l[key] is not null).Select(l => (double)l[key]!)];

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "KernelTune.sln")))
                return folder.FullName;
        throw new DirectoryNotFoundException("the repository's root was not found above the tests");
    }
}
