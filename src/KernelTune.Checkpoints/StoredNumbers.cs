using System.Buffers.Binary;

namespace KernelTune.Checkpoints;

/// <summary>Reads a tensor of counts or of floating-point numbers.</summary>
public static class StoredNumbers
{
    /// <summary>A tensor's elements as fp32: whole numbers of 64 bits, or any floating-point type.</summary>
    /// <exception cref="CheckpointException">It is not there, of a type that is no number, or a whole number that fp32 would round (the first is 2^24 + 1).</exception>
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
        {
            long number = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8 * i));
            numbers[i] = number;
            if ((Int128)numbers[i] != number)
                throw new CheckpointException(source.Location, FormattableString.Invariant($"{number} was found, a whole number that fp32 holds exactly wanted"), tensor: name);
        }
        return numbers;
    }
}
