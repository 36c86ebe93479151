namespace KernelTune.Text.Patterns;

/// <summary>A regular expression that cannot be read or that takes too long. The part of the tokenizer that owns it adds file and key.</summary>
internal sealed class PatternException(string message) : Exception(message);
