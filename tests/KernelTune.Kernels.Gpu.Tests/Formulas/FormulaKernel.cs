using ILGPU;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Kernels.Gpu.Tests.Formulas;

/// <summary>The operands of a formula in dense memory.</summary>
public struct FormulaArgs<P>
    where P : struct
{
    public ArrayView<float> A, B, C, D, X, Y, Z;
    public P Params;
    public int Count;
}

/// <summary>The smallest kernel that runs a formula: every thread takes each n-th element, n the number of threads.</summary>
public static class FormulaKernel
{
    public static void Run<TOp, P>(FormulaArgs<P> args)
        where TOp : struct, IElementwise<P>
        where P : struct
    {
        for (int i = Grid.GlobalIndex.X; i < args.Count; i += Grid.DimX * Group.DimX)
        {
            G32 b = G32.Zero, c = G32.Zero, d = G32.Zero;
            G32 a = new(args.A[i]);
            if (TOp.Inputs > 1)
                b = new(args.B[i]);
            if (TOp.Inputs > 2)
                c = new(args.C[i]);
            if (TOp.Inputs > 3)
                d = new(args.D[i]);
            TOp.Apply(a, b, c, d, args.Params, out G32 x, out G32 y, out G32 z);
            args.X[i] = x.Value;
            if (TOp.Outputs > 1)
                args.Y[i] = y.Value;
            if (TOp.Outputs > 2)
                args.Z[i] = z.Value;
        }
    }
}
