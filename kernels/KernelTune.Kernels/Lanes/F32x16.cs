using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace KernelTune.Kernels.Lanes;

/// <summary>Sixteen floats, AVX-512. To be used only where Avx512F.IsSupported (Vector512.IsHardwareAccelerated is false on many processors that have it).</summary>
public readonly unsafe struct F32x16(Vector512<float> value) : IRowLane<F32x16>
{
    public readonly Vector512<float> Value = value;

    public static int Width => 16;
    public static int ElementSize => sizeof(float);
    public static F32x16 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(Vector512<float>.Zero);
    }

    public static F32x16 One
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(Vector512.Create(1f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Create(float value) => new(Vector512.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Create(double value) => new(Vector512.Create((float)value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Load(void* from) => new(Vector512.Load((float*)from));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Broadcast(void* from) => new(Vector512.Create(*(float*)from));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static void Store(F32x16 value, void* to) => value.Value.Store((float*)to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 First(int count) => new(Avx512F.CompareGreaterThan(Vector512.Create(count), Vector512<int>.Indices).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 LoadPart(void* from, int count) => new(Avx512F.MaskLoad((float*)from, First(count).Value, Vector512<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart(F32x16 value, void* to, int count) => Avx512F.MaskStore((float*)to, First(count).Value, value.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator +(F32x16 a, F32x16 b) => new(Avx512F.Add(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator -(F32x16 a, F32x16 b) => new(Avx512F.Subtract(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator *(F32x16 a, F32x16 b) => new(Avx512F.Multiply(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator /(F32x16 a, F32x16 b) => new(Avx512F.Divide(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator -(F32x16 a) => new(-a.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator <(F32x16 a, F32x16 b) => new(Avx512F.CompareLessThan(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator >(F32x16 a, F32x16 b) => new(Avx512F.CompareGreaterThan(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator <=(F32x16 a, F32x16 b) => new(Avx512F.CompareLessThanOrEqual(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator >=(F32x16 a, F32x16 b) => new(Avx512F.CompareGreaterThanOrEqual(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator &(F32x16 a, F32x16 b) => new(a.Value & b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator |(F32x16 a, F32x16 b) => new(a.Value | b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 operator ~(F32x16 a) => new(~a.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Equal(F32x16 a, F32x16 b) => new(Avx512F.CompareEqual(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 IsNaN(F32x16 a) => new(Avx512F.CompareUnordered(a.Value, a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Select(F32x16 mask, F32x16 ifTrue, F32x16 ifFalse) => new(Avx512F.BlendVariable(ifFalse.Value, ifTrue.Value, mask.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Fma(F32x16 a, F32x16 b, F32x16 c) => new(Avx512F.FusedMultiplyAdd(a.Value, b.Value, c.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Sqrt(F32x16 a) => new(Avx512F.Sqrt(a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Abs(F32x16 a) => new(Vector512.Abs(a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 GreaterOf(F32x16 a, F32x16 b) => new(Avx512F.Max(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 LesserOf(F32x16 a, F32x16 b) => new(Avx512F.Min(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Max(F32x16 a, F32x16 b) => Select(IsNaN(a), a, GreaterOf(a, b));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Min(F32x16 a, F32x16 b) => Select(IsNaN(a), a, LesserOf(a, b));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Round(F32x16 a) => new(Avx512F.RoundScale(a.Value, 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 ScaleB(F32x16 a, F32x16 n) => new(Avx512F.Scale(a.Value, n.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split(F32x16 a, out F32x16 mantissa, out F32x16 exponent)
    {
        Vector512<int> bits = a.Value.AsInt32(), power = Vector512.ShiftRightArithmetic(bits - Vector512.Create(SplitBits.RootOfHalf), 23);
        mantissa = new((bits - Vector512.ShiftLeft(power, 23)).AsSingle());
        exponent = new(Vector512.ConvertToSingle(power));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Exp(F32x16 a) => Polynomials.Exp(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Expm1(F32x16 a) => Polynomials.Expm1(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Log(F32x16 a) => Polynomials.Log(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Log1p(F32x16 a) => Polynomials.Log1p(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Tanh(F32x16 a) => Polynomials.Tanh(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Erf(F32x16 a) => Polynomials.Erf(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static float Sum(F32x16 a) => F32x8.Sum(new F32x8(a.Value.GetLower()) + new F32x8(a.Value.GetUpper()));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static float Largest(F32x16 a) => F32x8.Largest(F32x8.Max(new F32x8(a.Value.GetLower()), new F32x8(a.Value.GetUpper())));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static bool Any(F32x16 mask) => Vector512.ExtractMostSignificantBits(mask.Value) != 0;
}
