using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>The geometry of windows over planes [H, W]: tap (i, j) of position (oy, ox) lies at row oy·StrideH − Top + i·DilationH, and so its column.</summary>
public struct WindowArgs<T>
    where T : unmanaged
{
    /// <summary>[B, C, H, W].</summary>
    public ArrayView<T> Planes;

    /// <summary>[B, C, Kh·Kw, Oh·Ow].</summary>
    public ArrayView<T> Windows;

    /// <summary>The shape of what is written; the innermost axis is the last.</summary>
    public Layout Shape;
    public long PlanesStart, PlanesB, PlanesC, PlanesH, PlanesW, WindowsStart, WindowsB, WindowsC, WindowsTap, WindowsPosition;
    public int H, W, KernelH, KernelW, StrideH, StrideW, DilationH, DilationW, Top, Left, Rows, Columns;

    /// <summary>What lies outside a plane.</summary>
    public double Padding;

    /// <summary>1: add to what is there.</summary>
    public int Accumulate;
}

/// <summary>The taps of every window, im2col: one thread an element of the windows. Shape: [B, C, taps, positions].</summary>
public readonly struct UnfoldKernel<T> : IGpuKernel<WindowArgs<T>>
    where T : unmanaged, IStored<T>
{
    public static void Run(WindowArgs<T> args)
    {
        for (uint e = GridWalk.First; e < args.Shape.Count; e += GridWalk.Stride)
        {
            Place p = args.Shape.At(e);
            int position = (int)p.P0, tap = (int)p.P1;
            int oy = position / args.Columns, ox = position - (oy * args.Columns), i = tap / args.KernelW, j = tap - (i * args.KernelW);
            int row = (oy * args.StrideH) - args.Top + (i * args.DilationH), column = (ox * args.StrideW) - args.Left + (j * args.DilationW);
            T value = T.FromDouble(args.Padding);
            if (row >= 0 & row < args.H & column >= 0 & column < args.W)
                value = args.Planes[args.PlanesStart + (p.P3 * args.PlanesB) + (p.P2 * args.PlanesC) + (row * args.PlanesH) + (column * args.PlanesW)];
            args.Windows[args.WindowsStart + (p.P3 * args.WindowsB) + (p.P2 * args.WindowsC) + (tap * args.WindowsTap) + (position * args.WindowsPosition)] = value;
        }
    }
}

/// <summary>The sum of the taps that lie on an element, col2im, (i, j) in order: one thread an element of the planes. Shape: [B, C, H, W].</summary>
public readonly struct FoldKernel<T> : IGpuKernel<WindowArgs<T>>
    where T : unmanaged, IStored<T>
{
    public static void Run(WindowArgs<T> args)
    {
        for (uint e = GridWalk.First; e < args.Shape.Count; e += GridWalk.Stride)
        {
            Place p = args.Shape.At(e);
            int row = (int)p.P1, column = (int)p.P0;
            long plane = args.PlanesStart + (p.P3 * args.PlanesB) + (p.P2 * args.PlanesC) + (row * args.PlanesH) + (column * args.PlanesW);
            long windows = args.WindowsStart + (p.P3 * args.WindowsB) + (p.P2 * args.WindowsC);
            float sum = 0f;
            for (int i = 0; i < args.KernelH; i++)
            {
                int down = row + args.Top - (i * args.DilationH), oy = down / args.StrideH;
                if (down >= 0 & oy * args.StrideH == down & oy < args.Rows)
                {
                    for (int j = 0; j < args.KernelW; j++)
                    {
                        int right = column + args.Left - (j * args.DilationW), ox = right / args.StrideW;
                        if (right >= 0 & ox * args.StrideW == right & ox < args.Columns)
                        {
                            long from = windows + (((i * args.KernelW) + j) * args.WindowsTap) + (((oy * args.Columns) + ox) * args.WindowsPosition);
                            sum = GpuMath.Add(sum, T.ToFloat(args.Windows[from]));
                        }
                    }
                }
            }
            if (args.Accumulate != 0)
                sum = GpuMath.Add(T.ToFloat(args.Planes[plane]), sum);
            args.Planes[plane] = T.FromFloat(sum);
        }
    }
}
