using KernelTune.Conformance.Families;

namespace KernelTune.Conformance.Tests;

/// <summary>Every public case on both devices, a test each; the real models' cases are left to the tool itself: they take minutes.</summary>
public sealed class GoldenTests
{
    private static readonly UnsupportedList List = UnsupportedList.Read(Path.Combine(AppContext.BaseDirectory, "unsupported.txt"));

    private static IEnumerable<IFamily> Built => Registry.All.Where(f => f.Name != "real" && Directory.Exists(Path.Combine(Goldens.Folder, f.Name)));

    private static IEnumerable<string> DevicesOf(IFamily family) => family.UsesDevice ? ["reference", "cpu"] : ["cpu"];

    private static IEnumerable<GoldenCase> CasesOf(IFamily family)
    {
        string folder = Path.Combine(Goldens.Folder, family.Name);
        return family.Cases(folder).Select(name => new GoldenCase(family, folder, name));
    }

    private static IEnumerable<TestCaseData> Supported() =>
        from family in Built
        from device in DevicesOf(family)
        from golden in CasesOf(family)
        where List.LineOf(golden.Path, device) is null
        select new TestCaseData(golden, device).SetName($"{golden.Path} on {device}");

    private static IEnumerable<TestCaseData> Listed() =>
        from family in Built
        from device in DevicesOf(family)
        let cases = CasesOf(family).Where(c => List.LineOf(c.Path, device) is not null).ToArray()
        where cases.Length > 0
        select new TestCaseData(cases, device).SetName($"{family.Name}: what is listed as unsupported is unsupported on {device}");

    [OneTimeSetUp]
    public void Look_for_the_goldens()
    {
        if (!Goldens.Exist) Assert.Ignore($"{Goldens.Folder} is absent: no goldens to run");
    }

    [TestCaseSource(nameof(Supported))]
    public void Case(GoldenCase golden, string device) => Check(golden, device);

    [TestCaseSource(nameof(Listed))]
    public void List_holds(GoldenCase[] cases, string device)
    {
        using (Assert.EnterMultipleScope())
            foreach (GoldenCase golden in cases)
                Check(golden, device);
    }

    private static void Check(GoldenCase golden, string device)
    {
        foreach (Finding finding in golden.Run(device))
        {
            string key = finding.Part.Length == 0 ? golden.Path : $"{golden.Path}#{finding.Part}";
            Finding judged = Report.Judge(List, key, device, finding);
            Assert.That(judged.Outcome, Is.Not.EqualTo(Outcome.Fail), $"{key} on {device}: {judged.Detail}");
        }
    }
}
