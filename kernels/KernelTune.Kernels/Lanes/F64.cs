using System.Runtime.CompilerServices;

namespace KernelTune.Kernels.Lanes;

/// <summary>One double: the reference device's lane. exp, log and tanh are Math's.</summary>
public readonly unsafe struct F64(double value) : IVectorLane<F64>
{
    public readonly double Value = value;

    public static int Width => 1;
    public static int ElementSize => sizeof(double);
    public static F64 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(0.0);
    }

    public static F64 One
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(1.0);
    }

    public static F64 Create(float value) => new(value);
    public static F64 Create(double value) => new(value);
    public static F64 Load(void* from) => new(*(double*)from);
    public static F64 Broadcast(void* from) => new(*(double*)from);
    public static void Store(F64 value, void* to) => *(double*)to = value.Value;
    public static F64 LoadPart(void* from, int count) => count > 0 ? Load(from) : Zero;

    public static void StorePart(F64 value, void* to, int count)
    {
        if (count > 0) Store(value, to);
    }

    public static F64 operator +(F64 a, F64 b) => new(a.Value + b.Value);
    public static F64 operator -(F64 a, F64 b) => new(a.Value - b.Value);
    public static F64 operator *(F64 a, F64 b) => new(a.Value * b.Value);
    public static F64 operator /(F64 a, F64 b) => new(a.Value / b.Value);
    public static F64 operator -(F64 a) => new(-a.Value);

    private static F64 Mask(bool set) => new(set ? 1.0 : 0.0);
    public static F64 operator <(F64 a, F64 b) => Mask(a.Value < b.Value);
    public static F64 operator >(F64 a, F64 b) => Mask(a.Value > b.Value);
    public static F64 operator <=(F64 a, F64 b) => Mask(a.Value <= b.Value);
    public static F64 operator >=(F64 a, F64 b) => Mask(a.Value >= b.Value);
    public static F64 operator &(F64 a, F64 b) => Mask(a.Value != 0 && b.Value != 0);
    public static F64 operator |(F64 a, F64 b) => Mask(a.Value != 0 || b.Value != 0);
    public static F64 operator ~(F64 a) => Mask(a.Value == 0);
    public static F64 Equal(F64 a, F64 b) => Mask(a.Value == b.Value);
    public static F64 IsNaN(F64 a) => Mask(double.IsNaN(a.Value));
    public static F64 Select(F64 mask, F64 ifTrue, F64 ifFalse) => mask.Value != 0 ? ifTrue : ifFalse;

    public static F64 Fma(F64 a, F64 b, F64 c) => new(Math.FusedMultiplyAdd(a.Value, b.Value, c.Value));
    public static F64 Sqrt(F64 a) => new(Math.Sqrt(a.Value));
    public static F64 Abs(F64 a) => new(Math.Abs(a.Value));
    public static F64 Max(F64 a, F64 b) => new(Math.Max(a.Value, b.Value));
    public static F64 Min(F64 a, F64 b) => new(Math.Min(a.Value, b.Value));
    public static F64 Exp(F64 a) => new(Math.Exp(a.Value));
    public static F64 Expm1(F64 a) => new(DoubleFunctions.Expm1(a.Value));
    public static F64 Log(F64 a) => new(Math.Log(a.Value));
    public static F64 Log1p(F64 a) => new(DoubleFunctions.Log1p(a.Value));
    public static F64 Tanh(F64 a) => new(Math.Tanh(a.Value));
    public static F64 Erf(F64 a) => new(DoubleFunctions.Erf(a.Value));
}
