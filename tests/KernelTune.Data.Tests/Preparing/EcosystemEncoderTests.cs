using System.Text;
using KernelTune.Text.Chat;
using Microsoft.ML.Tokenizers;

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
}
