using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>A model as loading, saving and training see it, whatever it computes: a tree of modules with a configuration and names in a checkpoint.</summary>
public interface IPretrainedModel
{
    /// <summary>The tree; the model itself.</summary>
    Module Root { get; }

    /// <summary>The last layer: features to logits. Its weight may be shared with a table of embeddings.</summary>
    Linear Head { get; }

    /// <summary>The configuration it was built from.</summary>
    JsonSettings Config { get; }

    /// <summary>"LlamaForCausalLM" …</summary>
    string Architecture { get; }

    /// <summary>config.json's model_type.</summary>
    string ModelType { get; }

    /// <summary>Names under which a checkpoint may hold a parameter, the usual one first.</summary>
    IEnumerable<string> CheckpointKeys(Parameter parameter);

    /// <summary>Names in a checkpoint that are no weights of the model: buffers that older versions saved.</summary>
    bool IsKnownBuffer(string key);

    /// <summary>Second names of shared parameters (a tied head): a checkpoint that holds them must hold the same numbers there.</summary>
    IEnumerable<(Parameter Parameter, string Twin)> Twins { get; }

    /// <summary>What a configuration says of a shape that a checkpoint contradicts; null: nothing beyond the shape itself.</summary>
    string? ExplainShape(Parameter parameter, IReadOnlyList<long> found);

    /// <summary>How a parameter starts where nothing is loaded.</summary>
    FreshWeight Fresh(Parameter parameter);
}

/// <summary>How a weight starts: a constant, or a distribution around zero.</summary>
/// <param name="Constant">Every element; read where <paramref name="Deviation"/> and <paramref name="Bound"/> are 0.</param>
/// <param name="Deviation">Normal with this standard deviation; 0: not.</param>
/// <param name="Bound">Uniform in ± this; 0: not.</param>
public readonly record struct FreshWeight(double Constant, double Deviation, double Bound)
{
    public static FreshWeight Of(double constant) => new(constant, 0, 0);

    public static FreshWeight Normal(double deviation) => new(0, deviation, 0);

    public static FreshWeight Uniform(double bound) => new(0, 0, bound);
}
