using System.Buffers.Binary;
using System.Security.Cryptography;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>The rows that a recipe trains and validates on, tokenized; and the streams of batches over them.</summary>
public sealed class TrainingData : ITrainingData
{
    private readonly TrainingDataOptions _options;
    private readonly int _padTokenId;

    private TrainingData(TrainingDataOptions options, int padTokenId, IReadOnlyList<TokenRow> train, EvaluationData? validation, EvaluationData? test, IReadOnlyList<FileAccount> accounts, SplitReport report)
    {
        (_options, _padTokenId) = (options, padTokenId);
        (Train, Validation, Test, Accounts) = (train, validation, test, accounts);
        Report = new DataReport([report, .. new[] { validation?.Report, test?.Report }.OfType<SplitReport>()]);
        Fingerprint = Hash(train);
    }

    /// <summary>The rows of one epoch, before they are shuffled.</summary>
    public IReadOnlyList<TokenRow> Train { get; }

    /// <summary>Null where the recipe asks for no validation.</summary>
    public EvaluationData? Validation { get; }

    /// <summary>Null where the recipe names no test files.</summary>
    public EvaluationData? Test { get; }

    /// <summary>What is to be known of training, validation and test rows.</summary>
    public DataReport Report { get; }

    /// <summary>What became of each training file.</summary>
    public IReadOnlyList<FileAccount> Accounts { get; }

    int ITrainingData.Count => Train.Count;

    IEvaluationData? ITrainingData.Validation => Validation;

    string ITrainingData.Contents => "";

    IReadOnlyList<string> ITrainingData.Account =>
        [.. Report.Splits.SelectMany(s => (string[])[.. s.Files.Select(f => $"{Path.GetFileName(f.Path)}: {f.Detected}"), s.Sentence()])];

    DataReport? ITrainingData.Report => Report;

    public IReadOnlyList<string> Notes => [.. Accounts.SelectMany(a => a.Notes())];

    IBatchStream ITrainingData.Batches(int? batchSize) => Batches(batchSize);

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
        if (options.Packing != Packing.None && options.SourceApart) throw new ArgumentException("rows with a source of their own cannot be packed", nameof(options));
        bool cut = options.Packing is Packing.None or Packing.BestFit;       // the other packings keep what is too long, in several rows
        RowOptions rowOptions = cut || options.Strict ? options : options with { MaxLength = null };
        var loader = new RowLoader(rowOptions, encoder, template);
        RowStore rows = loader.Load(options.Train, options.Rows);

        int[] kept = [.. Enumerable.Range(0, rows.Count)], held = [];
        if (options is { Validation.Count: 0, ValidationShare: { } share })
        {
            if (rows.Count < 2) throw new DataException(options.Train[0].Path, $"{rows.Count} usable row was found, at least 2 wanted to hold a share out");
            held = SeededOrder.HeldOut(rows.Count, share, options.Seed);
            kept = [.. kept.Except(held)];
        }

        int[]? some = held.Length > 0 ? kept : null;
        SplitReport report = loader.Facts.Report("train", some, loader.Accounts, null);
        HashSet<UInt128> contents = options.Validation.Count + options.Test.Count + held.Length > 0 ? loader.Facts.Contents(some) : [];
        EvaluationData? validation = held.Length > 0
            ? new EvaluationData(new RowSelection(rows, held), options, encoder.PadTokenId, loader.Facts.Report("validation", held, [], contents))
            : options.Validation.Count > 0 ? EvaluationData.Load("validation", options.Validation, options, encoder, template, contents) : null;
        EvaluationData? test = options.Test.Count > 0 ? EvaluationData.Load("test", options.Test, options, encoder, template, contents) : null;

        IReadOnlyList<TokenRow> train = new RowSelection(rows, Weighted(loader.Facts.Rows, kept, options));
        if (options.Packing != Packing.None)
        {
            var packed = new RowStore(options.RowMemory);
            foreach (TokenRow row in RowPacking.Pack(train, options.MaxLength!.Value, options.Packing))
                if (row.CanTeach) packed.Add(row);
            train = packed;
        }

        return new TrainingData(options, encoder.PadTokenId, train, validation, test, loader.Accounts, report);
    }

    /// <summary>
    /// The stream of training batches, at its beginning. Packed rows are flattened, so that no example sees another (except Wrapped, which keeps no boundaries); others are padded on
    /// the right.
    /// </summary>
    public TrainingBatches Batches(int? batchSize = null)
    {
        var collator = new SftCollator
        {
            PadTokenId = _padTokenId,
            PaddingFree = _options.Packing is Packing.BestFit or Packing.BestFitSplit,
            PadToMultipleOf = _options.PadToMultipleOf,
            ReturnPositionIds = true,
        };
        return new TrainingBatches(Train, collator, batchSize ?? _options.BatchSize, _options.Shuffle ? _options.Seed : null);
    }

    /// <summary>The numbers of the rows of an epoch: file after file, each drawn by its weight.</summary>
    private static int[] Weighted(List<RowFact> facts, int[] kept, TrainingDataOptions options)
    {
        var train = new List<int>(kept.Length);
        ILookup<int, int> byFile = kept.ToLookup(i => facts[i].File);
        for (int f = 0; f < options.Train.Count; f++)
        {
            DataFile file = options.Train[f];
            if (!(file.Weight >= 0 && file.Weight <= 1000)) throw new ArgumentException($"{file.Path}: a weight of {file.Weight} was found, 0 to 1000 wanted", nameof(options));
            int[] own = [.. byFile[f]];
            int whole = (int)file.Weight, rest = (int)Math.Round((file.Weight - whole) * own.Length, MidpointRounding.AwayFromZero);
            for (int i = 0; i < whole; i++) train.AddRange(own);
            foreach (int chosen in SeededOrder.Sample(own.Length, rest, options.Seed, f)) train.Add(own[chosen]);
        }

        return train.Count > 0 ? [.. train] : throw new ArgumentException("the weights of the files leave no rows to train on", nameof(options));
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
            if (row.Source is not null) Append(row.Source);
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
