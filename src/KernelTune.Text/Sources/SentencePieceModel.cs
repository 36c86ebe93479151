using System.Text;
using Google.Protobuf;

namespace KernelTune.Text.Sources;

/// <summary>What a piece of a SentencePiece model is.</summary>
internal enum PieceKind
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>One piece of a SentencePiece model.</summary>
internal readonly record struct SentencePiece(string Text, float Score, PieceKind Kind);

/// <summary>A SentencePiece model as its file has it (Kudo and Richardson, 2018; sentencepiece_model.proto): pieces, and those settings that matter to encoding.</summary>
internal sealed record SentencePieceModel
{
    public const int Unigram = 1, Bpe = 2;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public required IReadOnlyList<SentencePiece> Pieces { get; init; }

    public int ModelType { get; init; } = Unigram;

    public bool ByteFallback { get; init; }

    public int UnknownId { get; init; }

    public int BosId { get; init; } = 1;

    public int EosId { get; init; } = 2;

    public int PadId { get; init; } = -1;

    public byte[] CharacterMap { get; init; } = [];

    public bool AddDummyPrefix { get; init; } = true;

    public bool RemoveExtraWhitespaces { get; init; } = true;

    public string? TextOf(int id) => id >= 0 && id < Pieces.Count ? Pieces[id].Text : null;

    /// <exception cref="TokenizerException">The bytes are no such file: at which byte.</exception>
    public static SentencePieceModel Read(ReadOnlySpan<byte> bytes, string file)
    {
        var input = new CodedInputStream(bytes.ToArray());
        long at = 0;        // where the field under way begins
        try
        {
            var pieces = new List<SentencePiece>();
            var model = new SentencePieceModel { Pieces = pieces };
            for (uint tag = input.ReadTag(); tag != 0; at = input.Position, tag = input.ReadTag())
            {
                switch (WireFormat.GetTagFieldNumber(tag))
                {
                    case 1: pieces.Add(Piece(Part(input))); break;
                    case 2: model = Trainer(Part(input), model); break;
                    case 3: model = Normalizer(Part(input), model); break;
                    default: input.SkipLastField(); break;
                }
            }
            int broken = pieces.FindIndex(p => !float.IsFinite(p.Score));
            if (broken >= 0) throw new TokenizerException(file, $"pieces[{broken}]", "the score is not finite");
            return pieces.Count > 0 ? model : throw new TokenizerException(file, "", "there are no pieces: this is no SentencePiece model");
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or DecoderFallbackException)
        {
            throw new TokenizerException(file, $"the field at byte {at}", $"not a SentencePiece model: {e.Message}", e);
        }
    }

    private static CodedInputStream Part(CodedInputStream input) => input.ReadBytes().CreateCodedInput();

    private static SentencePiece Piece(CodedInputStream input)
    {
        var (text, score, kind) = ("", 0f, PieceKind.Normal);
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            switch (tag)
            {
                case 1 << 3 | 2: text = Strict.GetString(input.ReadBytes().Span); break;
                case 2 << 3 | 5: score = input.ReadFloat(); break;
                case 3 << 3: kind = (PieceKind)input.ReadEnum(); break;
                default: input.SkipLastField(); break;
            }
        }
        return new SentencePiece(text, score, kind);
    }

    private static SentencePieceModel Trainer(CodedInputStream input, SentencePieceModel model)
    {
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            switch (tag)
            {
                case 3 << 3: model = model with { ModelType = input.ReadEnum() }; break;
                case 35 << 3: model = model with { ByteFallback = input.ReadBool() }; break;
                case 40 << 3: model = model with { UnknownId = input.ReadInt32() }; break;
                case 41 << 3: model = model with { BosId = input.ReadInt32() }; break;
                case 42 << 3: model = model with { EosId = input.ReadInt32() }; break;
                case 43 << 3: model = model with { PadId = input.ReadInt32() }; break;
                default: input.SkipLastField(); break;
            }
        }
        return model;
    }

    private static SentencePieceModel Normalizer(CodedInputStream input, SentencePieceModel model)
    {
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            switch (tag)
            {
                case 2 << 3 | 2: model = model with { CharacterMap = input.ReadBytes().ToByteArray() }; break;
                case 3 << 3: model = model with { AddDummyPrefix = input.ReadBool() }; break;
                case 4 << 3: model = model with { RemoveExtraWhitespaces = input.ReadBool() }; break;
                default: input.SkipLastField(); break;
            }
        }
        return model;
    }
}
