using System.Text;
using KernelTune.Text;
using KernelTune.Text.Chat;
using Microsoft.ML.Tokenizers;
using AnyTokenizer = Microsoft.ML.Tokenizers.Tokenizer;
using Tokenizer = KernelTune.Text.Tokenizer;

namespace KernelTune.Data.Tests.Preparing;

public class EcosystemEncoderTests
{
    private static readonly string[] Words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ete", "the", "##se", ",", "[", "]", "pad", "é"];

    private static EcosystemEncoder Bert(bool lowercase)
    {
        using var vocabulary = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', Words)));
        return new EcosystemEncoder(BertTokenizer.Create(vocabulary, new BertOptions { LowerCaseBeforeTokenization = lowercase, RemoveNonSpacingMarks = lowercase }), 0, null, ["[PAD]", "[SEP]"]);
    }

    [Test]
    public void A_tokenizer_of_the_package_encodes_for_the_trainer()
    {
        EncodedText encoded = Bert(lowercase: true).Encode("🀄 The, THESE", addSpecialTokens: true, []);
        Assert.That(encoded.Ids, Is.EqualTo(new[] { 2, 6, 8, 6, 7, 3 }));
        Assert.That(encoded.Offsets, Is.EqualTo(new[] { (0, 0), (2, 5), (5, 6), (7, 10), (10, 12), (0, 0) }), "code points of the text as it came");
        Assert.That(Bert(lowercase: true).Encode("the", addSpecialTokens: false, []).Ids, Is.EqualTo(new[] { 6 }));
    }

    [Test]
    public void What_a_user_wrote_is_no_special_token()
    {
        EcosystemEncoder encoder = Bert(lowercase: true);
        Assert.That(encoder.Encode("the[PAD]the", false, []).Ids, Has.Some.EqualTo(0));
        EncodedText user = encoder.Encode("the[PAD]the", false, [new TextSpan(0, 11)]);
        Assert.That(user.Ids, Is.EqualTo(new[] { 6, 9, 11, 10, 6 }));
        Assert.That(user.Offsets, Is.EqualTo(new[] { (0, 3), (3, 4), (4, 7), (7, 8), (8, 11) }));
    }

    private static BpeTokenizer Bytes() => BpeTokenizer.Create(new BpeOptions(
        [.. Enumerable.Range(0, 256).Select(b => KeyValuePair.Create(Printable(b).ToString(), b)), KeyValuePair.Create("<s>", 256), KeyValuePair.Create("</s>", 257)])
    {
        ByteLevel = true, Merges = [], BeginningOfSentenceToken = "<s>", EndOfSentenceToken = "</s>", SpecialTokens = new Dictionary<string, int> { ["<s>"] = 256, ["</s>"] = 257 },
        PreTokenizer = new RegexPreTokenizer(new System.Text.RegularExpressions.Regex(".+", System.Text.RegularExpressions.RegexOptions.Singleline), new Dictionary<string, int> { ["<s>"] = 256, ["</s>"] = 257 }),
    });

    private static char Printable(int b)
    {
        static bool Own(int c) => c is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
        return (char)(Own(b) ? b : 256 + Enumerable.Range(0, b).Count(c => !Own(c)));
    }

    /// <summary>Each byte of a character covers the whole of it, beyond the BMP too.</summary>
    [Test]
    public void Tokens_of_single_bytes_cover_their_character()
    {
        var encoder = new EcosystemEncoder(Bytes(), 257, "</s>", ["<s>", "</s>"]);
        EncodedText encoded = encoder.Encode("🀄aé", addSpecialTokens: true, []);
        Assert.That(encoded.Ids, Is.EqualTo(new[] { 256, 0xF0, 0x9F, 0x80, 0x84, 'a', 0xC3, 0xA9, 257 }));
        Assert.That(encoded.Offsets, Is.EqualTo(new[] { (0, 0), (0, 1), (0, 1), (0, 1), (0, 1), (1, 2), (2, 3), (2, 3), (0, 0) }));
        Assert.That((encoded.TokenAt(0), encoded.TokenAt(1), encoded.TokenAt(2), encoded.TokenAt(3)), Is.EqualTo((1, 5, 6, -1)));
    }

    [Test]
    public void Tokens_that_are_put_in_stand_once_around_the_whole()
    {
        var encoder = new EcosystemEncoder(Bytes(), 257, "</s>", ["<s>", "</s>"]);
        Assert.That(encoder.Encode("a</s>", addSpecialTokens: true, []).Ids, Is.EqualTo(new[] { 256, 'a', 257, 257 }));
        EncodedText user = encoder.Encode("a</s>b", addSpecialTokens: true, [new TextSpan(1, 5)]);
        Assert.That(user.Ids, Is.EqualTo(new[] { 256, 'a', '<', '/', 's', '>', 'b', 257 }), "what a user wrote, in two parts");
        Assert.That(user.Offsets, Is.EqualTo(new[] { (0, 0), (0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (0, 0) }));
        Assert.That(encoder.Encode("a", addSpecialTokens: false, []).Ids, Is.EqualTo(new int[] { 'a' }));
        Assert.That(encoder.Encode("", addSpecialTokens: true, []).Ids, Is.EqualTo(new[] { 256, 257 }));
        Assert.That(encoder.Encode("", addSpecialTokens: false, []).Ids, Is.Empty);
        Assert.That(Bert(lowercase: true).Encode("", addSpecialTokens: true, []).Ids, Is.EqualTo(new[] { 2, 3 }));
    }

    /// <summary>Our own tokenizer, as any other of its type: the same ids and places as it gives itself.</summary>
    [TestCase("gpt2")]
    [TestCase("bert_uncased")]
    [TestCase("llama2")]
    [TestCase("t5")]
    [TestCase("xlnet")]
    public void Ours_is_one_of_them(string name)
    {
        Tokenizer ours = Tokenizer.Load(Golden.SharedFolders.Goldens(Path.Combine("tokenizers", name)));
        foreach (string text in new[] { "The hat, 🀄 and é.", "", "a", " 2  spaces " })
        {
            foreach (bool special in new[] { true, false })
            {
                EncodedText wanted = new TokenizerEncoder(ours).Encode(text, special, []), found = new EcosystemEncoder(ours, 0).Encode(text, special, []);
                Assert.That(found.Ids, Is.EqualTo(wanted.Ids), text);
                Assert.That(found.Offsets, Is.EqualTo(wanted.Offsets), text);
            }
        }
    }

    [Test]
    public void What_cannot_be_used_is_refused()
    {
        Assert.That(() => new EcosystemEncoder(null!, 0), Throws.ArgumentNullException);
        Assert.That(() => new EcosystemEncoder(Bytes(), -1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new EcosystemEncoder(Bytes(), 0, ""), Throws.ArgumentException.With.Message.StartsWith("the text of the end token is empty"));
        Assert.That(() => new EcosystemEncoder(Bytes(), 0, null, [""]), Throws.ArgumentException.With.Message.StartsWith("the text of a special token is empty"));
        var encoder = new EcosystemEncoder(new Misplaced(), 0);
        Assert.That(() => encoder.Encode("beyond", true, []), Throws.TypeOf<TokenizerException>().With.Message.EqualTo("tokenizer: it tells the place 0 to 9 of a token in \"beyond\", which has 6 characters"));
        Assert.That(() => encoder.Encode("ligature ﬁ", true, []), Throws.TypeOf<TokenizerException>()
            .With.Message.EqualTo("tokenizer: it normalizes \"ligature ﬁ\" to \"ligature fi\", in which places cannot be followed back"));
    }

    private sealed class Misplaced : AnyTokenizer
    {
        public override System.Buffers.OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten) => throw new NotSupportedException();

        protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        {
            bool beyond = text == "beyond";
            return new EncodeResults<EncodedToken>
            {
                Tokens = [new EncodedToken(0, "x", beyond ? new Range(0, 9) : new Range(0, 1))], NormalizedText = beyond ? null : text!.Replace("ﬁ", "fi", StringComparison.Ordinal), CharsConsumed = text!.Length,
            };
        }
    }
}
