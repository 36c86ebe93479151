using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>Only the output head trains, over a body that stays as it is (its norms keep their running statistics). The whole model is saved.</summary>
public sealed class HeadTuning : IMethod
{
    private HeadTuning(string path, IReadOnlyList<Parameter> trainable) => (Path, Trainable) = (path, trainable);

    /// <summary>The head's module path.</summary>
    public string Path { get; }

    public string Description => $"head-only, {Path}";

    public bool IsAdapter => false;

    public int Passes => 1;

    public IReadOnlyList<Parameter> Trainable { get; }

    public IReadOnlyList<string> Warnings => [];

    public string? WhyUnmergeable => "training the head alone leaves no adapter: the model is whole already";

    /// <summary>Marks the head's parameters.</summary>
    /// <param name="model">The model.</param>
    /// <param name="head">Its last layer.</param>
    /// <exception cref="MethodException">The head's weight is shared with another module.</exception>
    public static HeadTuning Attach(Module model, Linear head)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(head);
        var shared = model.SharedParameters();
        if (head.OwnParameters.FirstOrDefault(shared.Contains) is { } tied)
            throw new MethodException($"head-only: the weight of {head.Path} is {tied.Path}, shared with another module: a tied head cannot be trained apart");
        foreach (var parameter in head.OwnParameters)
            parameter.Trainable = true;
        return new HeadTuning(head.Path, head.OwnParameters);
    }

    public void Initialize(Device device, ulong seed)
    {
    }

    public IReadOnlyList<string> Load(Device device, AdapterFolder folder) => throw new InvalidOperationException("training the head alone has no adapter");

    public void Save(AtomicFolder folder, string baseName, string? taskType) => throw new InvalidOperationException("training the head alone has no adapter");

    public bool Changes(Parameter parameter, string modulePath) => false;

    public float[] Merged(Parameter parameter, string modulePath) => throw new InvalidOperationException("training the head alone has no adapter");
}
