using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Gpu;

/// <summary>One unsigned integer on a GPU: what Philox runs on there. A thread makes the four numbers of one counter.</summary>
public readonly struct GU32(uint value) : IUniformLane<GU32, G32>
{
    public readonly uint Value = value;

    public static int Width => 1;
    public static GU32 Create(uint value) => new(value);
    public static GU32 operator +(GU32 a, GU32 b) => new(a.Value + b.Value);
    public static GU32 operator ^(GU32 a, GU32 b) => new(a.Value ^ b.Value);
    public static GU32 operator &(GU32 a, GU32 b) => new(a.Value & b.Value);
    public static GU32 operator |(GU32 a, GU32 b) => new(a.Value | b.Value);
    public static GU32 ShiftLeft(GU32 a, int bits) => new(a.Value << bits);
    public static GU32 ShiftRight(GU32 a, int bits) => new(a.Value >> bits);

    public static void MultiplyWide(GU32 a, GU32 b, out GU32 high, out GU32 low)
    {
        ulong product = (ulong)a.Value * b.Value;
        high = new((uint)(product >> 32));
        low = new((uint)product);
    }

    public static GU32 Counters(uint first) => new(first);

    public static void Interleave(GU32 a, GU32 b, GU32 c, GU32 d, out GU32 r0, out GU32 r1, out GU32 r2, out GU32 r3)
    {
        r0 = a;
        r1 = b;
        r2 = c;
        r3 = d;
    }

    public static G32 Uniform(GU32 bits) => new(GpuMath.Multiply((int)(bits.Value >> 8), 1f / 16777216f));
}
