using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>Full fine-tuning: every parameter of the model trains, and the whole model is saved.</summary>
public sealed class FullTuning : IMethod
{
    private FullTuning(IReadOnlyList<Parameter> trainable) => Trainable = trainable;

    public string Description => "full";

    public bool IsAdapter => false;

    public int Passes => 3;

    public IReadOnlyList<Parameter> Trainable { get; }

    public IReadOnlyList<string> Warnings => [];

    public string? WhyUnmergeable => "full fine-tuning leaves no adapter: the model is whole already";

    /// <summary>Marks every parameter.</summary>
    public static FullTuning Attach(Module model)
    {
        Parameter[] all = [.. model.BaseParameters()];
        foreach (var parameter in all)
            parameter.Trainable = true;
        return new FullTuning(all);
    }

    public void Initialize(Device device, ulong seed)
    {
    }

    public IReadOnlyList<string> Load(Device device, AdapterFolder folder) => throw new InvalidOperationException("full fine-tuning has no adapter");

    public void Save(AtomicFolder folder, string baseName, string? taskType) => throw new InvalidOperationException("full fine-tuning has no adapter");

    public bool Changes(Parameter parameter, string modulePath) => false;

    public float[] Merged(Parameter parameter, string modulePath) => throw new InvalidOperationException("full fine-tuning has no adapter");
}
