using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Reference;

/// <summary>Formulas in double, row by row.</summary>
internal static unsafe class ReferenceMap
{
    public static void Run<TOp, TParams>(in MapCall<TOp, TParams> call)
        where TOp : struct, IElementwise<TParams>
        where TParams : struct
    {
        call.Check();
        if (call.X.Type != DType.F64)
            throw new DeviceException("reference", $"the formula {typeof(TOp).Name} over {call.X.Type}");
        ReadOnlySpan<View> views = [call.A, call.B, call.C, call.D, call.X, call.Y, call.Z];
        Span<long> at = stackalloc long[7];
        var rows = new Odometer(call.X.Shape, views, at, stackalloc int[Shape.MaxRank]);
        while (rows.Next())
        {
            var row = new MapRow
            {
                A = Operand(views, at, rows, 0),
                B = Operand(views, at, rows, 1),
                C = Operand(views, at, rows, 2),
                D = Operand(views, at, rows, 3),
                X = Operand(views, at, rows, 4),
                Y = Operand(views, at, rows, 5),
                Z = Operand(views, at, rows, 6),
            };
            MapKernel.Run<F64, F64, TOp, TParams>(row, rows.RowLength, call.Params);
        }
    }

    private static MapOperand Operand(ReadOnlySpan<View> views, Span<long> at, in Odometer rows, int i) =>
        views[i].Exists ? new MapOperand((double*)views[i].Block.Address + at[i], rows.Step(i)) : default;
}
