using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace KernelTune.Kernels.Gpu.Inspection;

/// <summary>What a kernel takes of a multiprocessor, as the assembler counts it.</summary>
/// <param name="Registers">32-bit registers a thread.</param>
/// <param name="SpillStores">Bytes of registers written to memory, a thread.</param>
/// <param name="SpillLoads">Bytes read back.</param>
/// <param name="StackBytes">Bytes of local memory a thread, spills included.</param>
/// <param name="SharedBytes">Bytes of shared memory a group that the kernel names itself; what a launch adds is not in it.</param>
public readonly record struct KernelUsage(int Registers, int SpillStores, int SpillLoads, int StackBytes, int SharedBytes);

/// <summary>NVIDIA's assembler, where it is at hand: nothing needs it to run kernels.</summary>
public sealed partial class Ptxas
{
    /// <summary>Where the assembler may be named.</summary>
    public const string Variable = "KERNELTUNE_PTXAS";

    private Ptxas(string path) => Path = path;

    /// <summary>The program's path.</summary>
    public string Path { get; }

    /// <summary>The one that <see cref="Variable"/> names, else ~/.cache/kerneltune/ptxas/ptxas, else the first in PATH; null where there is none.</summary>
    public static Ptxas? Find()
    {
        string? named = Environment.GetEnvironmentVariable(Variable);
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        IEnumerable<string> places = named is { Length: > 0 }
            ? [named]
            : [System.IO.Path.Combine(home, ".cache", "kerneltune", "ptxas", "ptxas"), .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator).Select(p => System.IO.Path.Combine(p, "ptxas"))];
        return places.FirstOrDefault(File.Exists) is { } path ? new Ptxas(path) : null;
    }

    /// <summary>Why <see cref="Find"/> finds none, for the user.</summary>
    public static string Absent => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named
        ? $"no ptxas: {Variable} is {named}, which is not there"
        : $"no ptxas in ~/.cache/kerneltune/ptxas or PATH, and {Variable} names none";

    /// <summary>The version, as 12.4.</summary>
    /// <exception cref="InspectionException">It does not run.</exception>
    public string Version()
    {
        string text = Run(Path, "--version");
        Match match = ReleaseText().Match(text);
        return match.Success ? match.Groups[1].Value : throw new InspectionException($"{Path} --version: no release in '{text.Trim()}'");
    }

    /// <summary>Assembles one kernel's PTX for an architecture and reads what it takes.</summary>
    /// <exception cref="InspectionException">It does not assemble: the assembler's words.</exception>
    public KernelUsage Assemble(string ptx, string architecture) => Assembled(ptx, architecture, (report, _) => Read(report));

    /// <summary>The machine's own instructions (SASS) of one kernel's PTX, by the nvdisasm that lies beside the assembler.</summary>
    /// <exception cref="InspectionException">It does not assemble, or there is no nvdisasm.</exception>
    public string Disassemble(string ptx, string architecture)
    {
        string disassembler = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, "nvdisasm");
        if (!File.Exists(disassembler))
            throw new InspectionException($"no nvdisasm beside {Path}");
        return Assembled(ptx, architecture, (_, binary) => Run(disassembler, "-c", binary));
    }

    private TResult Assembled<TResult>(string ptx, string architecture, Func<string, string, TResult> read)
    {
        string folder = Directory.CreateTempSubdirectory("kerneltune-ptxas-").FullName;
        try
        {
            string source = System.IO.Path.Combine(folder, "kernel.ptx"), binary = System.IO.Path.Combine(folder, "kernel.cubin");
            File.WriteAllText(source, ptx);
            return read(Run(Path, "-v", $"-arch={architecture}", source, "-o", binary), binary);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Reads the report of ptxas -v about the one entry of a module.</summary>
    /// <exception cref="InspectionException">It is not such a report.</exception>
    internal static KernelUsage Read(string report)
    {
        // Functions of the module are reported too: the entry's lines are the ones after "Compiling entry function".
        int entry = report.IndexOf("Compiling entry function", StringComparison.Ordinal);
        string text = entry < 0 ? report : report[entry..];
        Match used = UsedText().Match(text), stack = StackText().Match(text), shared = SharedText().Match(text);
        if (!used.Success || !stack.Success)
            throw new InspectionException($"ptxas -v: no registers and stack frame in '{report.Trim()}'");
        return new KernelUsage(Number(used, 1), Number(stack, 2), Number(stack, 3), Number(stack, 1), shared.Success ? Number(shared, 1) : 0);
    }

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    private static string Run(string program, params string[] arguments)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false },
        };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InspectionException($"{program} does not run: {e.Message}", e);
        }

        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + error.GetAwaiter().GetResult();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InspectionException($"{System.IO.Path.GetFileName(program)} {string.Join(' ', arguments.Where(a => a[0] == '-' && a != "-o"))}: {output.Trim()}");
    }

    [GeneratedRegex(@"release (\d+\.\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex ReleaseText();

    [GeneratedRegex(@"Used (\d+) registers", RegexOptions.CultureInvariant)]
    private static partial Regex UsedText();

    [GeneratedRegex(@"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", RegexOptions.CultureInvariant)]
    private static partial Regex StackText();

    [GeneratedRegex(@"(\d+) bytes smem", RegexOptions.CultureInvariant)]
    private static partial Regex SharedText();
}
