namespace KernelTune.Text;

/// <summary>A tokenizer that cannot be read, or a text that it cannot encode: which file, where in it, what came and what was wanted.</summary>
public class TokenizerException : Exception
{
    /// <param name="file">The file or other source, as the caller named it.</param>
    /// <param name="location">The key in the file ("model.merges[3]") or the place in a text; empty where none applies.</param>
    /// <param name="problem">What was found and what was wanted.</param>
    /// <param name="inner">What raised it, if anything did.</param>
    public TokenizerException(string file, string location, string problem, Exception? inner = null)
        : base(location.Length == 0 ? $"{file}: {problem}" : $"{file}: {location}: {problem}", inner)
    {
        File = file;
        Location = location;
        Problem = problem;
    }

    /// <summary>The file or other source.</summary>
    public string File { get; }

    /// <summary>The key in the file, or empty.</summary>
    public string Location { get; }

    /// <summary>What was found and what was wanted, without the place.</summary>
    public string Problem { get; }
}

/// <summary>A tokenizer of a kind that is well known but not built in.</summary>
public sealed class TokenizerNotSupportedException(string file, string location, string problem) : TokenizerException(file, location, problem);
