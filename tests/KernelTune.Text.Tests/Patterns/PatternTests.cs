using KernelTune.Text.Patterns;

namespace KernelTune.Text.Tests.Patterns;

/// <summary>What Oniguruma matches (its document RE), in cases where other engines differ or that tokenizers use.</summary>
public class PatternTests
{
    private static string All(string pattern, string text)
    {
        var found = new List<string>();
        PatternScan scan = new Pattern(pattern).Scan(text);
        while (scan.Next()) found.Add(text[scan.Start..scan.End]);
        return string.Join('|', found);
    }

    [TestCase(@"\p{L}+", "a𝒳b 𐐀", ExpectedResult = "a𝒳b|𐐀", TestName = "letters beyond the basic plane")]
    [TestCase(@"[^\s\p{L}]", "𝒳😀 🀄", ExpectedResult = "😀|🀄", TestName = "one code point, not one unit")]
    [TestCase(@".{2}", "😀a😀b", ExpectedResult = "😀a|😀b", TestName = "a count of code points")]
    [TestCase(@"\s+(?!\S)|\s+", "a   b  ", ExpectedResult = "  | |  ", TestName = "look-ahead gives one space back")]
    [TestCase(@"(?i:'s|'re)", "'S 'ſ 'RE", ExpectedResult = "'S|'ſ|'RE", TestName = "case folding includes the long s")]
    [TestCase(@"(?i:k)", "kK\u212A", ExpectedResult = "k|K|\u212A", TestName = "and the Kelvin sign")]
    [TestCase(@"(?i:[^a])", "aAb", ExpectedResult = "b", TestName = "a negated class folds before it negates")]
    [TestCase(@"a(?i)b|c", "aB aC abab", ExpectedResult = "aB|aC|ab|ab", TestName = "a lone option takes the bars that follow")]
    [TestCase(@"^b$", "a\nb\nc", ExpectedResult = "b", TestName = "anchors are those of lines")]
    [TestCase(@"a.c", "a\nc abc", ExpectedResult = "abc", TestName = "the dot is no newline")]
    [TestCase(@"(?m:a.c)", "a\nc", ExpectedResult = "a\nc", TestName = "with m it is")]
    [TestCase(@"a++b", "aaab", ExpectedResult = "aaab", TestName = "possessive")]
    [TestCase(@"a++ab", "aaab", ExpectedResult = "", TestName = "possessive gives nothing back")]
    [TestCase(@"a{1,2}+", "aaaaa", ExpectedResult = "aaaaa", TestName = "an interval with a plus is repeated, not possessive")]
    [TestCase(@"(?>a|ab)c", "abc ac", ExpectedResult = "ac", TestName = "atomic")]
    [TestCase(@"a{,2}b", "aaab", ExpectedResult = "aab", TestName = "an interval without a start")]
    [TestCase(@"a{x}", "a{x}", ExpectedResult = "a{x}", TestName = "a brace that is no interval")]
    [TestCase(@"(?<=a|bc)d", "ad bcd cd", ExpectedResult = "d|d", TestName = "look-behind of several lengths")]
    [TestCase(@"(?<!\p{L})b", "ab b", ExpectedResult = "b", TestName = "negative look-behind")]
    [TestCase(@"[a-c&&[^b]]+", "abcab", ExpectedResult = "a|ca", TestName = "intersection")]
    [TestCase(@"[[:alpha:]]+|[[:^alpha:]]", "ab1", ExpectedResult = "ab|1", TestName = "POSIX names")]
    [TestCase(@"[]a]+", "a]b", ExpectedResult = "a]", TestName = "a bracket first is itself")]
    [TestCase(@"[\]a-]+", "a-]b", ExpectedResult = "a-]", TestName = "escapes and a hyphen at the end")]
    [TestCase(@"\x{1F600}|\u00e9|\x41", "😀éA", ExpectedResult = "😀|é|A", TestName = "code points by number")]
    [TestCase(@"\p{Han}+|\p{^Han}", "漢字a", ExpectedResult = "漢字|a", TestName = "scripts")]
    [TestCase(@"\P{L}+", "a12b", ExpectedResult = "12", TestName = "negated property")]
    [TestCase(@"\bfoo\b", "foo food foo", ExpectedResult = "foo|foo", TestName = "word boundaries")]
    [TestCase(@"\h+", "xyzAF09g", ExpectedResult = "AF09", TestName = "hexadecimal digits")]
    [TestCase(@"a*?b|a", "aab", ExpectedResult = "aab", TestName = "lazy")]
    [TestCase(@"(?:a|b)*?c", "abac", ExpectedResult = "abac", TestName = "a lazy group")]
    [TestCase(@"(?:a?)*b", "aab", ExpectedResult = "aab", TestName = "a loop whose round may be empty ends")]
    [TestCase(@"(?x) a b # and more", "ab", ExpectedResult = "ab", TestName = "extended")]
    [TestCase(@"x*", "axb", ExpectedResult = "|x|", TestName = "an empty match behind a match is none")]
    [TestCase(@"\Aa|a\z|b\Z", "aab\n", ExpectedResult = "a|b", TestName = "ends of the text")]
    [TestCase(@"(?<name>a)(?#note)b", "ab", ExpectedResult = "ab", TestName = "named groups and comments")]
    [TestCase(@"\w|[\W]", "²a¼", ExpectedResult = "²|a|¼", TestName = "outside brackets superscripts are word characters")]
    [TestCase(@"[\w]", "²a¼", ExpectedResult = "a", TestName = "inside they are not")]
    [TestCase(@"[[:punct:]]", "a+€!", ExpectedResult = "+|€|!", TestName = "POSIX punctuation takes in symbols")]
    [TestCase(@"\p{Punct}", "a+€!", ExpectedResult = "!", TestName = "the property does not")]
    [TestCase(@"(?i:\p{Lu})", "aB", ExpectedResult = "B", TestName = "a property alone does not fold")]
    [TestCase(@"(?i:[\p{Lu}])", "aB", ExpectedResult = "a|B", TestName = "in brackets it does")]
    [TestCase(@"[[:alpha:]]", "a\u0345\u0301Ⓐ", ExpectedResult = "a|\u0345|Ⓐ", TestName = "some marks are alphabetic")]
    public string Matches(string pattern, string text) => All(pattern, text);

    [TestCase("a.b*c[d](e)\\f$^|?+ #{}")]
    public void A_literal_matches_itself(string text)
    {
        PatternScan scan = Pattern.Literal(text).Scan("<" + text + ">");
        Assert.That(scan.Next(), Is.True);
        Assert.That((scan.Start, scan.End), Is.EqualTo((1, 1 + text.Length)));
    }

    [Test]
    public void Long_runs_take_linear_time()
    {
        string spaces = new(' ', 1_000_000);
        PatternScan scan = new Pattern(@"\s*[\r\n]+|\s+(?!\S)|\s+").Scan(spaces + "x");
        Assert.That(scan.Next(), Is.True);
        Assert.That(scan.End, Is.EqualTo(999_999));
    }
}
