using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>Maxima of windows: a piece of work has some planes.</summary>
internal sealed unsafe class CpuMaxPool2d(CpuContext cpu) : CpuKernel<MaxPool2dCall>(cpu)
{
    public override bool Suits(in MaxPool2dCall call) => MaxPools.Suits(call.X, call.Y, call.Index);

    public override void Run(in MaxPool2dCall call, nint workspace)
    {
        call.Check();
        var loop = new Loop { Shape = MaxPools.Shape(call.X, call.Window), X = (float*)call.X.Address, Y = (float*)call.Y.Address, Index = (int*)call.Index.Address };
        Cpu.Pool.Run(checked(call.X.Shape[0] * call.X.Shape[1]), ref loop);
    }

    private struct Loop : IParallelBody
    {
        public Conv2dShape Shape;
        public float* X, Y;
        public int* Index;

        public readonly void Execute(int item, int worker)
        {
            nint at = (nint)item * Shape.Rows * Shape.Columns;
            MaxPool2d.Forward(Shape, X + ((nint)item * Shape.Height * Shape.Width), Y + at, Index + at);
        }
    }
}

/// <summary>dX of maxima: a piece of work owns a plane.</summary>
internal sealed unsafe class CpuMaxPool2dGrad(CpuContext cpu) : CpuKernel<MaxPool2dGradCall>(cpu)
{
    public override bool Suits(in MaxPool2dGradCall call) => MaxPools.Suits(call.DX, call.DY, call.Index);

    public override void Run(in MaxPool2dGradCall call, nint workspace)
    {
        var loop = new Loop { Shape = MaxPools.Shape(call.DX, call.Window), DY = (float*)call.DY.Address, DX = (float*)call.DX.Address, Index = (int*)call.Index.Address, Add = call.Accumulate };
        Cpu.Pool.Run(checked(call.DX.Shape[0] * call.DX.Shape[1]), ref loop);
    }

    private struct Loop : IParallelBody
    {
        public Conv2dShape Shape;
        public float* DY, DX;
        public int* Index;
        public bool Add;

        public readonly void Execute(int item, int worker)
        {
            nint at = (nint)item * Shape.Rows * Shape.Columns;
            MaxPool2d.Gradient(Shape, DY + at, Index + at, DX + ((nint)item * Shape.Height * Shape.Width), Add);
        }
    }
}

file static class MaxPools
{
    public static bool Suits(in View planes, in View pooled, in View index) => planes.Type == DType.F32 && pooled.Type == DType.F32 && index.Type == DType.I32
        && planes.IsDense && pooled.IsDense && index.IsDense;

    public static Conv2dShape Shape(in View planes, in Window2d w) => new()
    {
        Images = 1,
        Channels = 1,
        Outputs = 1,
        Groups = 1,
        Height = planes.Shape[2],
        Width = planes.Shape[3],
        KernelHeight = w.KernelHeight,
        KernelWidth = w.KernelWidth,
        StrideHeight = w.StrideHeight,
        StrideWidth = w.StrideWidth,
        DilationHeight = w.DilationHeight,
        DilationWidth = w.DilationWidth,
        Top = w.Top,
        Left = w.Left,
        Rows = w.Rows,
        Columns = w.Columns,
    };
}
