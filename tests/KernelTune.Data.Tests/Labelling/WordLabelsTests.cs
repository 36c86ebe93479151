namespace KernelTune.Data.Tests.Labelling;

public class WordLabelsTests
{
    [Test]
    public void BeginningsGoOnAsInsidesWhereThereAreSome() =>
        Assert.That(WordLabels.InsideOf(["O", "I-PER", "B-PER", "B-LOC", "B-ORG", "I-ORG"]), Is.EqualTo(new[] { 0, 1, 1, 3, 5, 5 }));

    [Test]
    public void AWordWithoutALabelIsRefused() =>
        Assert.That(() => WordLabels.Spread([-1, 0, 1], [4], WordLabelling.First), Throws.ArgumentException.With.Message.StartsWith("token 2 is of word 1, and 1 words have labels"));

    [Test]
    public void AWordThatComesTwiceInARowIsOneWordAndASecondTimeIsAnother() =>
        Assert.That(WordLabels.Spread([0, 0, -1, 1, 1, -1], [3, 0], WordLabelling.First), Is.EqualTo(new[] { 3, -100, -100, 0, -100, -100 }));
}
