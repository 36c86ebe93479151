using System.Buffers.Binary;

namespace KernelTune.Checkpoints;

/// <summary>Reads a tensor of counts or of floating-point numbers.</summary>
public static class StoredNumbers
{
    /// <summary>A tensor's elements as fp32: whole numbers of 64 bits (exact to 2²⁴), or any floating-point type.</summary>
    /// <exception cref="CheckpointException">It is not there, or of a type that is no number.</exception>
    public static float[] Read(IWeightSource source, string name)
    {
        ArgumentNullException.ThrowIfNull(source);
        var info = source.Get(name);
        if (info.Format != WeightFormats.I64)
            return source.ReadF32(name);
        var bytes = new byte[info.Bytes];
        source.ReadRaw(name, bytes);
        var numbers = new float[info.Elements];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8 * i));
        return numbers;
    }
}
