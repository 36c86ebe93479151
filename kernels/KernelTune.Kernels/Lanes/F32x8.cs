using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace KernelTune.Kernels.Lanes;

/// <summary>Eight floats, AVX2 and FMA. To be used only where both are supported.</summary>
public readonly unsafe struct F32x8(Vector256<float> value) : IRowLane<F32x8>
{
    public readonly Vector256<float> Value = value;

    public static int Width => 8;
    public static int ElementSize => sizeof(float);
    public static F32x8 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(Vector256<float>.Zero);
    }

    public static F32x8 One
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(Vector256.Create(1f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Create(float value) => new(Vector256.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Create(double value) => new(Vector256.Create((float)value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Load(void* from) => new(Vector256.Load((float*)from));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Broadcast(void* from) => new(Vector256.Create(*(float*)from));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static void Store(F32x8 value, void* to) => value.Value.Store((float*)to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 First(int count) => new(Avx2.CompareGreaterThan(Vector256.Create(count), Vector256<int>.Indices).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 LoadPart(void* from, int count) => new(Avx.MaskLoad((float*)from, First(count).Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart(F32x8 value, void* to, int count) => Avx.MaskStore((float*)to, First(count).Value, value.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator +(F32x8 a, F32x8 b) => new(Avx.Add(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator -(F32x8 a, F32x8 b) => new(Avx.Subtract(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator *(F32x8 a, F32x8 b) => new(Avx.Multiply(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator /(F32x8 a, F32x8 b) => new(Avx.Divide(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator -(F32x8 a) => new(-a.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator <(F32x8 a, F32x8 b) => new(Avx.CompareLessThan(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator >(F32x8 a, F32x8 b) => new(Avx.CompareGreaterThan(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator <=(F32x8 a, F32x8 b) => new(Avx.CompareLessThanOrEqual(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator >=(F32x8 a, F32x8 b) => new(Avx.CompareGreaterThanOrEqual(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator &(F32x8 a, F32x8 b) => new(a.Value & b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator |(F32x8 a, F32x8 b) => new(a.Value | b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 operator ~(F32x8 a) => new(~a.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Equal(F32x8 a, F32x8 b) => new(Avx.CompareEqual(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 IsNaN(F32x8 a) => new(Avx.CompareUnordered(a.Value, a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Select(F32x8 mask, F32x8 ifTrue, F32x8 ifFalse) => new(Avx.BlendVariable(ifFalse.Value, ifTrue.Value, mask.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Fma(F32x8 a, F32x8 b, F32x8 c) => new(System.Runtime.Intrinsics.X86.Fma.MultiplyAdd(a.Value, b.Value, c.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Sqrt(F32x8 a) => new(Avx.Sqrt(a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Abs(F32x8 a) => new(Vector256.Abs(a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 GreaterOf(F32x8 a, F32x8 b) => new(Avx.Max(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 LesserOf(F32x8 a, F32x8 b) => new(Avx.Min(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Max(F32x8 a, F32x8 b) => Select(IsNaN(a), a, GreaterOf(a, b));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Min(F32x8 a, F32x8 b) => Select(IsNaN(a), a, LesserOf(a, b));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Round(F32x8 a) => new(Avx.RoundToNearestInteger(a.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 ScaleB(F32x8 a, F32x8 n)
    {
        // Two factors, because 2^n alone may not be a normal number; the first product is exact.
        Vector256<int> power = Vector256.ConvertToInt32Native(n.Value), half = Vector256.ShiftRightArithmetic(power, 1), bias = Vector256.Create(127);
        Vector256<float> first = Vector256.ShiftLeft(half + bias, 23).AsSingle(), second = Vector256.ShiftLeft(power - half + bias, 23).AsSingle();
        return new(a.Value * first * second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split(F32x8 a, out F32x8 mantissa, out F32x8 exponent)
    {
        Vector256<int> bits = a.Value.AsInt32(), power = Vector256.ShiftRightArithmetic(bits - Vector256.Create(SplitBits.RootOfHalf), 23);
        mantissa = new((bits - Vector256.ShiftLeft(power, 23)).AsSingle());
        exponent = new(Vector256.ConvertToSingle(power));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Exp(F32x8 a) => Polynomials.Exp(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Expm1(F32x8 a) => Polynomials.Expm1(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Log(F32x8 a) => Polynomials.Log(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Log1p(F32x8 a) => Polynomials.Log1p(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Tanh(F32x8 a) => Polynomials.Tanh(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Erf(F32x8 a) => Polynomials.Erf(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static float Sum(F32x8 a) => F32x4.Sum(new F32x4(a.Value.GetLower()) + new F32x4(a.Value.GetUpper()));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static float Largest(F32x8 a) => F32x4.Largest(F32x4.Max(new F32x4(a.Value.GetLower()), new F32x4(a.Value.GetUpper())));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static bool Any(F32x8 mask) => Vector256.ExtractMostSignificantBits(mask.Value) != 0;
}
