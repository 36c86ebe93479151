using System.Buffers.Binary;
using System.Security.Cryptography;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>What carries loss: the recipe's <c>loss_on</c>.</summary>
public enum LossOn
{
    /// <summary>By the rows: the assistant's words in conversations, the completion where there is one, else everything.</summary>
    Default,
    Assistant,
    Completion,
    All,
}

/// <summary>The <c>data</c> block of a recipe and what batches need of the rest of it.</summary>
public sealed record TrainingDataOptions
{
    /// <summary>A file of JSON Lines.</summary>
    public required string Train { get; init; }

    /// <summary>A file of its own, or null.</summary>
    public string? ValidationFile { get; init; }

    /// <summary>The share of the training rows that is held out instead, within (0, 1); or null.</summary>
    public double? ValidationShare { get; init; }

    public ExampleFormat Format { get; init; } = ExampleFormat.Auto;

    public int? MaxLength { get; init; }

    public Truncation Truncation { get; init; }

    /// <summary>Training rows are packed; validation rows never are.</summary>
    public Packing Packing { get; init; }

    public bool Shuffle { get; init; } = true;

    public RowRange? Rows { get; init; }

    public LossOn LossOn { get; init; }

    public long Seed { get; init; }

    /// <summary>Rows a micro-batch.</summary>
    public int BatchSize { get; init; } = 1;

    public bool SkipBad { get; init; }

    public bool Strict { get; init; }

    public bool SpecialInContent { get; init; }

    /// <summary>Columns are rounded up to a multiple of this; null: they are not.</summary>
    public int? PadToMultipleOf { get; init; }
}

/// <summary>What became of one file.</summary>
/// <param name="File">Its path.</param>
/// <param name="Reading">What reading met.</param>
/// <param name="Preparation">What preparing met.</param>
public sealed record FileAccount(string File, ReadAccount Reading, PreparationAccount Preparation);

/// <summary>The rows that a recipe trains and validates on, tokenized; and the streams of batches over them.</summary>
public sealed class TrainingData
{
    private readonly TrainingDataOptions _options;
    private readonly int _padTokenId;

    private TrainingData(TrainingDataOptions options, int padTokenId, IReadOnlyList<TokenRow> train, IReadOnlyList<TokenRow> validation, IReadOnlyList<FileAccount> accounts)
    {
        (_options, _padTokenId) = (options, padTokenId);
        (Train, Validation, Accounts) = (train, validation, accounts);
        Fingerprint = Hash(train);
    }

    public IReadOnlyList<TokenRow> Train { get; }

    /// <summary>Empty where the recipe asks for no validation.</summary>
    public IReadOnlyList<TokenRow> Validation { get; }

    /// <summary>What became of the training file, and of the validation file if there is one.</summary>
    public IReadOnlyList<FileAccount> Accounts { get; }

    /// <summary>SHA-256 of the training rows, hexadecimal: a run that is resumed must find the same.</summary>
    public string Fingerprint { get; }

    /// <summary>Reads, tokenizes, splits and packs. Rows without a label are left out and counted.</summary>
    /// <exception cref="DataException">A file or a row cannot be used, loss_on does not suit the rows, or nothing is left to train or validate on.</exception>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static TrainingData Load(TrainingDataOptions options, ITextEncoder encoder, ChatTemplate? template)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(encoder);
        if (options.ValidationFile is not null && options.ValidationShare is not null) throw new ArgumentException("validation is a file or a share, not both", nameof(options));
        var accounts = new List<FileAccount>();
        List<TokenRow> rows = Rows(options, options.Train, options.Rows, encoder, template, accounts);
        List<TokenRow> validation = [];
        if (options.ValidationFile is { } file) validation = Rows(options, file, null, encoder, template, accounts);
        else if (options.ValidationShare is { } share)
        {
            if (rows.Count < 2) throw new DataException(options.Train, $"{rows.Count} usable row was found, at least 2 wanted to hold a share out");
            var held = SeededOrder.HeldOut(rows.Count, share, options.Seed).ToHashSet();
            validation = rows.Where((_, i) => held.Contains(i)).ToList();
            rows = rows.Where((_, i) => !held.Contains(i)).ToList();
        }

        if (options.Packing != Packing.None)
            rows = RowPacking.Pack(rows, options.MaxLength ?? throw new ArgumentException("packing needs max_length", nameof(options)), options.Packing).Where(r => r.CanTeach).ToList();
        return new TrainingData(options, encoder.PadTokenId, rows, validation, accounts);
    }

    /// <summary>The stream of training batches, at its beginning. Packed rows are flattened, so that no example sees another; others are padded on the right.</summary>
    public TrainingBatches Batches() => new(Train, Collator(_options.Packing is Packing.BestFit or Packing.BestFitSplit), _options.BatchSize, _options.Shuffle ? _options.Seed : null);

    /// <summary>The validation rows once, in the file's order, padded on the right.</summary>
    public IEnumerable<Batch> ValidationBatches(int? batchSize = null) =>
        Validation.Count == 0 ? [] : new TrainingBatches(Validation, Collator(paddingFree: false), batchSize ?? _options.BatchSize, null).InOrder();

    private SftCollator Collator(bool paddingFree) => new() { PadTokenId = _padTokenId, PaddingFree = paddingFree, PadToMultipleOf = _options.PadToMultipleOf, ReturnPositionIds = true };

    private static List<TokenRow> Rows(TrainingDataOptions options, string file, RowRange? range, ITextEncoder encoder, ChatTemplate? template, List<FileAccount> accounts)
    {
        var reading = new ReadAccount();
        var preparing = new PreparationAccount();
        accounts.Add(new FileAccount(file, reading, preparing));
        IEnumerable<Example> examples = JsonLinesFile.Read(file, new ReadOptions { Format = options.Format, Rows = range, SkipBad = options.SkipBad }, reading);
        var rows = new List<TokenRow>();
        SftPreparation? preparation = null;
        bool cut = options.Packing is Packing.None or Packing.BestFit;
        foreach (Example example in examples)
        {
            preparation ??= Preparation(example);
            foreach (TokenRow row in preparation.Prepare([example], preparing))
            {
                if (row.CanTeach)
                {
                    rows.Add(row);
                    continue;
                }

                preparing.Unlabelled++;
                preparing.Dropped++;
            }
        }

        if (rows.Count == 0)
            throw new DataException(file, $"none of {preparing.Examples} examples has a label left to learn from ({preparing.Truncated} were cut to max_length)");
        return rows;

        SftPreparation Preparation(Example first)
        {
            (bool completion, bool assistant) = Loss(options.LossOn, first, file);
            return new SftPreparation(encoder, template, new SftOptions
            {
                CompletionOnlyLoss = completion,
                AssistantOnlyLoss = assistant,
                MaxLength = cut || options.Strict ? options.MaxLength : null,
                Truncation = options.Truncation,
                Strict = options.Strict,
                SpecialInContent = options.SpecialInContent,
                DropUnlabelled = true,
            }, file);
        }
    }

    /// <summary>loss_on for the kind of rows that the first one shows.</summary>
    private static (bool Completion, bool Assistant) Loss(LossOn lossOn, Example first, string file)
    {
        bool chat = first is ChatExample, pair = first is PromptCompletionExample or ChatExample { Completion: not null };
        return lossOn switch
        {
            LossOn.All => (false, false),
            LossOn.Default => (pair, chat && !pair),
            LossOn.Completion => pair ? (true, false) : throw new DataException(file, "loss_on: completion was found, and the rows have no completion of their own", first.Line),
            _ => chat ? (pair, true) : pair ? (true, false) : throw new DataException(file, "loss_on: assistant was found, and the rows are plain text", first.Line),
        };
    }

    private static string Hash(IReadOnlyList<TokenRow> rows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[8 << 10];
        foreach (TokenRow row in rows)
        {
            Append(row.Ids);
            Append(row.Labels);
            Append(row.SequenceLengths ?? []);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(int[] values)
        {
            BinaryPrimitives.WriteInt32LittleEndian(buffer, values.Length);
            hash.AppendData(buffer.AsSpan(0, 4));
            for (int i = 0; i < values.Length;)
            {
                int n = 0;
                for (; i < values.Length && n + 4 <= buffer.Length; i++, n += 4) BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(n), values[i]);
                hash.AppendData(buffer.AsSpan(0, n));
            }
        }
    }
}
