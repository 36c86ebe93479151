using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Modules;

namespace KernelTune.Training.Runs;

/// <summary>Writes a classifier of pictures with its adapter merged in as a Hugging Face folder, and says how far its logits have moved.</summary>
public static class ClassifierMerging
{
    private const int Probes = 8, ProbeEdge = 32;

    /// <summary>Merges, saves, opens what was saved, and compares its logits with those of base and adapter on pictures of noise.</summary>
    /// <param name="model">The base's folder.</param>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="output">The new folder.</param>
    /// <param name="device">Where both are run.</param>
    /// <param name="format">How weights are stored; null: as the base stores them, in 16 bits at least.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="CheckpointException">Base or adapter cannot be used, or the base is read from <paramref name="output"/> itself.</exception>
    /// <exception cref="MethodException">The adapter cannot be merged.</exception>
    public static (WeightFormat Format, LogitDrift Drift) Run(string model, string adapter, string output, Device device, WeightFormat? format = null, Action<string>? note = null, CancellationToken cancellation = default) =>
        MergedFolder.Run<LoadedClassifier, ImageClassifier>((from, with) => LoadedClassifier.Open(from, with, device, note, cancellation), model, adapter, output, format,
            loaded => [Logits(loaded)], Merging.ShardBytes);

    private static float[] Logits(LoadedClassifier loaded)
    {
        using var session = new Session(loaded.Device) { Recording = false };
        using var scope = session.Enter();
        var (height, width) = loaded.Processor.Settings.FixedSize ?? (ProbeEdge, ProbeEdge);
        var shape = new Shape(Probes, loaded.Model.Channels, height, width);
        var noise = new float[shape.Elements];
        uint state = 1;
        for (int i = 0; i < noise.Length; i++)
        {
            state = (state * 1664525) + 1013904223;
            noise[i] = (state >> 8) / 8388608f - 1;
        }
        var logits = loaded.Model.Call(new PictureInput(session.Upload<float>(noise, shape, session.Real)));
        var numbers = new float[logits.View.Elements];
        loaded.Device.Read<float>(logits.View, numbers);
        return numbers;
    }
}
