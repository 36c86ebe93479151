using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Kernels.Lanes;

/// <summary>Four floats, on any processor that .NET runs on.</summary>
public readonly unsafe struct F32x4(Vector128<float> value) : IRowLane<F32x4>
{
    public readonly Vector128<float> Value = value;

    public static int Width => 4;
    public static int ElementSize => sizeof(float);
    public static F32x4 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(Vector128<float>.Zero);
    }

    public static F32x4 One
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(Vector128.Create(1f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Create(float value) => new(Vector128.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Create(double value) => new(Vector128.Create((float)value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Load(void* from) => new(Vector128.Load((float*)from));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Broadcast(void* from) => new(Vector128.Create(*(float*)from));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static void Store(F32x4 value, void* to) => value.Value.Store((float*)to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x4 LoadPart(void* from, int count)
    {
        float* p = (float*)from;
        return new(Vector128.Create(count > 0 ? p[0] : 0f, count > 1 ? p[1] : 0f, count > 2 ? p[2] : 0f, count > 3 ? p[3] : 0f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart(F32x4 value, void* to, int count)
    {
        float* p = (float*)to;
        if (count > 0) p[0] = value.Value.GetElement(0);
        if (count > 1) p[1] = value.Value.GetElement(1);
        if (count > 2) p[2] = value.Value.GetElement(2);
        if (count > 3) p[3] = value.Value.GetElement(3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator +(F32x4 a, F32x4 b) => new(a.Value + b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator -(F32x4 a, F32x4 b) => new(a.Value - b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator *(F32x4 a, F32x4 b) => new(a.Value * b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator /(F32x4 a, F32x4 b) => new(a.Value / b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator -(F32x4 a) => new(-a.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator <(F32x4 a, F32x4 b) => new(Vector128.LessThan(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator >(F32x4 a, F32x4 b) => new(Vector128.GreaterThan(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator <=(F32x4 a, F32x4 b) => new(Vector128.LessThanOrEqual(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator >=(F32x4 a, F32x4 b) => new(Vector128.GreaterThanOrEqual(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator &(F32x4 a, F32x4 b) => new(a.Value & b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator |(F32x4 a, F32x4 b) => new(a.Value | b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 operator ~(F32x4 a) => new(~a.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Equal(F32x4 a, F32x4 b) => new(Vector128.Equals(a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 IsNaN(F32x4 a) => new(~Vector128.Equals(a.Value, a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Select(F32x4 mask, F32x4 ifTrue, F32x4 ifFalse) => new(Vector128.ConditionalSelect(mask.Value, ifTrue.Value, ifFalse.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Fma(F32x4 a, F32x4 b, F32x4 c) => new(Vector128.FusedMultiplyAdd(a.Value, b.Value, c.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Sqrt(F32x4 a) => new(Vector128.Sqrt(a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Abs(F32x4 a) => new(Vector128.Abs(a.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 GreaterOf(F32x4 a, F32x4 b) => new(Vector128.ConditionalSelect(Vector128.GreaterThan(a.Value, b.Value), a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 LesserOf(F32x4 a, F32x4 b) => new(Vector128.ConditionalSelect(Vector128.LessThan(a.Value, b.Value), a.Value, b.Value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Max(F32x4 a, F32x4 b) => Select(IsNaN(a), a, GreaterOf(a, b));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Min(F32x4 a, F32x4 b) => Select(IsNaN(a), a, LesserOf(a, b));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Round(F32x4 a) => new(Vector128.Round(a.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x4 ScaleB(F32x4 a, F32x4 n)
    {
        // Two factors, because 2^n alone may not be a normal number; the first product is exact.
        Vector128<int> power = Vector128.ConvertToInt32Native(n.Value), half = Vector128.ShiftRightArithmetic(power, 1), bias = Vector128.Create(127);
        Vector128<float> first = Vector128.ShiftLeft(half + bias, 23).AsSingle(), second = Vector128.ShiftLeft(power - half + bias, 23).AsSingle();
        return new(a.Value * first * second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split(F32x4 a, out F32x4 mantissa, out F32x4 exponent)
    {
        Vector128<int> bits = a.Value.AsInt32(), power = Vector128.ShiftRightArithmetic(bits - Vector128.Create(SplitBits.RootOfHalf), 23);
        mantissa = new((bits - Vector128.ShiftLeft(power, 23)).AsSingle());
        exponent = new(Vector128.ConvertToSingle(power));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Exp(F32x4 a) => Polynomials.Exp(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Expm1(F32x4 a) => Polynomials.Expm1(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Log(F32x4 a) => Polynomials.Log(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Log1p(F32x4 a) => Polynomials.Log1p(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Tanh(F32x4 a) => Polynomials.Tanh(a);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Erf(F32x4 a) => Polynomials.Erf(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(F32x4 a)
    {
        Vector128<float> halves = a.Value + Vector128.Shuffle(a.Value, Vector128.Create(2, 3, 0, 1));
        return halves.GetElement(0) + halves.GetElement(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(F32x4 a)
    {
        F32x4 halves = Max(a, new(Vector128.Shuffle(a.Value, Vector128.Create(2, 3, 0, 1))));
        return F32.Max(new(halves.Value.GetElement(0)), new(halves.Value.GetElement(1))).Value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x4 First(int count) => new(Vector128.GreaterThan(Vector128.Create(count), Vector128<int>.Indices).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static bool Any(F32x4 mask) => Vector128.ExtractMostSignificantBits(mask.Value) != 0;
}
