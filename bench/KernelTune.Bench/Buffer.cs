using System.Runtime.InteropServices;

namespace KernelTune.Bench;

/// <summary>Aligned memory with random contents.</summary>
internal sealed unsafe class Buffer : IDisposable
{
    public Buffer(long floats)
    {
        Data = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(floats, 16) * 4, 64);
        var random = new Random(7);
        for (long i = 0; i < floats; i++)
            Data[i] = random.NextSingle() - 0.5f;
    }

    public float* Data { get; }

    public void Dispose() => NativeMemory.AlignedFree(Data);
}
