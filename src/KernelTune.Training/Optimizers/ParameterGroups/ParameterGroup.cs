namespace KernelTune.Training.Optimizers.ParameterGroups;

/// <summary>What grouping needs to know of a parameter that trains.</summary>
/// <param name="Name">Its name: the module path and the parameter's own name, such as "model.layers.0.input_layernorm.weight".</param>
/// <param name="Dimensions">The number of its dimensions.</param>
/// <param name="InLayerNorm">Whether it belongs to a LayerNorm (not to an RMSNorm: those are known by their names).</param>
public readonly record struct TrainableParameter(string Name, int Dimensions, bool InLayerNorm = false);

/// <summary>Parameters that share a learning rate and a weight decay.</summary>
/// <param name="Name">What the group is called in logs and checkpoints.</param>
/// <param name="LearningRate">The rate that the schedule multiplies.</param>
/// <param name="WeightDecay">The decay.</param>
/// <param name="Parameters">Names in the order in which they were given; empty groups are kept.</param>
public sealed record ParameterGroup(string Name, double LearningRate, double WeightDecay, IReadOnlyList<string> Parameters);
