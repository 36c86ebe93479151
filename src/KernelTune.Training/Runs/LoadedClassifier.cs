using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Data.Pictures;
using KernelTune.Devices;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Training.Tasks;

namespace KernelTune.Training.Runs;

/// <summary>A classifier of pictures on a device, with an adapter or without, ready to be judged.</summary>
public sealed class LoadedClassifier : LoadedPretrained<ImageClassifier>
{
    private LoadedClassifier(LoadedParts<ImageClassifier> parts, string preprocessor)
        : base(parts)
    {
        PreprocessorFile = preprocessor;
        Processor = PreprocessorConfig.Processor(preprocessor, parts.Model.Channels);
    }

    public PictureProcessor Processor { get; }

    /// <summary>The preprocessor_config.json that holds for it.</summary>
    public string PreprocessorFile { get; }

    /// <summary>preprocessor_config.json.</summary>
    public override IReadOnlyDictionary<string, ReadOnlyMemory<byte>> SideFiles =>
        new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal) { [PreprocessorConfig.FileName] = File.ReadAllBytes(PreprocessorFile) };

    /// <summary>Opens a model and loads its weights. An adapter's folder brings the configuration that it was trained with: its classes.</summary>
    /// <param name="model">A folder, or org/name.</param>
    /// <param name="adapter">An adapter's folder; null: none.</param>
    /// <param name="device">Where the weights go.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="CheckpointException">The base or the adapter cannot be used, or preprocessor_config.json is absent.</exception>
    public static LoadedClassifier Open(string model, string? adapter, Device device, Action<string>? note = null, CancellationToken cancellation = default) =>
        LoadedParts<ImageClassifier>.Open(model, adapter, device,
            (source, folder) => ModelRegistry.ImageClassifier(Beside(folder, "config.json") is { } own ? JsonSettings.Read(own) : source.Config),
            parts => new LoadedClassifier(parts, (adapter is null ? null : Beside(adapter, PreprocessorConfig.FileName)) ?? Path.Combine(parts.Source.Folder, PreprocessorConfig.FileName)),
            note, cancellation);

    /// <summary>Judges a folder of pictures whose classes are the model's.</summary>
    /// <exception cref="DataException">A class is missing, or a picture cannot be read.</exception>
    public (Judgement Judgement, PictureEvaluationData Data) Judge(string folder, int batchSize, bool skipBad = false, CancellationToken cancellation = default)
    {
        var data = ImageClassificationTask.LoadEvaluation(folder, Model.LabelNames, Processor, skipBad);
        using var session = new Session(Device);
        return (Evaluator.Judge(new ImageClassificationTask(), Model, session, data.Batches(batchSize), cancellation), data);
    }

    private static string? Beside(AdapterFolder? folder, string name) => folder is null ? null : Beside(folder.Location, name);

    private static string? Beside(string folder, string name) => Path.Combine(folder, name) is var path && File.Exists(path) ? path : null;
}
