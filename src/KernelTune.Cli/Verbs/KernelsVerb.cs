using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Gpu.Inspection;

namespace KernelTune.Cli.Verbs;

/// <summary><c>kernels list</c> and <c>kernels show NAME</c>: what ILGPU made of the GPU kernels and what they take of a multiprocessor. No GPU is needed.</summary>
internal sealed class KernelsVerb
{
    private readonly Option<bool> _json = new("--json") { Description = "the same as JSON" };
    private readonly Argument<string> _name = new("NAME") { Description = "a kernel of kernels list" };
    private readonly Option<bool> _ptx = new("--ptx") { Description = "the PTX, for NVIDIA (the default)" };
    private readonly Option<bool> _openCL = new("--opencl") { Description = "the OpenCL C, for AMD, Intel and PoCL" };
    private readonly Option<bool> _sass = new("--sass") { Description = "the GPU's own instructions, where ptxas and nvdisasm are at hand" };
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
                new Command("show", "Show what ILGPU made of a kernel.") { _name, _ptx, _openCL, _sass, _architecture },
                (parsed, terminal, _) => Show(
                    parsed.GetValue(_name)!, parsed.GetValue(_ptx), parsed.GetValue(_openCL), parsed.GetValue(_sass), parsed.GetValue(_architecture)!, terminal)),
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

        int width = GpuKernelList.All.Max(k => k.Name.Length);
        terminal.Out.WriteLine($"{"name".PadRight(width)}  group{string.Concat(KernelInspector.Architectures.Select(a => $"  {a}: regs  spill  shared  warps"))}  runs");
        foreach (GpuKernel kernel in GpuKernelList.All)
        {
            string usage = string.Concat(reports?[kernel.Name].Select(Columns) ?? KernelInspector.Architectures.Select(_ => $"{"-",13}{"-",7}{"-",8}{"-",7}"));
            terminal.Out.WriteLine(Text($"{kernel.Name.PadRight(width)}{kernel.GroupSize,7}{usage}  {KernelInspector.Source(kernel)}"));
        }
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(Text($"{GpuKernelList.All.Count} kernels. regs: registers a thread; spill: bytes of them that go to memory; shared: bytes a group, without what a launch adds; warps: of the 64 of a multiprocessor"));
        terminal.Out.WriteLine(ptxas is null ? Ptxas.Absent : $"counted by ptxas {ptxas.Version()}");
    }

    private static string Columns(KernelReport report) =>
        Text($"{report.Usage.Registers,13}{report.Usage.SpillStores,7}{report.Usage.SharedBytes,8}{report.Occupancy?.Warps,7}");

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
                ["warps_of_64"] = report.Occupancy?.Warps,
            };
        return json;
    }

    private static void Show(string name, bool ptx, bool openCL, bool sass, string architecture, Terminal terminal)
    {
        GpuKernel kernel = Named(name);
        using var inspector = new KernelInspector();
        string assembly = inspector.Ptx(kernel, architecture);
        terminal.Out.WriteLine(Text($"{kernel.Name}: {KernelInspector.Source(kernel)}, groups of {kernel.GroupSize}"));
        if (ptx || !(openCL || sass)) terminal.Out.WriteLine(KernelInspector.ForReading(assembly).Trim());
        if (openCL) terminal.Out.WriteLine(inspector.OpenCL(kernel).Trim());
        if (Ptxas.Find() is not { } ptxas)
        {
            terminal.Out.WriteLine(Ptxas.Absent);
            return;
        }
        if (sass) terminal.Out.WriteLine(ptxas.Disassemble(assembly, architecture).Trim());
        KernelUsage usage = ptxas.Assemble(assembly, architecture);
        string warps = Occupancy.Of(usage, kernel.GroupSize, architecture) is { } fits ? Text($"; {fits.Groups} groups, {fits.Warps} of {fits.MostWarps} warps fit on a multiprocessor") : "";
        terminal.Out.WriteLine(Text($"{architecture}: {usage.Registers} registers a thread, {usage.SpillStores} bytes spilled and {usage.SpillLoads} read back, {usage.StackBytes} bytes of local memory, {usage.SharedBytes} bytes of shared memory a group{warps} (ptxas {ptxas.Version()})"));
    }

    /// <exception cref="UsageException">There is no such kernel; the nearest name is given.</exception>
    private static GpuKernel Named(string name)
    {
        if (GpuKernelList.All.FirstOrDefault(k => k.Name == name) is { } kernel) return kernel;
        string nearest = GpuKernelList.All.MinBy(k => EditDistance.Between(k.Name, name))!.Name;
        throw new UsageException($"unknown kernel '{name}'; did you mean {nearest}? (kerneltune kernels list names all)");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
