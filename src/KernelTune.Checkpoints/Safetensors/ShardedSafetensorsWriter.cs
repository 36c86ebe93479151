using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace KernelTune.Checkpoints;

/// <summary>
/// Writes weights as Transformers' save_pretrained does: model.safetensors, or, where that would be larger than a shard may be,
/// model-0000i-of-0000n.safetensors and model.safetensors.index.json.
/// </summary>
public static class ShardedSafetensorsWriter
{
    /// <summary>Transformers' default bound on a shard's bytes.</summary>
    public const long DefaultShardBytes = 50_000_000_000;

    /// <summary>Writes all files into <paramref name="folder"/>; shards are filled in the order of the tensors.</summary>
    /// <exception cref="CheckpointStorageException">The disk is full, read-only or otherwise refuses.</exception>
    public static void Write(AtomicFolder folder, IEnumerable<TensorToSave> tensors, long mostShardBytes = DefaultShardBytes)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(mostShardBytes);
        var shards = Split(tensors, mostShardBytes);
        if (shards.Count <= 1)
        {
            folder.WriteSafetensors("model.safetensors", shards.Count == 0 ? [] : shards[0]);
            return;
        }

        for (var i = 0; i < shards.Count; i++)
            folder.WriteSafetensors(ShardName(i, shards.Count), shards[i]);
        folder.Write("model.safetensors.index.json", Index(shards));
    }

    private static List<List<TensorToSave>> Split(IEnumerable<TensorToSave> tensors, long mostBytes)
    {
        var shards = new List<List<TensorToSave>>();
        var bytes = 0L;
        foreach (var tensor in tensors)
        {
            if (shards.Count == 0 || bytes + tensor.Bytes > mostBytes)
            {
                shards.Add([]);
                bytes = 0;
            }

            shards[^1].Add(tensor);
            bytes += tensor.Bytes;
        }

        return shards;
    }

    private static string ShardName(int index, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"model-{index + 1:D5}-of-{count:D5}.safetensors");

    private static byte[] Index(List<List<TensorToSave>> shards)
    {
        var json = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var writer = new Utf8JsonWriter(json, options))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("metadata");
            writer.WriteNumber("total_size", shards.Sum(s => s.Sum(t => t.Bytes)));
            writer.WriteEndObject();
            writer.WriteStartObject("weight_map");
            var placed = shards.SelectMany((shard, i) => shard.Select(t => (t.Name, File: ShardName(i, shards.Count))));
            foreach (var (name, file) in placed.OrderBy(p => p.Name, StringComparer.Ordinal))
                writer.WriteString(name, file);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        json.Write("\n"u8);
        return json.WrittenSpan.ToArray();
    }
}
