using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Methods;
using KernelTune.Models;

namespace KernelTune.Training.Runs;

/// <summary>A model on a device, with an adapter or without, and the files of its base.</summary>
public abstract class LoadedPretrained<TModel> : IDisposable
    where TModel : class, IPretrainedModel
{
    private protected LoadedPretrained(LoadedParts<TModel> parts) => (Source, Weights, Device, Model, Method) = (parts.Source, parts.Weights, parts.Device, parts.Model, parts.Method);

    public Device Device { get; }

    public TModel Model { get; }

    /// <summary>The adapter's method; null: the base alone.</summary>
    public IMethod? Method { get; }

    /// <summary>The base's folder.</summary>
    public HuggingFaceFolder Source { get; }

    /// <summary>The base's weights, with the rows that an adapter's tokens need.</summary>
    public IWeightSource Weights { get; }

    /// <summary>The files that a folder of such a model has beside weights and config.json, by name.</summary>
    public abstract IReadOnlyDictionary<string, ReadOnlyMemory<byte>> SideFiles { get; }

    public void Dispose()
    {
        LoadedParts<TModel>.Free(Model);
        Source.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>What a loaded model is made of.</summary>
internal sealed record LoadedParts<TModel>(HuggingFaceFolder Source, IWeightSource Weights, Device Device, TModel Model, IMethod? Method)
    where TModel : class, IPretrainedModel
{
    /// <summary>Opens a base and an adapter, builds the model, loads both, and makes of it what is asked for; nothing is left behind where that throws.</summary>
    /// <param name="model">A folder, a file or org/name.</param>
    /// <param name="adapter">An adapter's folder; null: none.</param>
    /// <param name="device">Where the weights go.</param>
    /// <param name="build">The model, without weights: from the base's configuration, or from the adapter's.</param>
    /// <param name="make">The result.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <param name="resize">The base's weights as what was built wants them; null: as they are.</param>
    /// <exception cref="CheckpointException">The base or the adapter cannot be used, or the adapter is of another base.</exception>
    /// <exception cref="MethodException">The adapter asks for something that is not built.</exception>
    public static TLoaded Open<TLoaded>(string model, string? adapter, Device device, Func<HuggingFaceFolder, AdapterFolder?, TModel> build, Func<LoadedParts<TModel>, TLoaded> make,
        Action<string>? note, CancellationToken cancellation, Func<IWeightSource, IWeightSource>? resize = null)
    {
        var source = HuggingFaceFolder.Open(model);
        TModel? built = null;
        try
        {
            using var folder = adapter is null ? null : AdapterFolder.Open(adapter);
            built = build(source, folder);
            var method = folder is null ? null : AdapterMethods.Attach(built.Root, built.ModelType, folder.Config, note);
            var weights = resize?.Invoke(source.Weights) ?? source.Weights;
            HashSet<Parameter> held = [.. method?.Trainable ?? []];        // what the adapter holds whole may have another size in the base: a head
            foreach (string extra in ModelWeights.Load(built, weights, device, held, cancellation))
                note?.Invoke($"{source.Weights.Location}: {CheckpointException.Quote(extra)} is no weight of {built.Architecture} and was left out");
            if (method is not null && folder is not null)
                foreach (string extra in method.Load(device, folder))
                    note?.Invoke($"{folder.Weights.Location}: {CheckpointException.Quote(extra)} is not of this adapter and was left out");
            return make(new LoadedParts<TModel>(source, weights, device, built, method));
        }
        catch
        {
            Free(built);
            source.Dispose();
            throw;
        }
    }

    public static void Free(TModel? model)
    {
        foreach (var parameter in model?.Root.AllParameters() ?? [])
            parameter.Dispose();
    }
}
