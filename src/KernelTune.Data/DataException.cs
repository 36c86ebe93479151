using System.Globalization;

namespace KernelTune.Data;

/// <summary>A data file, or a line of it, that cannot be used. The message is one line: the file, where in it, what was found and what was wanted.</summary>
public sealed class DataException : Exception
{
    /// <param name="file">The file's path.</param>
    /// <param name="problem">What was found and what was wanted.</param>
    /// <param name="line">The line, from 1; 0 where the file as a whole is meant.</param>
    /// <param name="column">The column in code points, from 1; 0 where the line as a whole is meant.</param>
    /// <param name="inner">The cause, if there is one.</param>
    /// <param name="unit">What <paramref name="line"/> counts: "line", or "entry" of a JSON list, "row" of a table, "text" of a folder.</param>
    public DataException(string file, string problem, long line = 0, int column = 0, Exception? inner = null, string unit = "line")
        : base(Sentence(file, problem, line, column, unit), inner)
    {
        File = file;
        Problem = problem;
        Line = line;
        Column = column;
    }

    public string File { get; }

    public string Problem { get; }

    /// <summary>The line, or the number of the record, from 1; 0: the file as a whole.</summary>
    public long Line { get; }

    /// <summary>The column in code points, from 1; 0: the line as a whole.</summary>
    public int Column { get; }

    private static string Sentence(string file, string problem, long line, int column, string unit) => (line, column) switch
    {
        (0, _) => $"{file}: {problem}",
        (_, 0) => string.Create(CultureInfo.InvariantCulture, $"{file}: {unit} {line}: {problem}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{file}: {unit} {line}, column {column}: {problem}"),
    };
}
