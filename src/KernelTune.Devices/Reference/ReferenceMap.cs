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
        if (IsDense(call.A) && IsDense(call.B) && IsDense(call.C) && IsDense(call.D) && IsDense(call.X) && IsDense(call.Y) && IsDense(call.Z))
        {
            var whole = new MapRow { A = Whole(call.A), B = Whole(call.B), C = Whole(call.C), D = Whole(call.D), X = Whole(call.X), Y = Whole(call.Y), Z = Whole(call.Z) };
            MapKernel.Run<F64, F64, TOp, TParams>(whole, call.X.Elements, call.Params);
            return;
        }
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

    private static bool IsDense(in View view) => !view.Exists || view.IsDense;

    private static MapOperand Whole(in View view) => view.Exists ? new MapOperand((void*)view.Address, 1) : default;

    private static MapOperand Operand(ReadOnlySpan<View> views, Span<long> at, in Odometer rows, int i) =>
        views[i].Exists ? new MapOperand((double*)views[i].Block.Address + at[i], rows.Step(i)) : default;
}
