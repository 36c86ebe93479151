using KernelTune.Text.Unicode;

namespace KernelTune.Text.Tests.Unicode;

/// <summary>Conformance of the normalization forms (UAX #15).</summary>
public class NormalizationTests
{
    private static string Text(List<Change> changes) => string.Concat(changes.Select(c => char.ConvertFromUtf32(c.CodePoint)));

    [TestCase("\u1E0B\u0323", "\u1E0D\u0307", "d\u0323\u0307")]
    [TestCase("\uAC01\u1100\u1161\u11A8", "\uAC01\uAC01", "\u1100\u1161\u11A8\u1100\u1161\u11A8")]
    [TestCase("\u0344", "\u0308\u0301", "\u0308\u0301")]
    [TestCase("\u0958", "\u0915\u093C", "\u0915\u093C")]
    [TestCase("\u1100\uAC00\u11A8", "\u1100\uAC01", "\u1100\u1100\u1161\u11A8")]
    [TestCase("\U0001D15E", "\U0001D157\U0001D165", "\U0001D157\U0001D165")]
    [TestCase("a\u0300\u0323", "\u1EA1\u0300", "a\u0323\u0300")]
    public void Canonical_forms(string text, string composed, string decomposed)
    {
        Assert.That(Text(Normalization.Compose(text, compatible: false)), Is.EqualTo(composed));
        Assert.That(Text(Normalization.Decompose(text, compatible: false)), Is.EqualTo(decomposed));
    }

    [TestCase("ﬃ²Å①ﷺ", "ffi2Å1صلى الله عليه وسلم")]
    public void Compatibility_form(string text, string composed) => Assert.That(Text(Normalization.Compose(text, compatible: true)), Is.EqualTo(composed));

    [Test]
    public void Forms_are_stable_and_meet_for_every_code_point()
    {
        for (int c = 0; c < 0x110000; c++)
        {
            if (c is >= 0xD800 and < 0xE000) continue;
            string text = "a" + char.ConvertFromUtf32(c) + "\u0323\u0301";
            string d = Text(Normalization.Decompose(text, false)), n = Text(Normalization.Compose(text, false));
            if (Text(Normalization.Compose(d, false)) != n) Assert.Fail($"U+{c:X4}: NFC(NFD(x)) differs from NFC(x)");
            if (Text(Normalization.Decompose(n, false)) != d) Assert.Fail($"U+{c:X4}: NFD(NFC(x)) differs from NFD(x)");
            if (c == 0x1000) c = 0x1C00;
            if (c == 0x4000) c = 0xABFF;
            if (c == 0xAFFF) c = 0xF8FF;
            if (c == 0x1E000) c = 0x2F7FF;
            if (c == 0x2FA20) break;
        }
    }

    [Test]
    public void Lower_case_is_by_code_point()
    {
        int Lower(int c) => CaseMapping.ToLower(c, out _);
        Assert.That((Lower('Σ'), Lower('ẞ'), Lower('\u212A'), Lower('ǅ'), Lower(0x10400), Lower('ı')), Is.EqualTo((0x3C3, 0xDF, (int)'k', 0x1C6, 0x10428, 0x131)));
        Assert.That((CaseMapping.ToLower('İ', out int dot), dot), Is.EqualTo(((int)'i', 0x307)));
    }

    [Test]
    public void Older_parts_keep_to_the_versions_they_were_built_on()
    {
        Assert.That((EarlierUnicode.IsMark9(0x301), EarlierUnicode.IsMark9(0x1CF2), EarlierUnicode.IsMark9(0xAFA)), Is.EqualTo((true, true, false)));
        Assert.That((EarlierUnicode.IsPunctuation8('$'), EarlierUnicode.IsPunctuation8('。'), EarlierUnicode.IsPunctuation8(0x2E43)), Is.EqualTo((true, true, false)));
        Assert.That((EarlierUnicode.Script9('a'), EarlierUnicode.Script9('漢'), EarlierUnicode.Script9(0x20BF)), Is.EqualTo(("Latin", "Han", (string?)null)));
        Assert.That(Text(Normalization.Decompose(char.ConvertFromUtf32(0x11938), compatible: false)), Is.EqualTo(char.ConvertFromUtf32(0x11938)), "version 13");
        Assert.That((Scripts.Of(0x31350), Scripts.Of('я'), Scripts.Of(0x378)), Is.EqualTo(("Han", "Cyrillic", (string?)null)));
    }
}
