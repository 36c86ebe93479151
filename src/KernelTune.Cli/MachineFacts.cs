using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text.Json.Nodes;
using KernelTune.Cli.Recipes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Cli;

/// <summary>What can be read about the machine without measuring.</summary>
/// <param name="Processor">The processor's name for itself.</param>
/// <param name="Processors">Logical processors that this process may use.</param>
/// <param name="Features">Instruction sets of the processor that the runtime can use.</param>
/// <param name="Instructions">The set that kernels run on.</param>
/// <param name="MemoryBytes">Memory that this process may use: the machine's, or its container's limit.</param>
internal sealed record MachineFacts(string Processor, int Processors, IReadOnlyList<string> Features, InstructionSet Instructions, long MemoryBytes)
{
    public static MachineFacts Read() => new(ProcessorName(), Environment.ProcessorCount, SupportedFeatures(), InstructionSets.Best, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    public IEnumerable<(string Key, string Value)> Lines() =>
    [
        ("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}"),
        ("runtime", RuntimeInformation.FrameworkDescription),
        ("processor", Processor),
        ("threads", Processors.ToString(CultureInfo.InvariantCulture)),
        ("features", string.Join(' ', Features)),
        ("kernels use", Instructions.ToString()),
        ("memory", ByteCount.Show(MemoryBytes)),
    ];

    public JsonObject ToJson() => new()
    {
        ["system"] = RuntimeInformation.OSDescription,
        ["architecture"] = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
        ["runtime"] = RuntimeInformation.FrameworkDescription,
        ["processor"] = Processor,
        ["threads"] = Processors,
        ["features"] = new JsonArray([.. Features.Select(f => (JsonNode)JsonValue.Create(f))]),
        ["instructions"] = Instructions.ToString(),
        ["memory_bytes"] = MemoryBytes,
    };

    private static List<string> SupportedFeatures()
    {
        List<string> features = [];
        void Add(bool supported, string name)
        {
            if (supported) features.Add(name);
        }

        Add(Sse42.IsSupported, "sse4.2");
        Add(Avx.IsSupported, "avx");
        Add(Avx2.IsSupported, "avx2");
        Add(Fma.IsSupported, "fma");
        Add(Avx512F.IsSupported, "avx512f");
        Add(Avx512BW.IsSupported, "avx512bw");
        Add(Avx512DQ.IsSupported, "avx512dq");
        Add(Avx512CD.IsSupported, "avx512cd");
        Add(Avx512Vbmi.IsSupported, "avx512vbmi");
        Add(AvxVnni.IsSupported, "avxvnni");
        return features;
    }

    private static string ProcessorName()
    {
        const string list = "/proc/cpuinfo", key = "model name";
        if (!File.Exists(list)) return "unknown";
        string? line = File.ReadLines(list).FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal));
        return line is null ? "unknown" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
