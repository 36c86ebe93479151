using System.Globalization;
using KernelTune.Bench;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
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
    case ["step", ..]:
        StepBench.Run(report, args);
        return 0;
    case ["attention", ..]:
        AttentionBench.Run(report);
        return 0;
    default:
        Console.Error.WriteLine("usage: KernelTune.Bench peak|matmul|attention|map|step [--pairs N] [--threads N] [--filter WORD] [--blas LIBRARY] [--out FILE.md]");
        return 2;
}
