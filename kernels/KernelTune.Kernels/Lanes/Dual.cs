using System.Runtime.CompilerServices;

namespace KernelTune.Kernels.Lanes;

/// <summary>A double and its derivative along one direction: what a formula's derivative is checked with. Masks live in <see cref="Value"/>.</summary>
public readonly struct Dual(double value, double tangent) : ILane<Dual>
{
    public readonly double Value = value, Tangent = tangent;

    public static Dual Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(0, 0);
    }

    public static Dual One
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(1, 0);
    }

    public static Dual Create(float value) => new(value, 0);
    public static Dual Create(double value) => new(value, 0);

    public static Dual operator +(Dual a, Dual b) => new(a.Value + b.Value, a.Tangent + b.Tangent);
    public static Dual operator -(Dual a, Dual b) => new(a.Value - b.Value, a.Tangent - b.Tangent);
    public static Dual operator *(Dual a, Dual b) => new(a.Value * b.Value, a.Tangent * b.Value + a.Value * b.Tangent);
    public static Dual operator /(Dual a, Dual b) => new(a.Value / b.Value, (a.Tangent - a.Value / b.Value * b.Tangent) / b.Value);
    public static Dual operator -(Dual a) => new(-a.Value, -a.Tangent);

    private static Dual Mask(bool set) => new(set ? 1 : 0, 0);
    public static Dual operator <(Dual a, Dual b) => Mask(a.Value < b.Value);
    public static Dual operator >(Dual a, Dual b) => Mask(a.Value > b.Value);
    public static Dual operator <=(Dual a, Dual b) => Mask(a.Value <= b.Value);
    public static Dual operator >=(Dual a, Dual b) => Mask(a.Value >= b.Value);
    public static Dual operator &(Dual a, Dual b) => Mask(a.Value != 0 && b.Value != 0);
    public static Dual operator |(Dual a, Dual b) => Mask(a.Value != 0 || b.Value != 0);
    public static Dual operator ~(Dual a) => Mask(a.Value == 0);
    public static Dual Equal(Dual a, Dual b) => Mask(a.Value == b.Value);
    public static Dual IsNaN(Dual a) => Mask(double.IsNaN(a.Value));
    public static Dual Select(Dual mask, Dual ifTrue, Dual ifFalse) => mask.Value != 0 ? ifTrue : ifFalse;

    public static Dual Fma(Dual a, Dual b, Dual c) => a * b + c;

    public static Dual Sqrt(Dual a)
    {
        double root = Math.Sqrt(a.Value);
        return new(root, a.Tangent / (2 * root));
    }

    public static Dual Abs(Dual a) => a.Value < 0 ? -a : a;
    public static Dual Max(Dual a, Dual b) => double.IsNaN(a.Value) || a.Value > b.Value ? a : b;
    public static Dual Min(Dual a, Dual b) => double.IsNaN(a.Value) || a.Value < b.Value ? a : b;

    public static Dual Exp(Dual a)
    {
        double e = Math.Exp(a.Value);
        return new(e, e * a.Tangent);
    }

    public static Dual Expm1(Dual a) => new(DoubleFunctions.Expm1(a.Value), Math.Exp(a.Value) * a.Tangent);
    public static Dual Log(Dual a) => new(Math.Log(a.Value), a.Tangent / a.Value);
    public static Dual Log1p(Dual a) => new(DoubleFunctions.Log1p(a.Value), a.Tangent / (1 + a.Value));

    public static Dual Tanh(Dual a)
    {
        double t = Math.Tanh(a.Value);
        return new(t, (1 - t * t) * a.Tangent);
    }

    public static Dual Erf(Dual a) => new(DoubleFunctions.Erf(a.Value), 1.1283791670955126 * Math.Exp(-a.Value * a.Value) * a.Tangent);
}
