namespace KernelTune.Conformance.Tests;

/// <summary>The tool's own promises, shown on families that exist only here.</summary>
public sealed class CommandTests
{
    private string _folder = "";

    [SetUp]
    public void Make_goldens()
    {
        _folder = Directory.CreateTempSubdirectory("goldens").FullName;
        foreach (string entry in (string[])["first/a", "first/b", "second/x", "third/y", "generator/z"])
            Directory.CreateDirectory(Path.Combine(_folder, entry));
        File.WriteAllText(Path.Combine(_folder, "README.md"), "a page");
        File.WriteAllText(Path.Combine(_folder, "third", "README.md"), "a page");
        File.WriteAllText(Path.Combine(_folder, "third", "one.json"), "{}");
    }

    [TearDown]
    public void Remove_goldens() => Directory.Delete(_folder, recursive: true);

    private static readonly Func<string, string, Finding[]> AllPass = (name, device) => [new("", Outcome.Pass, $"{name} on {device}")];

    private (int Code, string[] Lines, string Errors) Run(string list, Func<string, string, Finding[]> first, params string[] arguments)
    {
        string path = Path.Combine(_folder, "list.txt");
        File.WriteAllText(path, list);
        using var output = new StringWriter();
        using var errors = new StringWriter();
        IFamily[] families = [new FakeFamily("first", true, first), new FakeFamily("second", false, AllPass)];
        int code = Command.Run([.. arguments, "--list", path], families, output, errors);
        return (code, output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries), errors.ToString());
    }

    [Test]
    public void Every_case_has_a_line_and_the_totals_come_last()
    {
        var (code, lines, _) = Run("third/*\n", AllPass, _folder, "--device", "reference");
        Assert.That(lines, Is.EqualTo(new[]
        {
            "pass  first/a  a on reference", "pass  first/b  b on reference", "pass  second/x  x on reference",
            "unsupported  third/one  family not built yet", "unsupported  third/y  family not built yet",
            "3 passed, 0 failed, 2 unsupported",
        }));
        Assert.That(code, Is.Zero);
    }

    [Test]
    public void A_failure_is_exit_1()
    {
        var (code, lines, _) = Run("", (name, _) => [new("", name == "a" ? Outcome.Fail : Outcome.Pass, "off by\none")], _folder, "--filter", "first/");
        Assert.That(lines, Is.EqualTo(new[] { "fail  first/a  off by one", "pass  first/b  off by one", "1 passed, 1 failed, 0 unsupported" }));
        Assert.That(code, Is.EqualTo(1));
    }

    [Test]
    public void An_exception_is_a_failure_of_its_case_only()
    {
        var (code, lines, _) = Run("", (name, _) => name == "a" ? throw new InvalidDataException("no such tensor") : [new("", Outcome.Pass, "")], _folder, "--filter", "first/");
        Assert.That(lines, Is.EqualTo(new[] { "fail  first/a  InvalidDataException: no such tensor", "pass  first/b", "1 passed, 1 failed, 0 unsupported" }));
        Assert.That(code, Is.EqualTo(1));
    }

    [Test]
    public void A_case_without_findings_fails()
    {
        var (_, lines, _) = Run("", (_, _) => [], _folder, "--filter", "first/a");
        Assert.That(lines[0], Is.EqualTo("fail  first/a  the family reported nothing about it"));
    }

    [Test]
    public void Unsupported_without_an_entry_fails()
    {
        var (code, lines, _) = Run("first/b # b is for later\n", (_, _) => [new("", Outcome.Unsupported, "beams")], _folder, "--filter", "first/");
        Assert.That(lines, Is.EqualTo(new[]
        {
            "fail  first/a  unsupported, and not on the list: beams", "unsupported  first/b  beams", "0 passed, 1 failed, 1 unsupported",
        }));
        Assert.That(code, Is.EqualTo(1));
    }

    [Test]
    public void An_entry_that_passes_fails()
    {
        var (code, lines, _) = Run("# reviewed\n\nfirst/a\n", AllPass, _folder, "--filter", "first/");
        Assert.That(lines[0], Is.EqualTo("fail  first/a  it passes: take it off the list of unsupported cases (line 3). a on cpu"));
        Assert.That(code, Is.EqualTo(1));
    }

    [Test]
    public void A_part_is_listed_by_its_name()
    {
        var (code, lines, _) = Run("first/a#beams\n", (_, _) => [new("", Outcome.Pass, ""), new("beams", Outcome.Unsupported, "later")], _folder, "--filter", "first/a");
        Assert.That(lines, Is.EqualTo(new[] { "pass  first/a", "unsupported  first/a#beams  later", "1 passed, 0 failed, 1 unsupported" }));
        Assert.That(code, Is.Zero);
    }

    [Test]
    public void An_entry_may_be_of_one_device()
    {
        var (code, lines, _) = Run("first/a @cpu\n", (name, device) => [new("", name == "a" && device == "cpu" ? Outcome.Unsupported : Outcome.Pass, "")],
            _folder, "--filter", "first/", "--device", "reference,cpu");
        Assert.That(lines, Is.EqualTo(new[]
        {
            "pass  first/a  reference:", "unsupported  first/a  cpu:", "pass  first/b  reference:", "pass  first/b  cpu:", "3 passed, 0 failed, 1 unsupported",
        }));
        Assert.That(code, Is.Zero);
    }

    [Test]
    public void A_family_without_a_device_runs_once()
    {
        var (_, lines, _) = Run("", AllPass, _folder, "--filter", "^second/", "--device", "reference,cpu");
        Assert.That(lines, Is.EqualTo(new[] { "pass  second/x  x on reference", "1 passed, 0 failed, 0 unsupported" }));
    }

    [TestCase("first", "2 passed, 0 failed, 0 unsupported")]
    [TestCase("first/b", "1 passed, 0 failed, 0 unsupported")]
    public void A_folder_may_be_a_family_or_a_case(string below, string totals)
    {
        var (code, lines, _) = Run("", AllPass, Path.Combine(_folder, below));
        Assert.That(lines[^1], Is.EqualTo(totals));
        Assert.That(code, Is.Zero);
    }

    [Test]
    public void Nothing_to_run_is_exit_2()
    {
        var (code, lines, errors) = Run("", AllPass, _folder, "--filter", "nothing");
        Assert.That(lines, Is.EqualTo(new[] { "0 passed, 0 failed, 0 unsupported" }));
        Assert.That(errors.Trim(), Is.EqualTo("no case was found"));
        Assert.That(code, Is.EqualTo(2));
    }

    [TestCase("--devices", "unknown option --devices")]
    [TestCase("--filter", "--filter needs a value")]
    [TestCase("nowhere", "nowhere: no such folder")]
    public void Bad_usage_is_exit_2(string argument, string message)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        int code = Command.Run([argument], [], output, errors);
        Assert.That(errors.ToString(), Does.StartWith(message));
        Assert.That(code, Is.EqualTo(2));
    }

    [Test]
    public void A_bad_expression_is_exit_2()
    {
        var (code, _, errors) = Run("", AllPass, _folder, "--filter", "(");
        Assert.That(errors, Does.Contain("Not enough )'s"));
        Assert.That(code, Is.EqualTo(2));
    }

    [Test]
    public void A_bad_line_of_the_list_is_named()
    {
        var (code, _, errors) = Run("first/a\nfirst b\n", AllPass, _folder);
        Assert.That(errors, Does.Contain("list.txt:2: found 'first b', wanted family/case[#part] [@device]"));
        Assert.That(code, Is.EqualTo(2));
    }

    private sealed class FakeFamily(string name, bool usesDevice, Func<string, string, Finding[]> run) : IFamily
    {
        public string Name => name;

        public bool UsesDevice => usesDevice;

        public IEnumerable<string> Cases(string folder) => Directory.EnumerateDirectories(folder).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal);

        public IEnumerable<Finding> Run(string folder, string name, string device) => run(name, device);
    }
}
