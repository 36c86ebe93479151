namespace KernelTune.Data.Tests.Labelling;

/// <summary>FAULTS 42: labels that are no class.</summary>
public class LabelTableTests
{
    private static readonly LabelTable Three = LabelTable.Of(["neg", "neutral", "pos"]);

    [TestCase("-1", "f: line 7: label -1 was found, 0 to 2 wanted")]
    [TestCase("3", "f: line 7: label 3 was found, 0 to 2 wanted")]
    [TestCase("good", "f: line 7: label good was found, one of neg, neutral, pos wanted")]
    [TestCase("1.0", "f: line 7: label 1.0 was found, one of neg, neutral, pos wanted")]
    public void Fault42_ALabelThatIsNoClassIsNamed(string label, string message) =>
        Assert.That(() => Three.Number(label, "f", 7), Throws.TypeOf<DataException>().With.Message.EqualTo(message));

    [Test]
    public void NamesAndNumbersAreClasses() => Assert.That((Three.Number("pos", "f", 1), Three.Number("0", "f", 1)), Is.EqualTo((2, 0)));

    private static LabelTable From(params string[] labels) => LabelTable.From(labels.Select((l, i) => new ClassificationExample(i + 1, "t", null, l)), "f");

    [Test]
    public void ClassesAreToldFromTheLabels()
    {
        Assert.That(From("2", "0").Names, Is.EqualTo(new[] { "0", "1", "2" }));
        Assert.That(From("pos", "neg", "pos").Names, Is.EqualTo(new[] { "neg", "pos" }));
        Assert.That(() => From("1", "-1"), Throws.TypeOf<DataException>().With.Message.EqualTo("f: line 2: label -1 was found, 0 or more wanted"));
        Assert.That(() => From("99999999999"), Throws.TypeOf<DataException>().With.Message.EqualTo("f: line 1: label 99999999999 was found, less than 1000000 wanted"));
    }
}
