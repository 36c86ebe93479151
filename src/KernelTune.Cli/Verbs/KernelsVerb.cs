using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Gpu.Inspection;
using Spectre.Console;

namespace KernelTune.Cli.Verbs;

/// <summary><c>kernels list</c> and <c>kernels show NAME</c>: what ILGPU made of the GPU kernels and what they take of a multiprocessor. No GPU is needed.</summary>
internal sealed class KernelsVerb
{
    private readonly Option<bool> _json = new("--json") { Description = "the same as JSON" };
    private readonly Argument<string> _name = new("NAME") { Description = "a kernel of kernels list" };
    private readonly Option<bool> _ptx = new("--ptx") { Description = "the PTX, for NVIDIA (the default)" };
    private readonly Option<bool> _openCL = new("--opencl") { Description = "the OpenCL C, for AMD, Intel and PoCL" };
    private readonly Option<string> _architecture = new("--arch") { Description = "the NVIDIA architecture: sm_50 to sm_120" };

    public Command Command(Application application)
    {
        _architecture.DefaultValueFactory = _ => "sm_90";
        return new Command("kernels", "Show the GPU kernels: their code, registers, spills and shared memory.")
        {
            application.WithAction(
                new Command("list", "List the kernels and what they take of a multiprocessor.") { _json },
                (parsed, terminal, _) => List(parsed.GetValue(_json), terminal)),
            application.WithAction(
                new Command("show", "Show what ILGPU made of a kernel.") { _name, _ptx, _openCL, _architecture },
                (parsed, terminal, _) => Show(parsed.GetValue(_name)!, parsed.GetValue(_ptx), parsed.GetValue(_openCL), parsed.GetValue(_architecture)!, terminal)),
        };
    }

    private static void List(bool json, Terminal terminal)
    {
        using var inspector = new KernelInspector();
        var ptxas = Ptxas.Find();
        ILookup<string, KernelReport>? reports = ptxas is null
            ? null
            : inspector.Assemble(ptxas, GpuKernelList.All, KernelInspector.Architectures).ToLookup(r => r.Kernel.Name);
        if (json)
        {
            terminal.WriteJson(new JsonArray([.. GpuKernelList.All.Select(k => (JsonNode)Json(k, reports?[k.Name]))]));
            return;
        }

        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("name").AddColumn(new TableColumn("group").RightAligned());
        foreach (string architecture in KernelInspector.Architectures)
            foreach (string head in (string[])[$"{architecture}: regs", "spill", "shared"])
                table.AddColumn(new TableColumn(head).RightAligned());
        table.AddColumn("runs");
        foreach (GpuKernel kernel in GpuKernelList.All)
        {
            IEnumerable<string> usage = reports is null
                ? KernelInspector.Architectures.SelectMany(_ => (string[])["?", "?", "?"])
                : reports[kernel.Name].SelectMany(r => (string[])[Text($"{r.Usage.Registers}"), Text($"{r.Usage.SpillStores}"), Text($"{r.Usage.SharedBytes}")]);
            table.AddRow([Markup.Escape(kernel.Name), Text($"{kernel.GroupSize}"), .. usage, Markup.Escape(KernelInspector.Source(kernel))]);
        }
        terminal.Results.Write(table);
        terminal.Out.WriteLine(Text($"{GpuKernelList.All.Count} kernels; registers a thread, bytes spilled a thread, bytes of shared memory a group (a launch may add some)"));
        terminal.Out.WriteLine(ptxas is null ? Ptxas.Absent : $"counted by ptxas {ptxas.Version()}");
    }

    private static JsonObject Json(GpuKernel kernel, IEnumerable<KernelReport>? reports)
    {
        var json = new JsonObject { ["name"] = kernel.Name, ["group_size"] = kernel.GroupSize, ["runs"] = KernelInspector.Source(kernel) };
        foreach (KernelReport report in reports ?? [])
            json[report.Architecture] = new JsonObject
            {
                ["registers"] = report.Usage.Registers,
                ["spill_stores"] = report.Usage.SpillStores,
                ["spill_loads"] = report.Usage.SpillLoads,
                ["stack_bytes"] = report.Usage.StackBytes,
                ["shared_bytes"] = report.Usage.SharedBytes,
            };
        return json;
    }

    private static void Show(string name, bool ptx, bool openCL, string architecture, Terminal terminal)
    {
        GpuKernel kernel = Named(name);
        using var inspector = new KernelInspector();
        string assembly = Asked(() => inspector.Ptx(kernel, architecture));
        terminal.Out.WriteLine(Text($"{kernel.Name}: {KernelInspector.Source(kernel)}, groups of {kernel.GroupSize}"));
        if (ptx || !openCL) terminal.Out.WriteLine(KernelInspector.ForReading(assembly).Trim());
        if (openCL) terminal.Out.WriteLine(inspector.OpenCL(kernel).Trim());
        if (Ptxas.Find() is not { } ptxas)
        {
            terminal.Out.WriteLine(Ptxas.Absent);
            return;
        }
        KernelUsage usage = Asked(() => ptxas.Assemble(assembly, architecture));
        terminal.Out.WriteLine(Text($"{architecture}: {usage.Registers} registers a thread, {usage.SpillStores} bytes spilled and {usage.SpillLoads} read back, {usage.StackBytes} bytes of local memory, {usage.SharedBytes} bytes of shared memory a group (ptxas {ptxas.Version()})"));
    }

    /// <exception cref="UsageException">There is no such kernel; the nearest name is given.</exception>
    private static GpuKernel Named(string name)
    {
        if (GpuKernelList.All.FirstOrDefault(k => k.Name == name) is { } kernel) return kernel;
        string nearest = GpuKernelList.All.MinBy(k => EditDistance.Between(k.Name, name))!.Name;
        throw new UsageException($"unknown kernel '{name}'; did you mean {nearest}? (kerneltune kernels list names all)");
    }

    // An architecture that nobody knows is the command line's fault, and it is what a user can mistype here.
    private static T Asked<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (InspectionException e)
        {
            throw new UsageException(e.Message);
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
