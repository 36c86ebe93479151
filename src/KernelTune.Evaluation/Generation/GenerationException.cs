namespace KernelTune.Evaluation.Generation;

/// <summary>A generation that cannot be run as asked: a setting out of its range, a prompt that does not fit, a kind of search that is not built.</summary>
public sealed class GenerationException(string message) : Exception(message);
