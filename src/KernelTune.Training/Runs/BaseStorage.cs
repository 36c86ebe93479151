using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;
using KernelTune.Modules;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Runs;

/// <summary>Decides how each frozen weight of a base is kept, before anything is loaded or foreseen.</summary>
public static class BaseStorage
{
    /// <summary>Marks the frozen matrices of a model.</summary>
    /// <param name="model">The model, with its method attached.</param>
    /// <param name="settings">The recipe's; null: fp32, except that a base which comes in 4 bits stays so.</param>
    /// <param name="source">The base's weights; null: it is drawn at random.</param>
    public static void Mark(IPretrainedModel model, QuantizationSettings? settings, IWeightSource? source)
    {
        var linear = model.Root.Tree().OfType<Linear>().Select(l => l.Weight).Where(w => !ReferenceEquals(w, model.Head.Weight)).ToHashSet();
        foreach (var parameter in model.Root.BaseParameters())
        {
            if (!parameter.Trainable && parameter.Packable)
                parameter.Storage = Of(model, parameter, linear.Contains(parameter), settings, source);
        }
    }

    private static PanelStorage? Of(IPretrainedModel model, Parameter parameter, bool isLinear, QuantizationSettings? settings, IWeightSource? source)
    {
        if (settings is null or { Type: BaseStorageKind.File } && source is not null && KeyOf(model, parameter, source) is var key && ResizedTables.Stored(source, key) is BitsAndBytesWeights bits && bits.FormOf(key) is { } form)
            return new FourBitStorage(form.Type, form.BlockSize, form.NestedOffset is not null, form.Original);
        return settings?.Type switch
        {
            BaseStorageKind.Nf4 or BaseStorageKind.Fp4 => isLinear
                ? new FourBitStorage(settings.Type == BaseStorageKind.Nf4 ? FourBitType.Nf4 : FourBitType.Fp4, settings.BlockSize, settings.IsDouble)
                : null,
            BaseStorageKind.BFloat16 => new HalfStorage(DType.BF16),
            BaseStorageKind.Float16 => new HalfStorage(DType.F16),
            BaseStorageKind.File when source is not null && source.TryGet(KeyOf(model, parameter, source), out var info) => AsStored(parameter, info.Format),
            _ => null,
        };
    }

    private static string KeyOf(IPretrainedModel model, Parameter parameter, IWeightSource source) =>
        model.CheckpointKeys(parameter).FirstOrDefault(k => source.TryGet(k, out _)) ?? parameter.Path;

    private static PanelStorage? AsStored(Parameter parameter, WeightFormat format) => format.Scalar switch
    {
        DType.BF16 or DType.F16 => new HalfStorage(format.Scalar.Value),
        null when format.CanDecode && !parameter.IsTransposed => new BlockStorage(format.Name, format),
        _ => null,
    };
}
