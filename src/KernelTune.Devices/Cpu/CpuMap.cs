using System.Runtime.CompilerServices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Devices.Cpu;

/// <summary>Formulas over views: rows, or pieces of long rows, are handed to the pool.</summary>
internal static unsafe class CpuMap
{
    private const int Grain = 16384;

    public static void Run<V, TNarrow, TOp, TParams>(WorkerPool pool, in MapCall<TOp, TParams> call)
        where V : struct, IVectorLane<V>
        where TNarrow : struct, IVectorLane<TNarrow>
        where TOp : struct, IElementwise<TParams>
        where TParams : struct
    {
        var loop = new Loop<V, TNarrow, TOp, TParams>
        {
            Plan = RowPlan.Of([call.X, call.Y, call.Z, call.A, call.B, call.C, call.D], Grain),
            X = Start(call.X),
            Y = Start(call.Y),
            Z = Start(call.Z),
            A = Start(call.A),
            B = Start(call.B),
            C = Start(call.C),
            D = Start(call.D),
            Params = call.Params,
        };
        pool.Run(loop.Plan.Items, ref loop);
    }

    private static byte* Start(in View view) => view.Exists ? (byte*)view.Address : null;

    private struct Loop<V, TNarrow, TOp, TParams> : IParallelBody
        where V : struct, IVectorLane<V>
        where TNarrow : struct, IVectorLane<TNarrow>
        where TOp : struct, IElementwise<TParams>
        where TParams : struct
    {
        public RowPlan Plan;
        public byte* X, Y, Z, A, B, C, D;
        public TParams Params;

        public readonly void Execute(int item, int worker)
        {
            Plan.Piece(item, out long first, out long last, out long from, out long to);
            for (long row = first; row < last; row++)
            {
                var operands = new MapRow
                {
                    X = Operand(X, 0, row, from),
                    Y = Operand(Y, 1, row, from),
                    Z = Operand(Z, 2, row, from),
                    A = Operand(A, 3, row, from),
                    B = Operand(B, 4, row, from),
                    C = Operand(C, 5, row, from),
                    D = Operand(D, 6, row, from),
                };
                MapKernel.Run<V, TNarrow, TOp, TParams>(operands, to - from, Params);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly MapOperand Operand(byte* start, int operand, long row, long from)
        {
            if (start is null)
                return default;
            long step = Plan.Step(operand);
            return new MapOperand(start + ((Plan.Offset(operand, row) + (from * step)) * V.ElementSize), step);
        }
    }
}
