using System.Text.Json;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Conformance.Checks;

/// <summary>One folder of training/: a start, batches, the curve and where it ended.</summary>
public sealed class TrainingCase
{
    private readonly JsonElement trajectory;
    private readonly GoldenTensors batches;
    private readonly HashSet<string> zeroGradient;
    private readonly HashSet<string> illConditioned;

    /// <param name="folder">The case's folder.</param>
    public TrainingCase(string folder)
    {
        Folder = folder;
        Json = Read("case.json");
        trajectory = Read("trajectory.json");
        batches = new GoldenTensors(Path.Combine(folder, "batches.safetensors"));
        Errors = IsExact ? FloatError.ReadAll(Json.GetProperty("float32_error")) : Evened(FloatError.ReadAll(Json.GetProperty("float32_error")));
        zeroGradient = Names("zero_gradient");
        illConditioned = Names("ill_conditioned");
    }

    public string Folder { get; }

    public JsonElement Json { get; }

    public string Kind => Json.GetProperty("kind").GetString()!;

    /// <summary>The folder of the start weights.</summary>
    public string ModelFolder => Path.Combine(Folder, "model");

    /// <summary>What the model is: "llama", "bert", "mlp" …</summary>
    public string Base => Json.GetProperty("settings").GetProperty("base").GetString()!;

    public IReadOnlyDictionary<string, FloatError> Errors { get; }

    /// <summary>A fresh judge of this case.</summary>
    public GoldenCheck NewCheck(string device) => new(IsExact ? device : "float32", Errors);

    /// <summary>How it trained.</summary>
    /// <exception cref="NotSupportedException">A setting that is not built.</exception>
    public GoldenTraining Training()
    {
        JsonElement settings = Json.GetProperty("settings");
        return IsExact || GoldenOptimizer.IsEightBit(settings.GetProperty("optimizer"))
            ? GoldenTraining.OfTraining(settings, Read("optimizer.json"))
            : throw new NotSupportedException($"expected values in {Precision}");
    }

    private string Precision => Json.GetProperty("expected_precision").GetString()!;

    // In which tensor a number falls on the other side of a midpoint is chance, in the library's moved runs and in ours: every tensor of a file may stray, for its size, as far as the one that strayed most.
    private static Dictionary<string, FloatError> Evened(Dictionary<string, FloatError> errors)
    {
        ILookup<string, double> shares = errors.Where(e => e.Value.Scale > 0).ToLookup(e => FileOf(e.Key), e => e.Value.MaxAbs / e.Value.Scale);
        return errors.ToDictionary(e => e.Key, e => e.Value with { MaxAbs = e.Value.Scale * shares[FileOf(e.Key)].DefaultIfEmpty().Max() }, StringComparer.Ordinal);
    }

    private static string FileOf(string key) => key[..key.IndexOf('/', StringComparison.Ordinal)];

    // Otherwise the expected values are the library's own run, which rounds inside: no device is held to more than float32.
    private bool IsExact => Precision == "float64";

    /// <summary>The tensors of micro-batch <paramref name="number"/>, counted through all steps.</summary>
    public IReadOnlyDictionary<string, GoldenTensor> Batch(int number)
    {
        string prefix = FormattableString.Invariant($"batch.{number}.");
        return batches.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(n => n[prefix.Length..], n => batches[n], StringComparer.Ordinal);
    }

    /// <summary>Compares the curve, the rates, the final weights and, where it is given, the optimizer's state ("parameter.exp_avg" …).</summary>
    public void Compare(GoldenCheck check, string device, ComputedTrajectory ours, IReadOnlyDictionary<string, ComputedTensor>? state = null)
    {
        check.Trajectory<double>("trajectory/loss", ours.Losses.ToArray(), Numbers("loss"));
        check.Trajectory<double>("trajectory/grad_norm", ours.GradientNorms.ToArray(), Numbers("grad_norm"));
        double[] rates = [.. trajectory.GetProperty("lr").EnumerateArray().SelectMany(e => e.EnumerateArray()).Select(e => e.GetDouble())];
        check.Within("lr", ours.Rates.SelectMany(r => r).ToArray(), rates, 1e-9, 1e-15);
        CompareFile(check, device, "final", ours.Final);
        if (state is not null && File.Exists(Path.Combine(Folder, "optimizer_state.safetensors")))
            CompareFile(check, device, "optimizer_state", state);
    }

    private void CompareFile(GoldenCheck check, string device, string file, IReadOnlyDictionary<string, ComputedTensor> ours)
    {
        var expected = new GoldenTensors(Path.Combine(Folder, file + ".safetensors"));
        check.Names(file, ours.Keys, expected.Names);
        foreach (string name in expected.Names)
        {
            if (!ours.TryGetValue(name, out ComputedTensor? tensor))
                continue;
            if (expected[name].DType == "U8")
            {
                check.Codes($"{file}/{name}", tensor.Values, expected[name].Integers(), CodeTables.Dynamic(signed: name.EndsWith(".state1", StringComparison.Ordinal)));
            }
            else if (illConditioned.Contains($"{file}/{name}"))
            {
                if (!tensor.Values.All(double.IsFinite))
                    check.Fail($"{file}/{name} is not finite");
            }
            else if (device == "reference" || !zeroGradient.Any(z => name == z || name.StartsWith(z + ".", StringComparison.Ordinal)))
            {
                check.Trajectory<double>($"{file}/{name}", tensor.Values, expected[name].Doubles());
            }
        }
    }

    private double[] Numbers(string key) => [.. trajectory.GetProperty(key).EnumerateArray().Select(e => e.GetDouble())];

    private HashSet<string> Names(string key) =>
        Json.TryGetProperty(key, out JsonElement names) ? [.. names.EnumerateArray().Select(e => e.GetString()!)] : [];

    private JsonElement Read(string file)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, file)));
        return json.RootElement.Clone();
    }
}
