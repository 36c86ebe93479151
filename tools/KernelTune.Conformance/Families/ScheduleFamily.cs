using System.Text.Json;
using KernelTune.Conformance.Checks;
using KernelTune.Training.Optimizers.ParameterGroups;
using KernelTune.Training.Schedules;

namespace KernelTune.Conformance.Families;

/// <summary>schedules/: the learning rate of every step, and the momentum where a schedule drives it.</summary>
public sealed class ScheduleFamily : IFamily
{
    public string Name => "schedules";

    public bool UsesDevice => false;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, name + ".json")));
        JsonElement root = json.RootElement;
        try
        {
            return [Check(root)];
        }
        catch (NotSupportedException e)
        {
            return [new Finding("", Outcome.Unsupported, e.Message)];
        }
    }

    private static Finding Check(JsonElement root)
    {
        string kind = root.GetProperty("kind").GetString()!.Replace("schedule/", "", StringComparison.Ordinal);
        double baseRate = root.GetProperty("base_lr").GetDouble();
        JsonElement parameters = root.GetProperty("parameters");
        double[] wanted = Numbers(root, "lr");
        double relative = 1e-9, absolute = 1e-15;
        if (root.TryGetProperty("tolerance", out JsonElement tolerance))
            (relative, absolute) = (tolerance.GetProperty("relative").GetDouble(), tolerance.GetProperty("absolute").GetDouble());

        var check = new GoldenCheck("reference", new Dictionary<string, FloatError>());
        if (kind == "layer_decay")
        {
            double[] groups = [.. LayerDecay.Rates(baseRate, parameters.GetProperty("layers").GetInt32(), parameters.GetProperty("decay").GetDouble())];
            check.Within("lr", groups, wanted, relative, absolute);
        }
        else if (kind == "ReduceLROnPlateau")
        {
            PlateauSchedule plateau = GoldenSchedules.Plateau(parameters, baseRate);
            double[] metric = Numbers(root, "metric");
            List<double> rates = [plateau.Rate];
            foreach (double value in metric)
            {
                plateau.Report(value);
                rates.Add(plateau.Rate);
            }

            check.Within("lr", rates.Take(wanted.Length).ToArray(), wanted, relative, absolute);
        }
        else
        {
            Schedule schedule = GoldenSchedules.Make(root.GetProperty("by").GetString()!, kind, parameters, root.GetProperty("steps").GetInt32());
            check.Within("lr", Enumerable.Range(0, wanted.Length).Select(k => schedule.Rate(k, baseRate)).ToArray(), wanted, relative, absolute);
            if (root.TryGetProperty("momentum", out _))
            {
                double[] momentum = Numbers(root, "momentum");
                check.Within("momentum", Enumerable.Range(0, momentum.Length).Select(k => schedule.Momentum(k) ?? 0.9).ToArray(), momentum, relative, absolute);
            }
        }

        return check.Finding();
    }

    private static double[] Numbers(JsonElement root, string key) => [.. root.GetProperty(key).EnumerateArray().Select(e => e.GetDouble())];
}
