using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace KernelTune.Data.Pictures;

/// <summary>The <c>data</c> block of a recipe whose examples are pictures, and what batches need of the rest of it.</summary>
public sealed record PictureDataOptions
{
    /// <summary>The folder to train on: a folder of pictures a class.</summary>
    public required string Train { get; init; }

    /// <summary>A folder to validate on, with the same classes; null: none, or ValidationShare.</summary>
    public string? Validation { get; init; }

    /// <summary>The share of the training pictures that is held out instead, within (0, 1); null: none.</summary>
    public double? ValidationShare { get; init; }

    /// <summary>The classes wanted, whose order numbers them; null: those of the training folder, in ordinal order.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    public bool Shuffle { get; init; } = true;

    public long Seed { get; init; }

    /// <summary>Pictures a micro-batch.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>Leave out pictures that cannot be read, and count them.</summary>
    public bool SkipBad { get; init; }

    /// <summary>How training pictures are changed.</summary>
    public PictureAugmentation Augmentation { get; init; } = new();
}

/// <summary>The pictures that a recipe trains and validates on.</summary>
public sealed class PictureTrainingData : ITrainingData
{
    private readonly PictureDataOptions _options;

    private PictureTrainingData(PictureDataOptions options, PictureSet train, PictureEvaluationData? validation, IReadOnlyList<string> notes)
    {
        (_options, Train, Validation, Notes) = (options, train, validation, notes);
        Fingerprint = Hash(train, validation?.Set);
    }

    public PictureSet Train { get; }

    public PictureEvaluationData? Validation { get; }

    public IReadOnlyList<string> Classes => Train.Classes;

    public int Count => Train.Count;

    /// <summary>
    /// SHA-256 over the pictures to train on and those to validate on, hexadecimal: which of a folder's pictures are held out is a matter of the seed, and a change of either is a change of the
    /// folder.
    /// </summary>
    public string Fingerprint { get; }

    public IReadOnlyList<string> Notes { get; }

    /// <summary>The pictures of each class: "bag 60, coat 60".</summary>
    public string Contents
    {
        get
        {
            var counts = new int[Classes.Count];
            for (int i = 0; i < Train.Count; i++) counts[Train.Label(i)]++;
            return string.Join(", ", Classes.Select((name, label) => string.Create(CultureInfo.InvariantCulture, $"{name} {counts[label]}")));
        }
    }

    IEvaluationData? ITrainingData.Validation => Validation;

    /// <summary>Lists and decodes the folders.</summary>
    /// <exception cref="DataException">A folder lacks a class, a picture cannot be read, or nothing is left to train or validate on.</exception>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static PictureTrainingData Load(PictureDataOptions options, PictureProcessor processor)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(processor);
        if (options.Validation is not null && options.ValidationShare is not null) throw new ArgumentException("validation is a folder or a share, not both", nameof(options));
        PictureSet train = PictureSet.Load(PictureFolder.List(options.Train, options.Classes), processor, options.SkipBad);
        var notes = new List<string>(NotesOf(train));
        PictureSet? validation = null;
        if (options.Validation is { } folder)
        {
            validation = PictureSet.Load(PictureFolder.List(folder, train.Classes), processor, options.SkipBad);
            if (validation.Height != train.Height || validation.Width != train.Width)
                throw new DataException(folder, $"pictures of {validation.Height} × {validation.Width} came of it, and {train.Height} × {train.Width} of {options.Train}");
            notes.AddRange(NotesOf(validation));
        }
        else if (options.ValidationShare is { } share)
        {
            if (train.Count < 2) throw new DataException(options.Train, $"{train.Count} usable picture was found, at least 2 wanted to hold a share out");
            int[] held = SeededOrder.HeldOut(train.Count, share, options.Seed);
            var apart = held.ToHashSet();
            validation = train.Part(held);
            train = train.Part([.. Enumerable.Range(0, train.Count).Where(i => !apart.Contains(i))]);
        }

        return new PictureTrainingData(options, train, validation is null ? null : new PictureEvaluationData(validation), notes);
    }

    /// <summary>The stream of training batches, at its beginning.</summary>
    public PictureBatches Batches(int? batchSize = null) => new(Train, batchSize ?? _options.BatchSize, _options.Seed, _options.Shuffle, _options.Augmentation);

    IBatchStream ITrainingData.Batches(int? batchSize) => Batches(batchSize);

    private static string Hash(PictureSet train, PictureSet? validation) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{train.Fingerprint()} {validation?.Fingerprint()}")));

    /// <summary>What was left out of a set's folders.</summary>
    public static IEnumerable<string> NotesOf(PictureSet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        foreach (PictureAccount account in set.Accounts)
        {
            if (account.Skipped > 0) yield return string.Create(CultureInfo.InvariantCulture, $"{account.Root}: {account.Skipped} pictures were left out because they cannot be read, the first: {account.SkippedMessages[0]}");
            if (account.OtherFiles > 0) yield return string.Create(CultureInfo.InvariantCulture, $"{account.Root}: {account.OtherFiles} files are not pictures by their names and were passed over");
        }
    }
}
