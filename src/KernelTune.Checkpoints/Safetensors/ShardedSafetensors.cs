using System.Text.Json;

namespace KernelTune.Checkpoints;

/// <summary>
/// Weights in several safetensors files, with model.safetensors.index.json to say which tensor lies in which. Index and files must agree:
/// every tensor is listed once and lies where it is listed.
/// </summary>
public sealed class ShardedSafetensors : IWeightSource
{
    private readonly Dictionary<string, SafetensorsFile> _fileOf;
    private readonly List<SafetensorsFile> _files;

    private ShardedSafetensors(string index, List<SafetensorsFile> files, Dictionary<string, SafetensorsFile> fileOf)
    {
        Location = index;
        _files = files;
        _fileOf = fileOf;
        Names = [.. files.SelectMany(f => f.Names)];
        NativeDType = WeightSources.Prevailing(files.SelectMany(f => f.Entries));
    }

    public string Location { get; }

    public IReadOnlyList<string> Files => [.. _files.Select(f => f.Location), Location];

    public string NativeDType { get; }

    public IReadOnlyList<string> Names { get; }

    /// <summary>Opens the shards that the index at <paramref name="indexPath"/> names.</summary>
    /// <exception cref="CheckpointException">
    /// A shard is missing, lies outside the folder or is damaged; a tensor is listed and not there, or there and not listed.
    /// </exception>
    public static ShardedSafetensors Open(string indexPath)
    {
        var index = JsonSettings.Read(indexPath);
        var folder = Path.GetDirectoryName(Path.GetFullPath(indexPath))!;
        var map = index.Object("weight_map")?.Root ?? throw index.Bad("weight_map", "absent, an object of tensor names and file names wanted");
        var files = new List<SafetensorsFile>();
        var byName = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        var fileOf = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        try
        {
            foreach (var listed in map.EnumerateObject())
            {
                if (listed.Value.ValueKind != JsonValueKind.String)
                    throw index.Bad("weight_map." + listed.Name, "a file name wanted");
                var shard = listed.Value.GetString()!;
                if (!byName.TryGetValue(shard, out var file))
                {
                    file = SafetensorsFile.Open(SafePath.Inside(folder, shard, indexPath));
                    byName.Add(shard, file);
                    files.Add(file);
                }

                if (!file.TryGet(listed.Name, out _))
                    throw new CheckpointException(file.Location, $"it is not there, {Path.GetFileName(indexPath)} lists it", tensor: listed.Name);
                fileOf.Add(listed.Name, file);
            }

            RefuseUnlisted(indexPath, files, fileOf);
            return new ShardedSafetensors(indexPath, files, fileOf);
        }
        catch
        {
            files.ForEach(f => f.Dispose());
            throw;
        }
    }

    public bool TryGet(string name, out WeightInfo info)
    {
        info = null!;
        return _fileOf.TryGetValue(name, out var file) && file.TryGet(name, out info);
    }

    public void ReadF32(string name, Span<float> into) => FileOf(name).ReadF32(name, into);

    public void ReadF32Rows(string name, long rowStart, long rowCount, Span<float> into) => FileOf(name).ReadF32Rows(name, rowStart, rowCount, into);

    public void ReadRaw(string name, Span<byte> into) => FileOf(name).ReadRaw(name, into);

    public void ReadRawRows(string name, long rowStart, long rowCount, Span<byte> into) => FileOf(name).ReadRawRows(name, rowStart, rowCount, into);

    public void Dispose() => _files.ForEach(f => f.Dispose());

    private static void RefuseUnlisted(string indexPath, List<SafetensorsFile> files, Dictionary<string, SafetensorsFile> fileOf)
    {
        foreach (var file in files)
        {
            foreach (var name in file.Names)
            {
                if (!fileOf.TryGetValue(name, out var listed) || !ReferenceEquals(listed, file))
                    throw new CheckpointException(file.Location, $"{Path.GetFileName(indexPath)} does not list it for this file", tensor: name);
            }
        }
    }

    private SafetensorsFile FileOf(string name) => _fileOf.TryGetValue(name, out var file)
        ? file
        : throw new CheckpointException(Location, $"holds no such tensor among its {Names.Count}", tensor: name);
}
