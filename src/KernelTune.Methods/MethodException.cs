namespace KernelTune.Methods;

/// <summary>A fine-tuning method that cannot be put on a model as asked: settings that contradict each other, or that match nothing.</summary>
public sealed class MethodException(string message) : Exception(message);
