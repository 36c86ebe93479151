using System.Diagnostics;
using System.Globalization;
using System.Text;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;
using KernelTune.Modules;
using Conv2d = KernelTune.Kernels.Cpu.Conv2d;

namespace KernelTune.Bench;

/// <summary>ResNet-18's convolutions as a share of the FMA peak, and the calls of a whole training step by time (one thread by its processor time): <c>conv --threads 2 --batch 32 --size 224</c>.</summary>
internal static unsafe class ConvBench
{
    private const string ResNet18 = """{"architecture": "torchvision.ResNet", "block": "BasicBlock", "layers": [2, 2, 2, 2], "num_classes": 1000}""";

    public static void Run(Report report, string[] args)
    {
        int Option(string name, int absent) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? int.Parse(args[i + 1], CultureInfo.InvariantCulture) : absent;
        int batch = Option("--batch", 32), size = Option("--size", 224);
        if (!args.Contains("--step-only"))
            Layers(report, batch, size);
        Step(report, batch, size);
    }

    private static void Layers(Report report, int images, int size)
    {
        report.Line($"{images} pictures of {size}×{size}; share of the FMA peak: median (quartiles) over interleaved runs.");
        report.Line();
        report.Line("| convolution | forward | dX | dW |");
        report.Line("|---|---|---|---|");
        using var pool = new WorkerPool(report.Threads);
        foreach (var (name, shape) in Cases(images, size))
        {
            if (name.Contains(report.Filter, StringComparison.Ordinal))
                report.Line($"| {name} | {Share(report, pool, shape, 0)} | {Share(report, pool, shape, 1)} | {Share(report, pool, shape, 2)} |");
        }
        report.Line();
    }

    private static string Share(Report report, WorkerPool pool, Conv2dShape s, int which)
    {
        var set = InstructionSets.Best;
        using var x = new Buffer((long)s.Images * s.Channels * s.Height * s.Width);
        using var y = new Buffer((long)s.Images * s.Outputs * s.Rows * s.Columns);
        using var w = new Buffer((long)s.Outputs * s.Channels * s.KernelHeight * s.KernelWidth);
        long bytes = which switch
        {
            0 => Conv2d.ForwardWorkspace(s, pool.Workers, set),
            1 => Conv2dGradInput.Workspace(s, pool.Workers, set),
            _ => Conv2d.GradWeightWorkspace(s, pool.Workers, set),
        };
        using var workspace = new Buffer((bytes / 4) + 16);
        var measure = new Yardstick(pool, report.Pairs);
        measure.Measure(2.0 * s.Images * s.Rows * s.Columns * s.Outputs * s.Channels * s.KernelHeight * s.KernelWidth, () =>
        {
            switch (which)
            {
                case 0: Conv2d.Forward(s, x.Data, w.Data, null, y.Data, (byte*)workspace.Data, pool, set); break;
                case 1: Conv2dGradInput.Run(s, y.Data, w.Data, x.Data, false, (byte*)workspace.Data, pool, set); break;
                default: Conv2d.GradWeight(s, x.Data, y.Data, w.Data, false, (byte*)workspace.Data, pool, set); break;
            }
        });
        return measure.Share.Percent;
    }

    private static IEnumerable<(string Name, Conv2dShape Shape)> Cases(int images, int size)
    {
        yield return ("stem 3→64, 7×7/2", Shape(images, 3, 64, size, 7, 2));
        size = (size + 3) / 4;
        foreach (int channels in new[] { 64, 128, 256, 512 })
        {
            if (channels > 64)
            {
                yield return ($"{channels / 2}→{channels}, 3×3/2, {size}", Shape(images, channels / 2, channels, size, 3, 2));
                yield return ($"{channels / 2}→{channels}, 1×1/2, {size}", Shape(images, channels / 2, channels, size, 1, 2));
                size = (size + 1) / 2;
            }
            yield return ($"{channels}→{channels}, 3×3, {size}", Shape(images, channels, channels, size, 3, 1));
        }
        yield return ("256→64, 1×1, 56", Shape(images, 256, 64, 56, 1, 1));
    }

    private static Conv2dShape Shape(int images, int channels, int outputs, int size, int kernel, int stride) => new()
    {
        Images = images, Channels = channels, Outputs = outputs, Groups = 1, Height = size, Width = size, KernelHeight = kernel, KernelWidth = kernel, StrideHeight = stride, StrideWidth = stride,
        DilationHeight = 1, DilationWidth = 1, Top = kernel / 2, Left = kernel / 2, Rows = ((size - 1) / stride) + 1, Columns = ((size - 1) / stride) + 1,
    };

    private static void Step(Report report, int images, int size)
    {
        using var device = new CpuDevice(report.Threads);
        using var peakPool = new WorkerPool(report.Threads);
        var model = ModelRegistry.ImageClassifier(JsonSettings.Parse("config.json", Encoding.UTF8.GetBytes(ResNet18)));
        foreach (var parameter in model.BaseParameters())
            parameter.Trainable = true;
        ModelWeights.Initialize(model, device, 1);
        using var gradients = new GradientStore(device, model.BaseParameters());
        var pixels = new float[images * 3 * size * size];
        new RandomStream(1, "pixels").Fill(pixels, FreshWeight.Normal(1));
        long[] labels = [.. Enumerable.Range(0, images).Select(i => (long)(i * 31 % 1000))];
        var times = new CallTimes(report.Threads);
        int steps = Math.Max(1, report.Pairs / 5);
        double total = 0, peak = 0;
        for (int step = -1; step < steps; step++)
        {
            device.CallObserver = step < 0 ? null : times;
            gradients.Clear();
            double began = Clock.Seconds(report.Threads);
            using (var session = new Session(device, gradients) { Training = true })
            {
                var input = new PictureInput(session.Upload<float>(pixels, new Shape(images, 3, size, size), session.Real));
                session.Backward(model.Loss(input, session.Upload<long>(labels, new Shape(images), DType.I64)));
            }
            if (step >= 0)
                total += Clock.Seconds(report.Threads) - began;
            double before = Clock.Seconds(report.Threads);
            long wall = Stopwatch.GetTimestamp();
            double rate = MachinePeak.Flops(peakPool, report.Threads, InstructionSets.Best, 2);
            peak = Math.Max(peak, rate * Stopwatch.GetElapsedTime(wall).TotalSeconds / (Clock.Seconds(report.Threads) - before));
        }
        double flops = 6 * images * model.MultiplyAdds(size, size), seconds = total / steps;
        report.Line($"A step of ResNet-18, {images} pictures of {size}×{size}, without the update: {seconds * 1000:F0} ms, {flops / seconds / 1e9:F1} GFLOP/s, {flops / seconds / peak:P0} of the peak; ledger's peak {device.Ledger.Peak / 1048576.0:F0} MiB.");
        report.Line();
        report.Line("| call | times | ms | share | GFLOP/s | GB/s |");
        report.Line("|---|---|---|---|---|---|");
        foreach (var (name, (count, s, work, bytes)) in times.ByName.OrderByDescending(t => t.Value.Seconds))
        {
            report.Line($"| {name} | {count / steps} | {s * 1000 / steps:F1} | {s / total:P1} | {work / s / 1e9:F1} | {bytes / s / 1e9:F1} |");
        }
        foreach (var parameter in model.AllParameters())
            parameter.Dispose();
    }

    /// <summary>Time of the outermost calls by name.</summary>
    private sealed class CallTimes(int threads) : ICallObserver
    {
        private int depth;
        private double began;

        public Dictionary<string, (int Count, double Seconds, double Flops, double Bytes)> ByName { get; } = [];

        public void Begin<TCall>(Device device, in TCall call)
            where TCall : struct, ICall
        {
            if (depth++ == 0)
                began = Clock.Seconds(threads);
        }

        public void End<TCall>(Device device, in TCall call)
            where TCall : struct, ICall
        {
            if (--depth > 0)
                return;
            string name = typeof(TCall).IsGenericType ? $"{TCall.Name} {string.Join(' ', typeof(TCall).GetGenericArguments().SelectMany(a => a.GetGenericArguments().Prepend(a)).Select(a => a.Name))}" : TCall.Name;
            var (count, seconds, flops, bytes) = ByName.GetValueOrDefault(name);
            ByName[name] = (count + 1, seconds + Clock.Seconds(threads) - began, flops + call.Flops, bytes + call.Bytes);
        }
    }
}
