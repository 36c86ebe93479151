using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// C [M, N] = (C +) A·Bᵀ with few rows of A or of B, both stored along k: nothing is packed and the long operand is read once. A
/// row-major matrix times a vector, and LoRA's x·Aᵀ, are of this kind.
/// </summary>
internal static unsafe class MatMulDots
{
    public static void Run<TEpilogue>(
        in MatMulShape shape, float* a, float* b, nint ldB, float* c, in TEpilogue epilogue, WorkerPool? pool, InstructionSet set)
        where TEpilogue : struct, ITileEpilogue
    {
        // The long operand goes by fours, and the short one passes over each four while they are in the first-level cache.
        var longRows = shape.M > shape.N;
        var loop = new FoursLoop<TEpilogue>
        {
            Set = set, K = shape.K, C = c, LdC = shape.LdC, Add = shape.Add, Epilogue = epilogue, LongRows = longRows,
            Long = longRows ? a : b, LdLong = longRows ? shape.LdA : ldB, LongCount = longRows ? shape.M : shape.N,
            Short = longRows ? b : a, LdShort = longRows ? ldB : shape.LdA, ShortCount = longRows ? shape.N : shape.M,
        };
        loop.Run(pool);
    }

    private struct FoursLoop<TEpilogue> : IParallelBody where TEpilogue : struct, ITileEpilogue
    {
        public InstructionSet Set;
        public float* Long, Short, C;
        public nint LdLong, LdShort, LdC;
        public int LongCount, ShortCount, K;
        public bool LongRows, Add;
        public TEpilogue Epilogue;
        private int runs;

        public void Run(WorkerPool? pool)
        {
            var fours = (LongCount + 3) / 4;
            runs = Math.Min(fours, pool is null ? 1 : 4 * pool.Workers);
            MatMulBlocking.Loop(pool, runs, ref this);
        }

        public readonly void Execute(int item, int worker)
        {
            var sums = stackalloc float[16];
            var fours = (LongCount + 3) / 4;
            var last = Math.Min(LongCount, (int)((long)fours * (item + 1) / runs) * 4);
            for (var l = (int)((long)fours * item / runs) * 4; l < last; l += 4)
            {
                var some = Math.Min(4, LongCount - l);
                // Fewer than four left: the one row is read four times over.
                var ld = some == 4 ? LdLong : 0;
                for (var i = 0; i < some; i += ld == 0 ? 1 : 4)
                    for (var s = 0; s < ShortCount; s += 4)
                    {
                        var rows = Math.Min(4, ShortCount - s);
                        MatMulDotTile.Run(Set, rows, K, Short + s * LdShort, LdShort, Long + (l + i) * LdLong, ld, sums);
                        Put(sums, rows, s, l + i, ld == 0 ? 1 : 4);
                    }
                if (!TEpilogue.IsNothing)
                {
                    if (LongRows)
                        Epilogue.Apply(C + l * LdC, LdC, l, 0, some, ShortCount);
                    else
                        Epilogue.Apply(C + l, LdC, 0, l, ShortCount, some);
                }
            }
        }

        private readonly void Put(float* sums, int rows, int s, int l, int count)
        {
            for (var i = 0; i < rows; i++)
                for (var j = 0; j < count; j++)
                {
                    var at = LongRows ? (l + j) * LdC + s + i : (s + i) * LdC + l + j;
                    C[at] = Add ? C[at] + sums[i * 4 + j] : sums[i * 4 + j];
                }
        }
    }
}
