using System.Buffers.Binary;
using System.Text;

namespace KernelTune.Checkpoints.Tests;

/// <summary>safetensors files byte by byte, so that they can be wrong.</summary>
internal static class RawFile
{
    public static byte[] Of(string json, int dataBytes, ulong? announced = null) => Of(Encoding.UTF8.GetBytes(json), dataBytes, announced);

    public static byte[] Of(byte[] json, int dataBytes, ulong? announced = null)
    {
        var file = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, announced ?? (ulong)json.Length);
        json.CopyTo(file, 8);
        return file;
    }

    public static string Entry(string name, string dtype, string shape, string span) =>
        $"\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{span}}}";
}
