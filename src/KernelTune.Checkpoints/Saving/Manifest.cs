using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace KernelTune.Checkpoints;

/// <summary>One file of a saved folder.</summary>
public sealed record ManifestFile(string Path, long Bytes, string Sha256);

/// <summary>
/// manifest.json of a saved folder: every file with its size and SHA-256. It is written last, so a folder that has one is complete, and
/// the hashes tell whether it still is.
/// </summary>
public sealed class Manifest
{
    public const string FileName = "manifest.json";
    public const int Version = 1;

    public Manifest(IEnumerable<ManifestFile> files)
    {
        Files = [.. files.OrderBy(f => f.Path, StringComparer.Ordinal)];
    }

    public IReadOnlyList<ManifestFile> Files { get; }

    /// <summary>Reads the manifest of <paramref name="folder"/>.</summary>
    /// <exception cref="CheckpointException">Absent, malformed, of a newer version, or it names files outside the folder.</exception>
    public static Manifest Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        var settings = JsonSettings.Read(path);
        var version = settings.Int("version");
        if (version is < 1 or > Version)
            throw settings.Bad("version", $"{version} was found, at most {Version} wanted: a newer KernelTune wrote it");
        if (!settings.Root.TryGetProperty("files", out var files) || files.ValueKind != JsonValueKind.Array)
            throw settings.Bad("files", "an array wanted");

        var list = new List<ManifestFile>();
        foreach (var file in files.EnumerateArray())
        {
            if (file.ValueKind != JsonValueKind.Object
                || !file.TryGetProperty("path", out var name) || name.ValueKind != JsonValueKind.String || !SafePath.IsPlain(name.GetString()!)
                || !file.TryGetProperty("bytes", out var bytes) || bytes.ValueKind != JsonValueKind.Number || !bytes.TryGetInt64(out var size)
                || !file.TryGetProperty("sha256", out var hash) || hash.ValueKind != JsonValueKind.String)
            {
                throw settings.Bad("files", "objects of path (inside the folder), bytes and sha256 wanted");
            }

            list.Add(new ManifestFile(name.GetString()!, size, hash.GetString()!));
        }

        return new Manifest(list);
    }

    /// <summary>Reads every file that the manifest names and compares size and hash.</summary>
    /// <exception cref="CheckpointException">The first file that is missing, torn or altered.</exception>
    public void Verify(string folder)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
        foreach (var file in Files)
        {
            using var source = SourceFile.Open(Path.Combine(folder, file.Path));
            if (source.Length != file.Bytes)
                throw new CheckpointException(source.Path, $"{source.Length} bytes were found, {file.Bytes} wanted ({FileName})");
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var at = 0L; at < file.Bytes;)
            {
                var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, file.Bytes - at));
                source.ReadExactly(at, piece);
                hash.AppendData(piece);
                at += piece.Length;
            }

            var found = Convert.ToHexStringLower(hash.GetHashAndReset());
            if (found != file.Sha256)
                throw new CheckpointException(source.Path, $"SHA-256 {found} was found, {file.Sha256} wanted ({FileName}): the file was altered");
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    internal byte[] ToJson()
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("version", Version);
            writer.WriteStartArray("files");
            foreach (var file in Files)
            {
                writer.WriteStartObject();
                writer.WriteString("path", file.Path);
                writer.WriteNumber("bytes", file.Bytes);
                writer.WriteString("sha256", file.Sha256);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        json.Write("\n"u8);
        return json.WrittenSpan.ToArray();
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Files.Count} files, {Files.Sum(f => f.Bytes)} bytes");
}
