using System.Runtime.InteropServices;

namespace KernelTune.Kernels.Tests.MatMul;

/// <summary>Native memory with a guard before and after: a kernel that writes outside what it was given is found out.</summary>
internal sealed unsafe class Floats : IDisposable
{
    private const int Guard = 64;
    private const float Canary = 12345.678f;
    private readonly float* start;

    public Floats(long count)
    {
        Count = count;
        start = (float*)NativeMemory.AlignedAlloc((nuint)(count + 2 * Guard) * sizeof(float), 64);
        new Span<float>(start, (int)count + 2 * Guard).Fill(Canary);
    }

    public long Count { get; }

    public float* Pointer => start + Guard;

    public Span<float> Span => new(Pointer, (int)Count);

    public static Floats Random(long count, int seed)
    {
        var floats = new Floats(count);
        var random = new Random(seed);
        foreach (ref var x in floats.Span)
            x = (float)(random.NextDouble() * 2 - 1);
        return floats;
    }

    public static Floats Bytes(nuint bytes) => new((long)(bytes + 3) / 4);

    public Floats Copy()
    {
        var copy = new Floats(Count);
        Span.CopyTo(copy.Span);
        return copy;
    }

    /// <summary>True when nothing was written outside.</summary>
    public bool Intact
    {
        get
        {
            for (var i = 0; i < Guard; i++)
                if (start[i] != Canary || start[Guard + Count + i] != Canary)
                    return false;
            return true;
        }
    }

    /// <summary>The number of elements whose bits differ.</summary>
    public int BitsDiffering(Floats other)
    {
        var count = 0;
        for (var i = 0; i < Count; i++)
            if (BitConverter.SingleToInt32Bits(Pointer[i]) != BitConverter.SingleToInt32Bits(other.Pointer[i]))
                count++;
        return count;
    }

    public void Dispose() => NativeMemory.AlignedFree(start);
}
