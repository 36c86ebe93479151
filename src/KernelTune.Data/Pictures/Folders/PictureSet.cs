using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace KernelTune.Data.Pictures;

/// <summary>
/// Pictures of one size with their labels, ready to be normalised. Each file is decoded once when the set is made, so that a damaged one is found before the first step; what comes of it is
/// kept while all of it fits, and decoded again when it is asked for where it does not.
/// </summary>
public sealed class PictureSet
{
    /// <summary>The most bytes of samples that are kept in memory: a gigabyte.</summary>
    public const long MostKept = 1L << 30;

    private readonly IReadOnlyList<LabelledPicture> _items;
    private readonly IReadOnlyList<byte[]> _hashes;
    private readonly Picture[]? _kept;
    private readonly PictureLimits _limits;

    private PictureSet(PictureProcessor processor, string root, IReadOnlyList<string> classes, IReadOnlyList<LabelledPicture> items, IReadOnlyList<byte[]> hashes, Picture[]? kept, PictureLimits limits, (int Height, int Width) size, IReadOnlyList<PictureAccount> accounts)
    {
        (Processor, Root, Classes, _items, _hashes, _kept, _limits) = (processor, root, classes, items, hashes, kept, limits);
        (Height, Width, Accounts) = (size.Height, size.Width, accounts);
    }

    public PictureProcessor Processor { get; }

    /// <summary>The folder that the pictures are of.</summary>
    public string Root { get; }

    public IReadOnlyList<string> Classes { get; }

    /// <summary>Rows of each picture.</summary>
    public int Height { get; }

    /// <summary>Columns of each picture.</summary>
    public int Width { get; }

    public int Channels => Processor.Channels;

    public int Count => _items.Count;

    /// <summary>What became of each folder; empty where the pictures are a part of another set.</summary>
    public IReadOnlyList<PictureAccount> Accounts { get; }

    /// <summary>Decodes, converts, resizes and crops all pictures of a folder.</summary>
    /// <param name="folder">Where they are.</param>
    /// <param name="processor">What is done with them.</param>
    /// <param name="skipBad">True: a picture that cannot be read is counted and left out.</param>
    /// <param name="limits">What a file may ask for; null: the usual.</param>
    /// <param name="mostKept">The most bytes of samples kept.</param>
    /// <exception cref="DataException">A picture cannot be read (unless skipBad), the pictures come out in several sizes, or none is left.</exception>
    public static PictureSet Load(PictureFolder folder, PictureProcessor processor, bool skipBad = false, PictureLimits? limits = null, long mostKept = MostKept)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(processor);
        limits ??= PictureLimits.Default;
        var account = new PictureAccount(folder);
        var (items, hashes, kept) = (new List<LabelledPicture>(folder.Items.Count), new List<byte[]>(folder.Items.Count), new List<Picture>());
        (int Height, int Width)? size = null;
        string first = "";
        bool keeps = true;
        foreach (LabelledPicture item in folder.Items)
        {
            Picture picture;
            try
            {
                picture = processor.Prepare(PictureFile.Read(item.Path, limits), item.Path, limits);
            }
            catch (DataException e) when (skipBad)
            {
                account.Skipped++;
                if (account.Messages.Count < 10) account.Messages.Add(e.Message);
                continue;
            }

            if (size is null)
            {
                (size, first) = ((picture.Height, picture.Width), item.Path);
                keeps = (long)picture.Pixels.Length * folder.Items.Count <= mostKept;
            }
            else if (size != (picture.Height, picture.Width))
            {
                throw new DataException(item.Path, $"{picture.Height} × {picture.Width} came of it and {size.Value.Height} × {size.Value.Width} of {first}; one size wanted (a height and a width, or do_center_crop)");
            }

            items.Add(item);
            hashes.Add(SHA256.HashData(picture.Pixels));
            if (keeps) kept.Add(picture);
            account.Counts[item.Label]++;
        }

        if (size is not { } common) throw new DataException(folder.Root, $"all {account.Skipped} pictures were skipped as bad (the first: {account.Messages[0]})");
        return new PictureSet(processor, folder.Root, folder.Classes, items, hashes, keeps ? [.. kept] : null, limits, common, [account]);
    }

    /// <summary>The class of picture <paramref name="index"/>.</summary>
    public int Label(int index) => _items[index].Label;

    /// <summary>The file of picture <paramref name="index"/>.</summary>
    public string Path(int index) => _items[index].Path;

    /// <summary>Picture <paramref name="index"/>, [Height, Width, Channels]; not to be changed.</summary>
    /// <exception cref="DataException">It has to be decoded again, and its file is not what it was.</exception>
    public Picture this[int index]
    {
        get
        {
            if (_kept is not null) return _kept[index];
            Picture picture = Processor.Prepare(PictureFile.Read(_items[index].Path, _limits), _items[index].Path, _limits);
            return picture.Height == Height && picture.Width == Width
                ? picture
                : throw new DataException(_items[index].Path, $"{picture.Height} × {picture.Width} came of it, and {Height} × {Width} before: the file was changed");
        }
    }

    /// <summary>The pictures of the given numbers, in that order.</summary>
    public PictureSet Part(IReadOnlyList<int> indices)
    {
        ArgumentNullException.ThrowIfNull(indices);
        var (items, hashes) = (new LabelledPicture[indices.Count], new byte[indices.Count][]);
        Picture[]? kept = _kept is null ? null : new Picture[indices.Count];
        for (int i = 0; i < indices.Count; i++)
        {
            (items[i], hashes[i]) = (_items[indices[i]], _hashes[indices[i]]);
            if (kept is not null) kept[i] = _kept![indices[i]];
        }

        return new PictureSet(Processor, Root, Classes, items, hashes, kept, _limits, (Height, Width), []);
    }

    /// <summary>
    /// SHA-256 of all that decides what a model sees of them, hexadecimal: the classes in their order, the pictures' size, what each sample is worth to the model, and each picture's name
    /// within the folder, its class and its samples as they were when they were first read. Where the folder lies does not count.
    /// </summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(Classes.Count);
        foreach (string name in Classes) AppendText(name);
        Append(Height);
        Append(Width);
        Append(Channels);
        for (int channel = 0; channel < Channels; channel++)
            foreach (float value in Processor.Values(channel)) Append(BitConverter.SingleToInt32Bits(value));
        Append(Count);
        for (int i = 0; i < Count; i++)
        {
            AppendText(System.IO.Path.GetRelativePath(Root, Path(i)).Replace(System.IO.Path.DirectorySeparatorChar, '/'));
            Append(Label(i));
            hash.AppendData(_hashes[i]);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(int number)
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
            hash.AppendData(bytes);
        }

        void AppendText(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Append(bytes.Length);
            hash.AppendData(bytes);
        }
    }
}
