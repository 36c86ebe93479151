namespace KernelTune.Conformance;

/// <summary>Prints a line a finding and counts them. What the list of unsupported cases says is held against what happened: an unsupported
/// finding that is not on it fails, and so does one that is on it and passes.</summary>
public sealed class Report(TextWriter output, UnsupportedList list, bool showDevice)
{
    public int Passed { get; private set; }

    public int Failed { get; private set; }

    public int Unsupported { get; private set; }

    public void Add(GoldenCase golden, string device, Finding finding)
    {
        ArgumentNullException.ThrowIfNull(golden);
        string key = finding.Part.Length == 0 ? golden.Path : $"{golden.Path}#{finding.Part}";
        finding = Judge(list, key, device, finding);
        switch (finding.Outcome)
        {
            case Outcome.Pass: Passed++; break;
            case Outcome.Unsupported: Unsupported++; break;
            default: Failed++; break;
        }
        string word = finding.Outcome switch { Outcome.Pass => "pass", Outcome.Unsupported => "unsupported", _ => "fail" };
        string where = showDevice && golden.UsesDevice ? $"{device}: " : "";
        output.WriteLine($"{word}  {key}  {where}{OneLine(finding.Detail)}".TrimEnd());
    }

    /// <summary>What <paramref name="finding"/> counts as, given the list.</summary>
    public static Finding Judge(UnsupportedList list, string key, string device, Finding finding)
    {
        ArgumentNullException.ThrowIfNull(list);
        int? listed = list.LineOf(key, device);
        return finding.Outcome switch
        {
            Outcome.Unsupported when listed is null => finding with { Outcome = Outcome.Fail, Detail = $"unsupported, and not on the list: {finding.Detail}" },
            Outcome.Pass when listed is int line =>
                finding with { Outcome = Outcome.Fail, Detail = $"it passes: take it off the list of unsupported cases (line {line}). {finding.Detail}" },
            _ => finding,
        };
    }

    private static string OneLine(string text) => string.Join(' ', text.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries));
}
