using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Conformance.Checks;
using KernelTune.Methods;
using KernelTune.Models;

namespace KernelTune.Conformance.Families;

/// <summary>The method of a case of adapters/ on the case's base, with the names that the case's files give to its tensors.</summary>
internal sealed class CaseMethod : IDisposable
{
    private readonly AdapterFolder? files;
    private readonly Dictionary<string, Parameter> byName;
    private readonly Dictionary<Parameter, string> nameOf;

    private CaseMethod(ModelOnDevice model, IMethod method, AdapterFolder? files)
    {
        (Model, Method, this.files) = (model, method, files);
        byName = Names(method);
        nameOf = byName.GroupBy(t => t.Value).ToDictionary(g => g.Key, g => g.First().Key);
    }

    public ModelOnDevice Model { get; }

    public IMethod Method { get; }

    /// <summary>The number of elements that train.</summary>
    public long TrainableParameters => Method.Trainable.Distinct().Sum(p => p.Shape.Elements);

    /// <summary>Opens base and adapter of a case.</summary>
    /// <param name="golden">The case.</param>
    /// <param name="device">The device's name.</param>
    /// <param name="flat">True: a prefix stands by its saved keys and values, as PEFT loads it for inference; false: with the encoder that it is trained through.</param>
    /// <exception cref="NotSupportedException">The method, a setting of it, or the base is not built.</exception>
    public static CaseMethod Open(AdapterCase golden, string device, bool flat = false)
    {
        AdapterFolder? files = Files(golden);
        try
        {
            IMethod? attached = null;
            List<string> beyond = [];
            ModelOnDevice model;
            try
            {
                model = ModelOnDevice.Open(golden.BaseFolder, device, m =>
                {
                    attached = files switch
                    {
                        null => BitFit.Attach(m, new BitFitConfig()),

                        // The library ran in evaluation mode, in training too: nothing is dropped.
                        { PeftType: BottleneckConfig.PeftType } => Bottleneck.Attach(m, BottleneckConfigJson.Read(files.Config, beyond) with { Dropout = 0, StochasticDepth = 0 }),
                        _ => AdapterMethods.Attach(m, m.ModelType, files.Config, beyond.Add, training: !flat),
                    };
                    return attached.Trainable;
                });
            }
            catch (MethodException e)
            {
                throw new NotSupportedException(e.Message, e);
            }

            if (beyond.Count > 0)
                throw new NotSupportedException(string.Join(", ", beyond));
            if (files is not null && attached!.Load(model.Device, files) is [var extra, ..])
                throw new InvalidDataException($"{files.Location}: the adapter has no place for {extra}");
            model.MarkAllLoaded();
            return new CaseMethod(model, attached!, files);
        }
        catch
        {
            files?.Dispose();
            throw;
        }
    }

    /// <summary>The parameter behind a name of the case's optimizer.</summary>
    public Parameter? ParameterOf(string name) => byName.GetValueOrDefault(name);

    /// <summary>The name of a parameter's gradient.</summary>
    public string NameOf(Parameter parameter) => nameOf[parameter];

    /// <summary>A run's gradients, of a parameter with several names under each of them.</summary>
    public ComputedRun WithAllNames(ComputedRun run)
    {
        var gradients = run.Gradients.ToDictionary(StringComparer.Ordinal);
        foreach (var (name, parameter) in byName)
            if (gradients.TryGetValue(nameOf[parameter], out var gradient))
                gradients[name] = gradient;
        return run with { Gradients = gradients };
    }

    /// <summary>The weights that merging changes.</summary>
    public IEnumerable<(Parameter Base, float[] Merged)> Merged()
    {
        IEnumerable<(Parameter Base, float[] Merged)> changed = Method switch
        {
            Lora lora => lora.Merged(),
            Ia3 ia3 => ia3.Merged(),
            TrainableTokens tokens => tokens.Merged(),
            _ => [],
        };
        return changed.Concat(Method.Trainable.Where(Model.Keys.ContainsKey).Select(p => (p, Array.ConvertAll(ModelOnDevice.Numbers(p).Values, v => (float)v))));
    }

    /// <summary>What would be saved, read back from the file's bytes.</summary>
    public Dictionary<string, ComputedTensor> Saved() => AdaptersFamily.ReadBack(ToSave());

    /// <summary>A prefix's encoder as it would be saved beside the adapter; empty for other methods.</summary>
    public Dictionary<string, ComputedTensor> SavedEncoder() => Method is PrefixTuning prefix ? AdaptersFamily.ReadBack(prefix.Tensors.ToSave()) : [];

    public void Dispose()
    {
        Model.Dispose();
        files?.Dispose();
    }

    private static AdapterFolder? Files(AdapterCase golden)
    {
        switch (golden.Kind)
        {
            case "bitfit":
                return null;
            case "bottleneck":
                return AdapterFolder.Open(golden.Folder);
            case "adapter":
                string method = golden.Json.GetProperty("method").GetString()!;
                if (!AdapterMethods.PeftTypes.Contains(method))
                    throw new NotSupportedException(method);
                AdapterFolder files = AdapterFolder.Open(golden.Folder);
                // Its random choice of directions is not in the file, and training would need it; the passes alone would not show that.
                if (files.Config.Has("init_lora_weights") && files.Config.Root.GetProperty("init_lora_weights").ToString() == "eva")
                {
                    files.Dispose();
                    throw new NotSupportedException("init_lora_weights eva");
                }
                return files;
            default:
                throw new NotSupportedException($"kind {golden.Kind}");
        }
    }

    private IEnumerable<TensorToSave> ToSave() => Method switch
    {
        Lora lora => lora.ToSave(),
        PrefixTuning prefix => prefix.ToSave(),
        _ => TensorsOf(Method)!.ToSave(),
    };

    private static AdapterTensors? TensorsOf(IMethod method) => method switch
    {
        Ia3 ia3 => ia3.Tensors,
        BitFit bitFit => bitFit.Tensors,
        Bottleneck bottleneck => bottleneck.Tensors,
        PromptTuning prompt => prompt.Tensors,
        TrainableTokens tokens => tokens.Tensors,
        _ => null,
    };

    // Encoders of prompts go by their own names, the others by those of the saved file (a parameter with two names by that of the model's own tree).
    private static Dictionary<string, Parameter> Names(IMethod method) => method switch
    {
        Lora lora => lora.Tensors.ToDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal),
        PrefixTuning prefix => prefix.Tensors.Parameters.Select(p => KeyValuePair.Create(p.Path, p)).Concat(prefix.Whole.ByName).ToDictionary(StringComparer.Ordinal),
        PromptTuning prompt => prompt.Tensors.ByName.ToDictionary(t => t.Value == prompt.Embedding ? t.Value.Path : t.Key, t => t.Value, StringComparer.Ordinal),
        Bottleneck bottleneck => bottleneck.Tensors.Parameters.ToDictionary(p => p.Path, StringComparer.Ordinal),
        _ => TensorsOf(method)!.ByName.ToDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal),
    };
}
