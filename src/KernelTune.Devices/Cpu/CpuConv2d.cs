using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>Convolutions of dense fp32 planes. Anything empty is composed.</summary>
internal sealed unsafe class CpuConv2d(CpuContext cpu) : CpuKernel<Conv2dCall>(cpu)
{
    public override bool Suits(in Conv2dCall call) => PlanesOf.Suits(call.X, call.Weight, call.Y);

    public override long Workspace(in Conv2dCall call, int threads) => Conv2d.ForwardWorkspace(PlanesOf.Shape(call.X, call.Y, call.Window, call.Groups), threads, Cpu.Set);

    public override void Run(in Conv2dCall call, nint workspace)
    {
        Conv2dCall.Check(Conv2dCall.Name, call.X, call.Weight, call.Y, call.Window, call.Groups);
        Conv2d.Forward(PlanesOf.Shape(call.X, call.Y, call.Window, call.Groups), (float*)call.X.Address, (float*)call.Weight.Address, RowMatrix.Vector(call.Bias), (float*)call.Y.Address,
            (byte*)workspace, Cpu.Pool, Cpu.Set);
    }
}

/// <summary>dX of a convolution.</summary>
internal sealed unsafe class CpuConv2dGradInput(CpuContext cpu) : CpuKernel<Conv2dGradInputCall>(cpu)
{
    public override bool Suits(in Conv2dGradInputCall call) => PlanesOf.Suits(call.DX, call.Weight, call.DY);

    public override long Workspace(in Conv2dGradInputCall call, int threads) => Conv2dGradInput.Workspace(PlanesOf.Shape(call.DX, call.DY, call.Window, call.Groups), threads, Cpu.Set);

    public override void Run(in Conv2dGradInputCall call, nint workspace)
    {
        Conv2dCall.Check(Conv2dGradInputCall.Name, call.DX, call.Weight, call.DY, call.Window, call.Groups);
        Conv2dGradInput.Run(PlanesOf.Shape(call.DX, call.DY, call.Window, call.Groups), (float*)call.DY.Address, (float*)call.Weight.Address, (float*)call.DX.Address, call.Accumulate,
            (byte*)workspace, Cpu.Pool, Cpu.Set);
    }
}

/// <summary>dW of a convolution.</summary>
internal sealed unsafe class CpuConv2dGradWeight(CpuContext cpu) : CpuKernel<Conv2dGradWeightCall>(cpu)
{
    public override bool Suits(in Conv2dGradWeightCall call) => PlanesOf.Suits(call.X, call.DW, call.DY);

    public override long Workspace(in Conv2dGradWeightCall call, int threads) => Conv2d.GradWeightWorkspace(PlanesOf.Shape(call.X, call.DY, call.Window, call.Groups), threads, Cpu.Set);

    public override void Run(in Conv2dGradWeightCall call, nint workspace)
    {
        Conv2dCall.Check(Conv2dGradWeightCall.Name, call.X, call.DW, call.DY, call.Window, call.Groups);
        Conv2d.GradWeight(PlanesOf.Shape(call.X, call.DY, call.Window, call.Groups), (float*)call.X.Address, (float*)call.DY.Address, (float*)call.DW.Address, call.Accumulate,
            (byte*)workspace, Cpu.Pool, Cpu.Set);
    }
}

file static class PlanesOf
{
    public static bool Suits(in View planes, in View weight, in View results) => Suits(planes) && Suits(weight) && Suits(results);

    public static Conv2dShape Shape(in View planes, in View results, in Window2d w, int groups) => new()
    {
        Images = planes.Shape[0],
        Channels = planes.Shape[1],
        Height = planes.Shape[2],
        Width = planes.Shape[3],
        Outputs = results.Shape[1],
        Groups = groups,
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

    private static bool Suits(in View view) => view.Type == DType.F32 && view.Rank == 4 && view.IsDense && view.Elements > 0;
}
