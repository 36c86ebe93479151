using System.Globalization;

namespace KernelTune.Bench;

/// <summary>The words behind a benchmark's name: "--model gpt2 --batch 8".</summary>
internal sealed class Options(string[] args)
{
    /// <summary>The word behind a name; <paramref name="absent"/> where the name is not there.</summary>
    public string Word(string name, string absent) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : absent;

    public int Number(string name, int absent) => int.Parse(Word(name, absent.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

    public bool Has(string name) => Array.IndexOf(args, name) >= 0;
}
