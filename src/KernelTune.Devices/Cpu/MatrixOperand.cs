using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>
/// An operand of a product: its last two axes are a matrix, of which one axis must be dense. An operand that has no dense axis is copied to the
/// workspace first.
/// </summary>
internal readonly unsafe struct MatrixOperand
{
    private MatrixOperand(View view, float* start)
    {
        View = view;
        Start = start;
    }

    /// <summary>The strides that the product reads by; after a copy, those of the copy.</summary>
    public View View { get; }

    /// <summary>The first element.</summary>
    public float* Start { get; }

    /// <summary>True where the last axis but one is the dense one.</summary>
    public bool IsTransposed => !(View.Stride(-1) == 1 || View.Shape[^1] == 1);

    /// <summary>The distance between stored rows.</summary>
    public nint Leading => IsTransposed ? (nint)View.Stride(-1) : View.Shape[^2] == 1 ? View.Shape[^1] : (nint)View.Stride(-2);

    /// <summary>Bytes of workspace that <see cref="Read"/> wants for a view.</summary>
    public static long CopyBytes(in View view) => HasDenseAxis(view) ? 0 : (view.Bytes + 63) / 64 * 64;

    /// <summary>The operand as <see cref="Read"/> will give it, for sizes: nothing is read.</summary>
    public static MatrixOperand Foresee(in View view) => new(HasDenseAxis(view) ? view : Dense(view), null);

    /// <summary>The operand, copied to the workspace if need be; the workspace then begins behind the copy.</summary>
    public static MatrixOperand Read(WorkerPool pool, in View view, ref nint workspace)
    {
        if (HasDenseAxis(view))
            return new MatrixOperand(view, (float*)view.Address);
        var copy = new MatrixOperand(Dense(view), (float*)workspace);
        CpuCopy.ToDense(pool, view, copy.Start);
        workspace += (nint)CopyBytes(view);
        return copy;
    }

    /// <summary>Refuses operands that are not fp32.</summary>
    public static void CheckType(string operation, params ReadOnlySpan<View> views)
    {
        foreach (var view in views)
        {
            if (view.Exists && view.Type != DType.F32)
                throw new DeviceException("cpu", $"{operation} of {view}: operands must be F32");
        }
    }

    private static bool HasDenseAxis(in View view) => view.Stride(-1) == 1 || view.Shape[^1] == 1 || view.Stride(-2) == 1 || view.Shape[^2] == 1;

    // The block is of no account: only strides are read.
    private static View Dense(in View view) => new(view.Block, view.Type, view.Shape);
}
