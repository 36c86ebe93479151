using System.CommandLine;
using System.Text.Json.Nodes;
using KernelTune.Devices.Gpu;
using KernelTune.Kernels.Gpu.Inspection;

namespace KernelTune.Cli.Verbs;

/// <summary><c>doctor</c>: what this machine has: the processor and what its instructions are worth, memory, devices and why one is missing.</summary>
internal sealed class DoctorVerb
{
    private readonly Option<bool> _json = new("--json") { Description = "the same as JSON" };
    private readonly Option<bool> _quick = new("--quick") { Description = "measure nothing" };

    public Command Command(Application application) => application.WithAction(
        new Command("doctor", "Show what this machine has for training: processor, memory, devices.") { _json, _quick },
        (parsed, terminal, _) => Run(parsed.GetValue(_json), parsed.GetValue(_quick), terminal));

    private static void Run(bool json, bool quick, Terminal terminal)
    {
        MachineFacts facts = MachineFacts.Read();
        MeasuredPeaks? peaks = quick ? null : MeasuredPeaks.Measure(facts.Processors, facts.Instructions);
        IReadOnlyList<(string Name, bool Present, string Why)> devices =
        [
            ("reference", true, "double precision, plain loops"),
            ("cpu", true, $"{facts.Instructions}, {facts.Processors} threads"),
            .. GpuDevices.Find().Select(d => (d.Name, d.Present, d.Why)),
        ];
        string? assembler = Assembler(out string where);
        if (json)
        {
            JsonObject result = facts.ToJson();
            if (peaks is not null) result["peaks"] = peaks.ToJson();
            result["devices"] = new JsonArray([.. devices.Select(d => (JsonNode)new JsonObject { ["name"] = d.Name, ["present"] = d.Present, ["why"] = d.Why })]);
            result["ptxas"] = assembler is null ? null : new JsonObject { ["path"] = where, ["version"] = assembler };
            terminal.WriteJson(result);
            return;
        }
        foreach (var (key, value) in facts.Lines()) terminal.Out.WriteLine($"{key,-14} {value}");
        if (peaks is not null)
            foreach (var (key, value) in peaks.Lines()) terminal.Out.WriteLine($"{key,-14} {value}");
        foreach (var (name, present, why) in devices) terminal.Out.WriteLine($"{"device",-14} {name,-10} {(present ? "yes" : "no"),-4} {why}");
        terminal.Out.WriteLine($"{"ptxas",-14} {(assembler is null ? where : $"{assembler}, {where}")}");
    }

    // The version of NVIDIA's assembler and its path; null and why there is none.
    private static string? Assembler(out string where)
    {
        where = Ptxas.Absent;
        if (Ptxas.Find() is not { } ptxas) return null;
        try
        {
            where = ptxas.Path;
            return ptxas.Version();
        }
        catch (InspectionException e)
        {
            where = e.Message;
            return null;
        }
    }
}
