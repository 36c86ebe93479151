namespace KernelTune.Conformance;

/// <summary>What came of one case, or of one part of it.</summary>
public enum Outcome
{
    Pass,
    Fail,
    Unsupported,
}

/// <summary>One line of the report. <paramref name="Part"/> is empty for the case as a whole, or names a part of it ("beams").</summary>
/// <param name="Part">Empty, or the part's name: the line is then called family/case#part.</param>
/// <param name="Outcome">pass, fail or unsupported.</param>
/// <param name="Detail">Worst tensor, error and allowed error; or what failed; or why it is not supported.</param>
public readonly record struct Finding(string Part, Outcome Outcome, string Detail);

/// <summary>One family of goldens: it finds its cases by listing a folder and runs one of them by the checks of the family's page.</summary>
public interface IFamily
{
    /// <summary>The name of the family's folder below the goldens, such as "tokenizers".</summary>
    string Name { get; }

    /// <summary>False where no arithmetic of a device is involved: such a family runs once, whatever the device.</summary>
    bool UsesDevice { get; }

    /// <summary>The names of the cases in <paramref name="folder"/>, found by listing it, in ordinal order.</summary>
    IEnumerable<string> Cases(string folder);

    /// <summary>Runs the case <paramref name="name"/> of <paramref name="folder"/> on <paramref name="device"/> ("reference", "cpu" …).</summary>
    IEnumerable<Finding> Run(string folder, string name, string device);
}
