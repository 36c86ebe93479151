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
public sealed class LoadedClassifier : IDisposable
{
    private readonly HuggingFaceFolder source;

    private LoadedClassifier(HuggingFaceFolder source, Device device, ImageClassifier model, IMethod? method, string preprocessor)
    {
        (this.source, Device, Model, Method, PreprocessorFile) = (source, device, model, method, preprocessor);
        Processor = PreprocessorConfig.Processor(preprocessor, model.Channels);
    }

    public Device Device { get; }

    public ImageClassifier Model { get; }

    /// <summary>The adapter's method; null: the base alone.</summary>
    public IMethod? Method { get; }

    public PictureProcessor Processor { get; }

    /// <summary>The preprocessor_config.json that holds for it.</summary>
    public string PreprocessorFile { get; }

    /// <summary>The base's weights.</summary>
    public IWeightSource Weights => source.Weights;

    /// <summary>Opens a model and loads its weights. An adapter's folder brings the configuration that it was trained with: its classes.</summary>
    /// <param name="model">A folder, or org/name.</param>
    /// <param name="adapter">An adapter's folder; null: none.</param>
    /// <param name="device">Where the weights go.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="CheckpointException">The base or the adapter cannot be used, or preprocessor_config.json is absent.</exception>
    public static LoadedClassifier Open(string model, string? adapter, Device device, Action<string>? note = null, CancellationToken cancellation = default)
    {
        var source = HuggingFaceFolder.Open(model);
        ImageClassifier? built = null;
        try
        {
            using var folder = adapter is null ? null : AdapterFolder.Open(adapter);
            built = ModelRegistry.ImageClassifier(adapter is not null && Beside(adapter, "config.json") is { } own ? JsonSettings.Read(own) : source.Config);
            var method = folder is null ? null : AdapterMethods.Attach(built, built.ModelType, folder.Config, note);
            var replaced = method?.Trainable.ToHashSet() ?? [];       // a head that the adapter holds whole may have another size in the base
            foreach (string extra in ModelWeights.Load(built, source.Weights, device, replaced, cancellation))
                note?.Invoke($"{source.Weights.Location}: {CheckpointException.Quote(extra)} is no weight of {built.Architecture} and was left out");
            if (method is not null && folder is not null)
                foreach (string extra in method.Load(device, folder))
                    note?.Invoke($"{folder.Weights.Location}: {CheckpointException.Quote(extra)} is not of this adapter and was left out");
            string preprocessor = (adapter is null ? null : Beside(adapter, PreprocessorConfig.FileName)) ?? Path.Combine(source.Folder, PreprocessorConfig.FileName);
            return new LoadedClassifier(source, device, built, method, preprocessor);
        }
        catch
        {
            if (built is not null)
                Free(built);
            source.Dispose();
            throw;
        }
    }

    /// <summary>Judges a folder of pictures whose classes are the model's.</summary>
    /// <exception cref="DataException">A class is missing, or a picture cannot be read.</exception>
    public (Judgement Judgement, PictureEvaluationData Data) Judge(string folder, int batchSize, bool skipBad = false, CancellationToken cancellation = default)
    {
        var data = ImageClassificationTask.LoadEvaluation(folder, Model.LabelNames, Processor, skipBad);
        using var session = new Session(Device);
        return (Evaluator.Judge(new ImageClassificationTask(), Model, session, data.Batches(batchSize), cancellation), data);
    }

    public void Dispose()
    {
        Free(Model);
        source.Dispose();
    }

    private static string? Beside(string folder, string name) => Path.Combine(folder, name) is var path && File.Exists(path) ? path : null;

    private static void Free(ImageClassifier model)
    {
        foreach (var parameter in model.AllParameters())
            parameter.Dispose();
    }
}
