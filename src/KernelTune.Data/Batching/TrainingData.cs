using System.Buffers.Binary;
using System.Security.Cryptography;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>The rows that a recipe trains and validates on, tokenized; and the streams of batches over them.</summary>
public sealed class TrainingData : ITrainingData
{
    private readonly TrainingDataOptions _options;
    private readonly int _padTokenId;

    private TrainingData(TrainingDataOptions options, int padTokenId, IReadOnlyList<TokenRow> train, EvaluationData? validation, IReadOnlyList<FileAccount> accounts)
    {
        (_options, _padTokenId) = (options, padTokenId);
        (Train, Validation, Accounts) = (train, validation, accounts);
        Fingerprint = Hash(train);
    }

    /// <summary>The rows of one epoch, before they are shuffled.</summary>
    public IReadOnlyList<TokenRow> Train { get; }

    /// <summary>Null where the recipe asks for no validation.</summary>
    public EvaluationData? Validation { get; }

    /// <summary>What became of each training file.</summary>
    public IReadOnlyList<FileAccount> Accounts { get; }

    int ITrainingData.Count => Train.Count;

    IEvaluationData? ITrainingData.Validation => Validation;

    string ITrainingData.Contents => "";

    public IReadOnlyList<string> Notes => [.. Accounts.SelectMany(a => a.Notes())];

    IBatchStream ITrainingData.Batches() => Batches();

    /// <summary>SHA-256 of the training rows, hexadecimal: a run that is resumed must find the same.</summary>
    public string Fingerprint { get; }

    /// <summary>Reads, tokenizes, splits, weighs and packs. Rows without a label are left out and counted.</summary>
    /// <exception cref="DataException">A file or a row cannot be used, loss_on does not suit the rows, or nothing is left to train or validate on.</exception>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static TrainingData Load(TrainingDataOptions options, ITextEncoder encoder, ChatTemplate? template)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(encoder);
        if (options.Train.Count == 0) throw new ArgumentException("no file to train on", nameof(options));
        if (options.Validation.Count > 0 && options.ValidationShare is not null) throw new ArgumentException("validation is files or a share, not both", nameof(options));
        if (options.Packing != Packing.None && options.MaxLength is null) throw new ArgumentException("packing needs max_length", nameof(options));
        bool cut = options.Packing is Packing.None or Packing.BestFit;       // the other packings keep what is too long, in several rows
        RowOptions rowOptions = cut || options.Strict ? options : options with { MaxLength = null };
        var loader = new RowLoader(rowOptions, encoder, template);
        List<(TokenRow Row, int File)> rows = loader.Load(options.Train, options.Rows);

        EvaluationData? validation = null;
        if (options.Validation.Count > 0) validation = EvaluationData.Load(options.Validation, options, encoder, template);
        else if (options.ValidationShare is { } share)
        {
            if (rows.Count < 2) throw new DataException(options.Train[0].Path, $"{rows.Count} usable row was found, at least 2 wanted to hold a share out");
            var held = SeededOrder.HeldOut(rows.Count, share, options.Seed).ToHashSet();
            validation = new EvaluationData(rows.Where((_, i) => held.Contains(i)).Select(r => r.Row).ToList(), options, encoder.PadTokenId, []);
            rows = rows.Where((_, i) => !held.Contains(i)).ToList();
        }

        List<TokenRow> train = Weighted(rows, options);
        if (options.Packing != Packing.None) train = RowPacking.Pack(train, options.MaxLength!.Value, options.Packing).Where(r => r.CanTeach).ToList();
        return new TrainingData(options, encoder.PadTokenId, train, validation, loader.Accounts);
    }

    /// <summary>
    /// The stream of training batches, at its beginning. Packed rows are flattened, so that no example sees another (except Wrapped, which keeps no boundaries); others are padded on
    /// the right.
    /// </summary>
    public TrainingBatches Batches()
    {
        var collator = new SftCollator
        {
            PadTokenId = _padTokenId,
            PaddingFree = _options.Packing is Packing.BestFit or Packing.BestFitSplit,
            PadToMultipleOf = _options.PadToMultipleOf,
            ReturnPositionIds = true,
        };
        return new TrainingBatches(Train, collator, _options.BatchSize, _options.Shuffle ? _options.Seed : null);
    }

    private static List<TokenRow> Weighted(List<(TokenRow Row, int File)> rows, TrainingDataOptions options)
    {
        var train = new List<TokenRow>(rows.Count);
        for (int f = 0; f < options.Train.Count; f++)
        {
            DataFile file = options.Train[f];
            if (!(file.Weight >= 0 && file.Weight <= 1000)) throw new ArgumentException($"{file.Path}: a weight of {file.Weight} was found, 0 to 1000 wanted", nameof(options));
            TokenRow[] own = rows.Where(r => r.File == f).Select(r => r.Row).ToArray();
            int whole = (int)file.Weight, rest = (int)Math.Round((file.Weight - whole) * own.Length, MidpointRounding.AwayFromZero);
            for (int i = 0; i < whole; i++) train.AddRange(own);
            foreach (int chosen in SeededOrder.Sample(own.Length, rest, options.Seed, f)) train.Add(own[chosen]);
        }

        return train.Count > 0 ? train : throw new ArgumentException("the weights of the files leave no rows to train on", nameof(options));
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
