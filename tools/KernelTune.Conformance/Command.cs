using System.Globalization;
using System.Text.RegularExpressions;

namespace KernelTune.Conformance;

/// <summary>The tool's command line: <c>FOLDER… [--device NAME[,NAME]] [--filter REGEX] [--list FILE]</c>.</summary>
public static class Command
{
    private const string Usage = """
        usage: KernelTune.Conformance FOLDER… [--device NAME] [--filter REGEX] [--list FILE]
          FOLDER    laid out like shared/goldens; also one family's folder, or one case
          --device  reference, cpu, simulated, opencl, cuda … (default: cpu); several with commas
          --filter  runs only the cases whose family/case the expression matches
          --list    the cases known to be unsupported (default: the file beside the tool)
        """;

    /// <summary>Runs what <paramref name="arguments"/> ask for.</summary>
    /// <returns>0: nothing failed; 1: something did; 2: the arguments are wrong, or nothing was found to run.</returns>
    public static int Run(IReadOnlyList<string> arguments, IReadOnlyList<IFamily> families, TextWriter output, TextWriter errors)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(errors);

        List<string> folders = [];
        List<string> devices = [];
        Regex? filter = null;
        string list = Path.Combine(AppContext.BaseDirectory, "unsupported.txt");
        try
        {
            for (int i = 0; i < arguments.Count; i++)
            {
                switch (arguments[i])
                {
                    case "--help" or "-h":
                        output.WriteLine(Usage);
                        return 0;
                    case "--device":
                        devices.AddRange(Value(arguments, ref i).Split(',', StringSplitOptions.RemoveEmptyEntries));
                        break;
                    case "--filter":
                        filter = new Regex(Value(arguments, ref i), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
                        break;
                    case "--list":
                        list = Value(arguments, ref i);
                        break;
                    case ['-', ..] option:
                        throw new UsageException($"unknown option {option}");
                    case var folder:
                        if (!Directory.Exists(folder) && !File.Exists(folder))
                            throw new UsageException($"{folder}: no such folder");
                        folders.Add(folder);
                        break;
                }
            }
            if (folders.Count == 0) throw new UsageException("no folder given");
            if (devices.Count == 0) devices.Add("cpu");

            var report = new Report(output, UnsupportedList.Read(list), showDevice: devices.Count > 1);
            foreach (string folder in folders)
                foreach (GoldenCase golden in Walk.Cases(folder, families, filter))
                    foreach (string device in golden.UsesDevice ? devices : devices.Take(1))
                        foreach (Finding finding in golden.Run(device))
                            report.Add(golden, device, finding);

            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Passed} passed, {report.Failed} failed, {report.Unsupported} unsupported"));
            if (report.Passed + report.Failed + report.Unsupported == 0)
            {
                errors.WriteLine("no case was found");
                return 2;
            }
            return report.Failed > 0 ? 1 : 0;
        }
        catch (Exception e) when (e is UsageException or RegexParseException)
        {
            errors.WriteLine(e.Message);
            errors.WriteLine(Usage);
            return 2;
        }
    }

    private static string Value(IReadOnlyList<string> arguments, ref int i) =>
        ++i < arguments.Count ? arguments[i] : throw new UsageException($"{arguments[i - 1]} needs a value");
}

/// <summary>The command line, or the list of unsupported cases, is not as it must be.</summary>
public sealed class UsageException(string message) : Exception(message);
