using System.Runtime.CompilerServices;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Planes in a form that every tap of every window reads without a test: padding is there as zeros, and a row whose windows move by more than one column is sorted by the column's remainder,
/// so that neighbouring positions read neighbouring floats. Row r of plane p begins at (p·Rows + r)·RowFloats; column c of it lies at (c mod StrideWidth)·PhaseFloats + c / StrideWidth.
/// </summary>
internal readonly struct WindowPlanes
{
    /// <summary>Planes whose windows read rows [−top, rows − top) and columns [−left, columns − left) of planes height × width; top and left may be negative: what lies before is then left out.</summary>
    public WindowPlanes(int height, int width, int top, int left, int rows, int columns, int strideWidth)
    {
        (Height, Width, Top, Left, StrideWidth) = (height, width, top, left, strideWidth);
        IsAsStored = top == 0 && left == 0 && rows <= height && columns <= width && strideWidth == 1;
        Rows = IsAsStored ? height : rows;
        PhaseFloats = IsAsStored ? width : (columns + strideWidth - 1) / strideWidth;
        RowFloats = PhaseFloats * strideWidth;
    }

    public int Height { get; }

    public int Width { get; }

    public int Top { get; }

    public int Left { get; }

    public int StrideWidth { get; }

    public int Rows { get; }

    public int RowFloats { get; }

    public int PhaseFloats { get; }

    /// <summary>True where the stored planes are this form already: no copy is made.</summary>
    public bool IsAsStored { get; }

    public int PlaneFloats => Rows * RowFloats;

    /// <summary>Floats from a row's start to a tap's column.</summary>
    public int Column(int column) => (column % StrideWidth * PhaseFloats) + (column / StrideWidth);

    /// <summary>Copies planes [first, first + count) of <paramref name="from"/>, dense, to <paramref name="to"/>.</summary>
    public unsafe void Copy(WorkerPool? pool, float* from, int count, float* to)
    {
        var loop = new CopyLoop { Planes = this, From = from, To = to };
        MatMulBlocking.Loop(pool, count, ref loop);
    }

    private unsafe struct CopyLoop : IParallelBody
    {
        public WindowPlanes Planes;
        public float* From, To;

        public readonly void Execute(int item, int worker)
        {
            float* from = From + ((nint)item * Planes.Height * Planes.Width), to = To + ((nint)item * Planes.PlaneFloats);
            for (int r = 0; r < Planes.Rows; r++, to += Planes.RowFloats)
            {
                int row = r - Planes.Top;
                if ((uint)row >= (uint)Planes.Height)
                    new Span<float>(to, Planes.RowFloats).Clear();
                else if (Planes.StrideWidth == 1)
                    Row(from + ((nint)row * Planes.Width), to);
                else
                    Sorted(from + ((nint)row * Planes.Width), to);
            }
        }

        private readonly void Row(float* from, float* to)
        {
            int before = Math.Clamp(Planes.Left, 0, Planes.RowFloats), skipped = Math.Max(0, -Planes.Left);
            int inside = Math.Clamp(Planes.RowFloats - before, 0, Math.Max(0, Planes.Width - skipped)), after = Planes.RowFloats - before - inside;
            new Span<float>(to, before).Clear();
            Unsafe.CopyBlockUnaligned(to + before, from + skipped, (uint)inside * sizeof(float));
            new Span<float>(to + before + inside, after).Clear();
        }

        private readonly void Sorted(float* from, float* to)
        {
            for (int phase = 0; phase < Planes.StrideWidth; phase++)
            {
                int first = phase - Planes.Left;
                WindowRows.Read(from, 1, Planes.Width, first, Planes.StrideWidth, to + (phase * Planes.PhaseFloats), 1, Planes.PhaseFloats, 0);
            }
        }
    }
}
