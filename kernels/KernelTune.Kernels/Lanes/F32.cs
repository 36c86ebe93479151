using System.Runtime.CompilerServices;

namespace KernelTune.Kernels.Lanes;

/// <summary>One float.</summary>
public readonly unsafe struct F32(float value) : IFloat32Lane<F32>, IVectorLane<F32>
{
    public readonly float Value = value;

    public static int Width => 1;
    public static int ElementSize => sizeof(float);
    public static F32 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(0f);
    }

    public static F32 One
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(1f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Create(float value) => new(value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Create(double value) => new((float)value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Load(void* from) => new(*(float*)from);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Broadcast(void* from) => new(*(float*)from);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static void Store(F32 value, void* to) => *(float*)to = value.Value;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 LoadPart(void* from, int count) => count > 0 ? Load(from) : Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart(F32 value, void* to, int count)
    {
        if (count > 0) Store(value, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator +(F32 a, F32 b) => new(a.Value + b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator -(F32 a, F32 b) => new(a.Value - b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator *(F32 a, F32 b) => new(a.Value * b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator /(F32 a, F32 b) => new(a.Value / b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator -(F32 a) => new(-a.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] private static F32 Mask(bool set) => new(set ? 1f : 0f);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator <(F32 a, F32 b) => Mask(a.Value < b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator >(F32 a, F32 b) => Mask(a.Value > b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator <=(F32 a, F32 b) => Mask(a.Value <= b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator >=(F32 a, F32 b) => Mask(a.Value >= b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator &(F32 a, F32 b) => Mask(a.Value != 0f && b.Value != 0f);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator |(F32 a, F32 b) => Mask(a.Value != 0f || b.Value != 0f);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 operator ~(F32 a) => Mask(a.Value == 0f);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Equal(F32 a, F32 b) => Mask(a.Value == b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 IsNaN(F32 a) => Mask(float.IsNaN(a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Select(F32 mask, F32 ifTrue, F32 ifFalse) => mask.Value != 0f ? ifTrue : ifFalse;

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Fma(F32 a, F32 b, F32 c) => new(MathF.FusedMultiplyAdd(a.Value, b.Value, c.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Sqrt(F32 a) => new(MathF.Sqrt(a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Abs(F32 a) => new(MathF.Abs(a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 GreaterOf(F32 a, F32 b) => a.Value > b.Value ? a : b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 LesserOf(F32 a, F32 b) => a.Value < b.Value ? a : b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Max(F32 a, F32 b) => float.IsNaN(a.Value) ? a : GreaterOf(a, b);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Min(F32 a, F32 b) => float.IsNaN(a.Value) ? a : LesserOf(a, b);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Round(F32 a) => new(MathF.Round(a.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32 ScaleB(F32 a, F32 n)
    {
        // Two factors, because 2^n alone may not be a normal number; the first product is exact.
        int power = (int)n.Value, half = power >> 1;
        float first = BitConverter.Int32BitsToSingle((half + 127) << 23), second = BitConverter.Int32BitsToSingle((power - half + 127) << 23);
        return new(a.Value * first * second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split(F32 a, out F32 mantissa, out F32 exponent)
    {
        int bits = BitConverter.SingleToInt32Bits(a.Value), power = (bits - SplitBits.RootOfHalf) >> 23;
        mantissa = new(BitConverter.Int32BitsToSingle(bits - (power << 23)));
        exponent = new(power);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Exp(F32 a) => Polynomials.Exp(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Expm1(F32 a) => Polynomials.Expm1(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Log(F32 a) => Polynomials.Log(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Log1p(F32 a) => Polynomials.Log1p(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Tanh(F32 a) => Polynomials.Tanh(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Erf(F32 a) => Polynomials.Erf(a);
}

/// <summary>Bits that take a float apart.</summary>
internal static class SplitBits
{
    /// <summary>√½: subtracted from a float's bits, it leaves the exponent of mantissas in [√½, √2) in the top bits.</summary>
    public const int RootOfHalf = 0x3F3504F3;
}
