using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// What this machine can do at most, measured: fused multiply-adds from registers, copying and reading memory far larger than the caches.
/// Each figure is the best of several windows of a few milliseconds, because a shared machine can only make one slower.
/// </summary>
public static unsafe class MachinePeak
{
    /// <summary>Floating-point operations a second, an FMA counting two, of <paramref name="workers"/> of the pool's threads at once.</summary>
    /// <param name="pool">Whose threads.</param>
    /// <param name="workers">How many of them, from 1.</param>
    /// <param name="set">The vectors' width.</param>
    /// <param name="windows">How many windows of about 5 ms.</param>
    public static double Flops(WorkerPool pool, int workers, InstructionSet set, int windows = 10)
    {
        var best = 0.0;
        for (var w = 0; w < windows; w++)
        {
            var loop = new FlopsLoop { Set = set };
            best = Math.Max(best, Window(pool, workers, ref loop));
        }
        return best;
    }

    /// <summary>Bytes a second copied, read and written bytes both counted.</summary>
    /// <param name="pool">Whose threads.</param>
    /// <param name="workers">How many of them, from 1.</param>
    /// <param name="bytes">Of each of the two buffers, which are allocated and freed here; well above the last cache's size.</param>
    /// <param name="windows">How many passes.</param>
    public static double CopyBandwidth(WorkerPool pool, int workers, long bytes = 128 << 20, int windows = 5) =>
        Bandwidth(pool, workers, bytes, windows, copy: true);

    /// <summary>Bytes a second read. Parameters as for copying, with one buffer.</summary>
    public static double ReadBandwidth(WorkerPool pool, int workers, long bytes = 128 << 20, int windows = 5) =>
        Bandwidth(pool, workers, bytes, windows, copy: false);

    private static double Bandwidth(WorkerPool pool, int workers, long bytes, int windows, bool copy)
    {
        var from = (byte*)HugePages.Allocate(bytes);
        var to = copy ? (byte*)HugePages.Allocate(bytes) : null;
        try
        {
            // Random-looking contents, and every page touched before the first window.
            var value = 0x9E3779B9u;
            for (long i = 0; i < bytes / 4; i++)
                ((uint*)from)[i] = value = value * 1664525 + 1013904223;
            if (copy)
                NativeMemory.Clear(to, (nuint)bytes);
            var best = 0.0;
            for (var w = 0; w < windows; w++)
            {
                var loop = new MemoryLoop { From = from, To = to, Bytes = bytes / workers & ~4095L };
                best = Math.Max(best, Window(pool, workers, ref loop));
            }
            return best;
        }
        finally
        {
            HugePages.Free((nint)from);
            HugePages.Free((nint)to);
        }
    }

    private static double Window<TLoop>(WorkerPool pool, int workers, ref TLoop loop) where TLoop : struct, IMeasured
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(workers, pool.Workers);
        var totals = stackalloc double[workers];
        var together = new Together<TLoop> { Loop = loop, Workers = workers, Totals = totals };
        pool.Run(workers, ref together);
        var sum = 0.0;
        for (var i = 0; i < workers; i++)
            sum += totals[i];
        return sum;
    }

    private interface IMeasured
    {
        /// <summary>Does a fixed amount of work and returns how much.</summary>
        double Work(int item);
    }

    /// <summary>Starts the items at one time, each on its own thread, and adds up their rates.</summary>
    private struct Together<TLoop> : IParallelBody where TLoop : struct, IMeasured
    {
        public TLoop Loop;
        public int Workers;
        public double* Totals;
        private int started;

        public void Execute(int item, int worker)
        {
            Interlocked.Increment(ref started);
            var deadline = Stopwatch.GetTimestamp() + Stopwatch.Frequency / 50;
            // A thread that never comes (the pool serves another caller) must not hang the measurement.
            while (Volatile.Read(ref started) < Workers && Stopwatch.GetTimestamp() < deadline)
                Thread.SpinWait(8);
            var begin = Stopwatch.GetTimestamp();
            var work = Loop.Work(item);
            Totals[item] = work / Stopwatch.GetElapsedTime(begin).TotalSeconds;
        }
    }

    private struct FlopsLoop : IMeasured
    {
        public InstructionSet Set;

        public readonly double Work(int item)
        {
            const int Rounds = 700_000;
            var sink = stackalloc float[16];
            switch (Set)
            {
                case InstructionSet.Avx512:
                    Chains512(Rounds, sink);
                    return 2.0 * 16 * 24 * Rounds;
                case InstructionSet.Avx2:
                    Chains256(Rounds, sink);
                    return 2.0 * 8 * 12 * Rounds;
                default:
                    Chains128(Rounds / 4, sink);
                    return 2.0 * 4 * 12 * (Rounds / 4);
            }
        }
    }

    private struct MemoryLoop : IMeasured
    {
        public byte* From, To;
        public long Bytes;

        public readonly double Work(int item)
        {
            var at = item * Bytes;
            if (To != null)
            {
                Buffer.MemoryCopy(From + at, To + at, Bytes, Bytes);
                return 2.0 * Bytes;
            }
            Sum((float*)(From + at), Bytes / 4);
            return Bytes;
        }

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        private static int Sum(float* from, long count)
        {
            Vector256<int> a = default, b = default, c = default, d = default;
            for (long i = 0; i < count; i += 32)
            {
                a ^= Vector256.Load((int*)from + i);
                b ^= Vector256.Load((int*)from + i + 8);
                c ^= Vector256.Load((int*)from + i + 16);
                d ^= Vector256.Load((int*)from + i + 24);
            }
            return Vector256.Sum(a ^ b ^ c ^ d);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Chains512(int rounds, float* sink)
    {
        Vector512<float> x = Vector512.Create(0.5f), y = Vector512.Create(0.25f);
        Vector512<float> c0 = x, c1 = x, c2 = x, c3 = x, c4 = x, c5 = x, c6 = x, c7 = x, c8 = x, c9 = x, c10 = x, c11 = x;
        Vector512<float> c12 = x, c13 = x, c14 = x, c15 = x, c16 = x, c17 = x, c18 = x, c19 = x, c20 = x, c21 = x, c22 = x, c23 = x;
        for (var i = 0; i < rounds; i++)
        {
            c0 = Avx512F.FusedMultiplyAdd(x, y, c0);
            c1 = Avx512F.FusedMultiplyAdd(x, y, c1);
            c2 = Avx512F.FusedMultiplyAdd(x, y, c2);
            c3 = Avx512F.FusedMultiplyAdd(x, y, c3);
            c4 = Avx512F.FusedMultiplyAdd(x, y, c4);
            c5 = Avx512F.FusedMultiplyAdd(x, y, c5);
            c6 = Avx512F.FusedMultiplyAdd(x, y, c6);
            c7 = Avx512F.FusedMultiplyAdd(x, y, c7);
            c8 = Avx512F.FusedMultiplyAdd(x, y, c8);
            c9 = Avx512F.FusedMultiplyAdd(x, y, c9);
            c10 = Avx512F.FusedMultiplyAdd(x, y, c10);
            c11 = Avx512F.FusedMultiplyAdd(x, y, c11);
            c12 = Avx512F.FusedMultiplyAdd(x, y, c12);
            c13 = Avx512F.FusedMultiplyAdd(x, y, c13);
            c14 = Avx512F.FusedMultiplyAdd(x, y, c14);
            c15 = Avx512F.FusedMultiplyAdd(x, y, c15);
            c16 = Avx512F.FusedMultiplyAdd(x, y, c16);
            c17 = Avx512F.FusedMultiplyAdd(x, y, c17);
            c18 = Avx512F.FusedMultiplyAdd(x, y, c18);
            c19 = Avx512F.FusedMultiplyAdd(x, y, c19);
            c20 = Avx512F.FusedMultiplyAdd(x, y, c20);
            c21 = Avx512F.FusedMultiplyAdd(x, y, c21);
            c22 = Avx512F.FusedMultiplyAdd(x, y, c22);
            c23 = Avx512F.FusedMultiplyAdd(x, y, c23);
        }
        (c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11 + c12 + c13 + c14 + c15 + c16 + c17 + c18 + c19 + c20 + c21 + c22 + c23).Store(sink);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Chains256(int rounds, float* sink)
    {
        Vector256<float> x = Vector256.Create(0.5f), y = Vector256.Create(0.25f);
        Vector256<float> c0 = x, c1 = x, c2 = x, c3 = x, c4 = x, c5 = x, c6 = x, c7 = x, c8 = x, c9 = x, c10 = x, c11 = x;
        for (var i = 0; i < rounds; i++)
        {
            c0 = Fma.MultiplyAdd(x, y, c0);
            c1 = Fma.MultiplyAdd(x, y, c1);
            c2 = Fma.MultiplyAdd(x, y, c2);
            c3 = Fma.MultiplyAdd(x, y, c3);
            c4 = Fma.MultiplyAdd(x, y, c4);
            c5 = Fma.MultiplyAdd(x, y, c5);
            c6 = Fma.MultiplyAdd(x, y, c6);
            c7 = Fma.MultiplyAdd(x, y, c7);
            c8 = Fma.MultiplyAdd(x, y, c8);
            c9 = Fma.MultiplyAdd(x, y, c9);
            c10 = Fma.MultiplyAdd(x, y, c10);
            c11 = Fma.MultiplyAdd(x, y, c11);
        }
        (c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11).Store(sink);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Chains128(int rounds, float* sink)
    {
        Vector128<float> x = Vector128.Create(0.5f), y = Vector128.Create(0.25f);
        Vector128<float> c0 = x, c1 = x, c2 = x, c3 = x, c4 = x, c5 = x, c6 = x, c7 = x, c8 = x, c9 = x, c10 = x, c11 = x;
        for (var i = 0; i < rounds; i++)
        {
            c0 = Vector128.FusedMultiplyAdd(x, y, c0);
            c1 = Vector128.FusedMultiplyAdd(x, y, c1);
            c2 = Vector128.FusedMultiplyAdd(x, y, c2);
            c3 = Vector128.FusedMultiplyAdd(x, y, c3);
            c4 = Vector128.FusedMultiplyAdd(x, y, c4);
            c5 = Vector128.FusedMultiplyAdd(x, y, c5);
            c6 = Vector128.FusedMultiplyAdd(x, y, c6);
            c7 = Vector128.FusedMultiplyAdd(x, y, c7);
            c8 = Vector128.FusedMultiplyAdd(x, y, c8);
            c9 = Vector128.FusedMultiplyAdd(x, y, c9);
            c10 = Vector128.FusedMultiplyAdd(x, y, c10);
            c11 = Vector128.FusedMultiplyAdd(x, y, c11);
        }
        (c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11).Store(sink);
    }
}
