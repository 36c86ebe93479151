using System.Diagnostics;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Gpu;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Bench;

/// <summary>
/// Elementwise kernels and products of a GPU device: bytes a second beside the driver's own copy, and FLOP a second beside cuBLAS. Runs only where the device is.
/// </summary>
internal static class GpuBench
{
    /// <summary>False where there is no such device; the report then says why and holds no figures.</summary>
    public static bool Run(Report report, string name)
    {
        FoundDevice? found = GpuDevices.Find().FirstOrDefault(d => d.Name == name);
        if (found is not { Present: true })
        {
            report.Line($"No figures: device {name}: {found?.Why ?? "there is none of that number"}.");
            return false;
        }

        using GpuDevice device = GpuDevices.Open(name);
        report.Line($"{name}: {device.Hardware}. Median (quartiles) of {report.Pairs} runs, by the wall clock, each long enough to hide its launches.");
        report.Line();
        // ILGPU's CPU accelerator shows that this runs, not how fast anything is.
        bool real = !device.IsSynchronous;
        Bandwidth(report, device, real ? 1 << 26 : 1 << 12);
        report.Line();
        Products(report, device, real ? [(512, 512, 512), (2048, 2048, 2048), (4096, 4096, 4096), (512, 4096, 11008)] : [(32, 32, 32)]);
        return true;
    }

    private static void Bandwidth(Report report, GpuDevice device, int elements)
    {
        View a = New(device, new Shape(elements)), b = New(device, new Shape(elements)), x = New(device, new Shape(elements)), y = New(device, new Shape(elements));
        View scalars = New(device, new Shape(4));
        foreach (View view in (View[])[a, b, x, y])
            device.Run(new RampCall(view, 0, 1.0 / elements));
        device.Write<float>(scalars, [1e-3f, 0.1f, 0.001f, 1f]);
        using var opponent = CudaOpponent.Open(device);
        report.Line($"{elements:N0} elements; bytes that the call must move.");
        report.Line();
        report.Line(opponent is null ? "| call | GB/s |" : "| call | GB/s | of the driver's copy |");
        report.Line(opponent is null ? "|---|---|" : "|---|---|---|");
        Samples? limit = opponent is null ? null : Sample(report, () => opponent.Copy(elements), opponent.Wait, 2L * elements * sizeof(float));
        if (limit is not null)
            report.Line($"| the driver's copy | {limit} | |");
        Row("copy", () => device.Run(new CopyCall(a, x)), 2);
        Row("silu", () => device.Map(MapCall.Unary<Silu, None>(x, a)), 2);
        Row("gelu, gradient added", () => MapCall.UnaryGrad<Gelu, None>(device, x, accumulate: true, a, b), 4);
        Row("add", () => device.Map(MapCall.Binary<Add, None>(x, a, b)), 3);
        Row("swiglu, gradient", () => device.Map(MapCall.BinaryGrad<SwiGlu, None>(x, y, a, b, a)), 5);
        Row("adamw", () => device.Run(new UpdateCall<AdamW>(x, a, y, b, scalars, new UpdateSettings(0.9, 0.999, 1e-8, 0.01))), 7);
        foreach (View view in (View[])[a, b, x, y, scalars])
            view.Block.Release();

        void Row(string call, Action run, int passes)
        {
            if (!call.Contains(report.Filter, StringComparison.Ordinal))
                return;
            Samples rate = Sample(report, run, () => Wait(device, x), (long)passes * elements * sizeof(float));
            report.Line($"| {call} | {rate} |" + (limit is null ? "" : $" {rate.Median / limit.Median:P0} |"));
        }
    }

    private static void Products(Report report, GpuDevice device, (int M, int N, int K)[] shapes)
    {
        using var opponent = CudaOpponent.Open(device);
        string missing = "";
        using CudaOpponent.Blas? blas = opponent?.OpenBlas(out missing);
        if (opponent is not null && blas is null)
            report.Line($"No cuBLAS beside it: {missing}.");
        report.Line(blas is null ? "| C = A·B, fp32 | GFLOP/s |" : "| C = A·B, fp32 | GFLOP/s | cuBLAS (no TF32) | of it |");
        report.Line(blas is null ? "|---|---|" : "|---|---|---|---|");
        foreach (var (m, n, k) in shapes)
        {
            View a = New(device, new Shape(m, k)), b = New(device, new Shape(k, n)), c = New(device, new Shape(m, n));
            device.Run(new FillCall(a, 0.5));
            device.Run(new FillCall(b, 0.25));
            double flops = 2.0 * m * n * k;
            Samples ours = Sample(report, () => device.Run(new MatMulCall(a, b, c)), () => Wait(device, c), flops);
            string line = $"| {m}×{n}×{k} | {ours} |";
            if (blas is not null)
            {
                blas.Prepare(m, n, k);
                Samples theirs = Sample(report, blas.Multiply, opponent!.Wait, flops);
                line += $" {theirs} | {ours.Median / theirs.Median:P0} |";
            }
            report.Line(line);
            foreach (View view in (View[])[a, b, c])
                view.Block.Release();
        }
    }

    private static View New(GpuDevice device, Shape shape) => device.Allocate(shape, DType.F32, Category.Workspace);

    // Reading one element waits for everything that was queued before it.
    private static void Wait(GpuDevice device, View view)
    {
        Span<float> one = stackalloc float[1];
        device.Read(new View(view.Block, DType.F32, new Shape(1)), one);
    }

    /// <summary>1e9 units of <paramref name="work"/> a second: enough repeats a run that launches and the final wait do not show.</summary>
    private static Samples Sample(Report report, Action run, Action wait, double work)
    {
        const double Wanted = 0.02;
        int repeats = 1;
        for (double took = 0; took < Wanted && repeats < 4096; repeats *= 2)
            took = Seconds(run, wait, repeats);
        var samples = new Samples();
        for (int i = 0; i < report.Pairs; i++)
            samples.Add(work * repeats / Seconds(run, wait, repeats) / 1e9);
        return samples;
    }

    private static double Seconds(Action run, Action wait, int repeats)
    {
        wait();
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeats; i++)
            run();
        wait();
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }
}
