using ILGPU;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Gpu;

/// <summary>
/// One float on a GPU: the lane that runs the formulas inside an ILGPU kernel, with the bits of <see cref="F32"/> on CUDA and on ILGPU's CPU accelerator.
/// A mask is 1 or 0.
/// </summary>
/// <remarks>
/// Everything that rounds or compares goes through <see cref="GpuMath"/>: ILGPU may regroup plain sums and products with constants, ptxas fuses them, and ILGPU's own
/// comparisons of a constant with NaN are wrong.
/// </remarks>
public readonly struct G32(float value) : IFloat32Lane<G32>
{
    public readonly float Value = value;

    public static G32 Zero => new(0f);
    public static G32 One => new(1f);
    public static G32 Create(float value) => new(value);
    public static G32 Create(double value) => new((float)value);

    public static G32 operator +(G32 a, G32 b) => new(GpuMath.Add(a.Value, b.Value));
    public static G32 operator -(G32 a, G32 b) => new(GpuMath.Subtract(a.Value, b.Value));
    public static G32 operator *(G32 a, G32 b) => new(GpuMath.Multiply(a.Value, b.Value));
    public static G32 operator /(G32 a, G32 b) => new(GpuMath.Divide(a.Value, b.Value));
    public static G32 operator -(G32 a) => new(GpuMath.Negate(a.Value));

    private static G32 Mask(bool set) => new(set ? 1f : 0f);
    private static bool IsSet(G32 mask) => Interop.FloatAsInt(mask.Value) != 0;

    public static G32 operator <(G32 a, G32 b) => Mask(GpuMath.Less(a.Value, b.Value));
    public static G32 operator >(G32 a, G32 b) => Mask(GpuMath.Less(b.Value, a.Value));
    public static G32 operator <=(G32 a, G32 b) => Mask(GpuMath.LessOrEqual(a.Value, b.Value));
    public static G32 operator >=(G32 a, G32 b) => Mask(GpuMath.LessOrEqual(b.Value, a.Value));
    public static G32 operator &(G32 a, G32 b) => Mask(IsSet(a) & IsSet(b));
    public static G32 operator |(G32 a, G32 b) => Mask(IsSet(a) | IsSet(b));
    public static G32 operator ~(G32 a) => Mask(!IsSet(a));
    public static G32 Equal(G32 a, G32 b) => Mask(GpuMath.Equal(a.Value, b.Value));
    public static G32 IsNaN(G32 a) => Mask(!GpuMath.Equal(a.Value, a.Value));
    public static G32 Select(G32 mask, G32 ifTrue, G32 ifFalse) => IsSet(mask) ? ifTrue : ifFalse;

    public static G32 Fma(G32 a, G32 b, G32 c) => new(GpuMath.Fma(a.Value, b.Value, c.Value));
    public static G32 Sqrt(G32 a) => new(GpuMath.Sqrt(a.Value));
    public static G32 Abs(G32 a) => new(GpuMath.Abs(a.Value));
    public static G32 GreaterOf(G32 a, G32 b) => GpuMath.Less(b.Value, a.Value) ? a : b;
    public static G32 LesserOf(G32 a, G32 b) => GpuMath.Less(a.Value, b.Value) ? a : b;
    public static G32 Max(G32 a, G32 b) => GpuMath.Equal(a.Value, a.Value) & !GpuMath.Less(b.Value, a.Value) ? b : a;
    public static G32 Min(G32 a, G32 b) => GpuMath.Equal(a.Value, a.Value) & !GpuMath.Less(a.Value, b.Value) ? b : a;
    public static G32 Round(G32 a) => new(GpuMath.Round(a.Value));

    public static G32 ScaleB(G32 a, G32 n)
    {
        // Two factors, because 2^n alone may not be a normal number; the first product is exact.
        int power = (int)n.Value, half = power >> 1;
        float first = Interop.IntAsFloat((uint)((half + 127) << 23)), second = Interop.IntAsFloat((uint)((power - half + 127) << 23));
        return new(GpuMath.Multiply(GpuMath.Multiply(a.Value, first), second));
    }

    public static void Split(G32 a, out G32 mantissa, out G32 exponent)
    {
        // √½ subtracted from the bits leaves the exponent of mantissas in [√½, √2) in the top bits.
        const int RootOfHalf = 0x3F3504F3;
        int bits = (int)Interop.FloatAsInt(a.Value), power = (bits - RootOfHalf) >> 23;
        mantissa = new(Interop.IntAsFloat((uint)(bits - (power << 23))));
        exponent = new(power);
    }

    public static G32 Exp(G32 a) => Polynomials.Exp(a);
    public static G32 Expm1(G32 a) => Polynomials.Expm1(a);
    public static G32 Log(G32 a) => Polynomials.Log(a);
    public static G32 Log1p(G32 a) => Polynomials.Log1p(a);
    public static G32 Tanh(G32 a) => Polynomials.Tanh(a);
    public static G32 Erf(G32 a) => Polynomials.Erf(a);
}
