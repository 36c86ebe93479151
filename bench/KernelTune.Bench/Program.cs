using System.Globalization;
using KernelTune.Bench;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is ["compare-row", ..])
{
    CompareBench.Row(args);
    return 0;
}
using var report = Report.Open(args);
switch (args)
{
    case ["peak", ..]:
        PeakBench.Run(report);
        return 0;
    case ["matmul", ..]:
        MatMulBench.Run(report);
        return 0;
    case ["map", ..]:
        MapBench.Run(report);
        return 0;
    case ["update", ..]:
        UpdateBench.Run(report);
        return 0;
    case ["gpu", ..]:
        GpuBench.Run(report, Array.IndexOf(args, "--device") is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : "cuda");
        return 0;
    case ["step", ..]:
        StepBench.Run(report, args);
        return 0;
    case ["decode", ..]:
        DecodeBench.Run(report, args);
        return 0;
    case ["tokenize", ..]:
        TokenizeBench.Run(report, args);
        return 0;
    case ["growth", ..]:
        GrowthBench.Run(report, args);
        return 0;
    case ["compare", ..]:
        CompareBench.Run(report, args);
        return 0;
    case ["attention", ..]:
        AttentionBench.Run(report);
        return 0;
    case ["conv", ..]:
        ConvBench.Run(report, args);
        return 0;
    default:
        Console.Error.WriteLine("usage: KernelTune.Bench peak|matmul|attention|map|update|gpu|step|decode|growth|tokenize|compare|conv [--pairs N] [--threads N] [--filter WORD] [--blas LIBRARY] [--device cuda] [--out FILE.md]");
        return 2;
}
