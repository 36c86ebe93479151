using System.Globalization;
using System.Text;

namespace KernelTune.Checkpoints;

/// <summary>
/// A weights file, a model folder or an adapter is not what it should be. The message is one line: the file, the byte or the tensor,
/// what was found and what was wanted.
/// </summary>
public class CheckpointException : Exception
{
    /// <param name="file">The file or folder, as the user named it.</param>
    /// <param name="problem">What was found and what was wanted, without a full stop.</param>
    /// <param name="offset">The byte in the file where it was found.</param>
    /// <param name="tensor">The tensor (or the key) that is concerned.</param>
    /// <param name="inner">What the runtime said, if it said anything.</param>
    public CheckpointException(string file, string problem, long? offset = null, string? tensor = null, Exception? inner = null)
        : base(Compose(file, problem, offset, tensor), inner)
    {
        File = file;
        Offset = offset;
        Tensor = tensor;
    }

    /// <summary>The file or folder that is at fault.</summary>
    public string File { get; }

    /// <summary>The byte in the file, where one can be named.</summary>
    public long? Offset { get; }

    /// <summary>The tensor or key concerned, where one can be named.</summary>
    public string? Tensor { get; }

    /// <summary>
    /// <paramref name="text"/> in quotation marks, on one line: control characters are escaped and the middle of a long text is left out,
    /// because names come from files and end on a terminal.
    /// </summary>
    public static string Quote(string text)
    {
        const int most = 120;
        var line = new StringBuilder(Math.Min(text.Length, most) + 8).Append('"');
        for (var i = 0; i < text.Length; i++)
        {
            if (text.Length > most && i == most / 2)
            {
                line.Append('…');
                i = text.Length - (most / 2);
            }

            var c = text[i];
            if (c is '"' or '\\')
                line.Append('\\').Append(c);
            else if (char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029')
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                line.Append(c);
        }

        return line.Append('"').ToString();
    }

    private static string Compose(string file, string problem, long? offset, string? tensor)
    {
        var line = new StringBuilder(OneLine(file));
        if (offset is { } at)
            line.Append(CultureInfo.InvariantCulture, $", byte {at}");
        if (tensor is not null)
            line.Append(", tensor ").Append(Quote(tensor));
        return line.Append(": ").Append(problem).ToString();
    }

    private static string OneLine(string path) => path.Any(char.IsControl) ? Quote(path) : path;
}
