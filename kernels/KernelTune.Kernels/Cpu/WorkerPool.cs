using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// The threads that kernels share: <see cref="Workers"/> of them, the calling thread included. They wait for the next loop by
/// spinning for a bounded time and then sleep. A loop's items are handed out by an atomic counter; the caller never waits for a
/// thread that has not woken up. A loop inside a loop, and a loop started while another thread's is running, runs on its own thread.
/// </summary>
public sealed unsafe class WorkerPool : IDisposable
{
    private readonly Thread[] threads;
    private readonly Parking[] parking;
    private readonly long spinTicks;
    private ThreadPoolState state;
    private void* body;
    private delegate*<void*, int, int, void> execute;
    private int items;
    private ExceptionDispatchInfo? failure;
    private volatile bool stopping;

    /// <summary>Starts the threads.</summary>
    /// <param name="workers">How many threads work on a loop, the caller included; 1 starts none.</param>
    /// <param name="spinMicroseconds">How long an idle worker spins before it sleeps.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one worker, or a negative time.</exception>
    public WorkerPool(int workers, int spinMicroseconds = 50)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(spinMicroseconds);
        Workers = workers;
        spinTicks = spinMicroseconds * Stopwatch.Frequency / 1_000_000;
        threads = new Thread[workers - 1];
        parking = new Parking[workers - 1];
        for (var i = 0; i < threads.Length; i++)
        {
            var worker = i + 1;
            parking[i] = new Parking();
            threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"KernelTune worker {worker}" };
            threads[i].Start();
        }
    }

    /// <summary>How many threads work on a loop, the caller included.</summary>
    public int Workers { get; }

    /// <summary>Runs items 0 to <paramref name="count"/> less one and returns when all are done.</summary>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    /// <remarks>What an item throws is thrown here, once, with its own stack; items not yet begun are then left out.</remarks>
    public void Run<TBody>(int count, ref TBody loop) where TBody : struct, IParallelBody
    {
        ObjectDisposedException.ThrowIf(stopping, this);
        if (count <= 0)
            return;
        if (count == 1 || threads.Length == 0 || Interlocked.CompareExchange(ref state.Busy, 1, 0) != 0)
        {
            for (var i = 0; i < count; i++)
                loop.Execute(i, 0);
            return;
        }

        // A local of this frame does not move, and the frame outlives every worker's use of it.
        var local = loop;
        body = Unsafe.AsPointer(ref local);
        execute = &ExecuteItem<TBody>;
        items = count;
        failure = null;
        Volatile.Write(ref state.Next, 0);
        Volatile.Write(ref state.Loop, (state.Loop & ~(ThreadPoolState.OneLoop - 1)) + ThreadPoolState.OneLoop + ThreadPoolState.Open);
        Interlocked.MemoryBarrier();
        for (var i = 0; i < threads.Length && i < count - 1; i++)
            parking[i].Wake();

        Drain(0);
        Interlocked.And(ref state.Loop, ~ThreadPoolState.Open);
        var spinner = new SpinWait();
        while ((Volatile.Read(ref state.Loop) & ThreadPoolState.CountMask) != 0)
            spinner.SpinOnce(sleep1Threshold: -1);

        var failed = failure;
        failure = null;
        body = null;
        loop = local;
        Volatile.Write(ref state.Busy, 0);
        failed?.Throw();
    }

    /// <summary>Ends the threads. No loop may be running.</summary>
    public void Dispose()
    {
        if (stopping)
            return;
        stopping = true;
        Interlocked.MemoryBarrier();
        foreach (var p in parking)
            p.Wake();
        foreach (var thread in threads)
            thread.Join();
        foreach (var p in parking)
            p.Dispose();
    }

    private static void ExecuteItem<TBody>(void* loop, int item, int worker) where TBody : struct, IParallelBody =>
        Unsafe.AsRef<TBody>(loop).Execute(item, worker);

    private void Work(int worker)
    {
        var seen = 0L;
        while (Await(worker, ref seen))
        {
            if (!Join(seen))
                continue;
            Drain(worker);
            Interlocked.Decrement(ref state.Loop);
        }
    }

    /// <summary>Waits for a loop with a number other than <paramref name="seen"/>; false when the pool ends.</summary>
    private bool Await(int worker, ref long seen)
    {
        var place = parking[worker - 1];
        var deadline = Stopwatch.GetTimestamp() + spinTicks;
        while (true)
        {
            if (stopping)
                return false;
            var number = Volatile.Read(ref state.Loop) >> 32;
            if (number != seen)
            {
                seen = number;
                return true;
            }
            if (Stopwatch.GetTimestamp() < deadline)
            {
                Thread.SpinWait(8);
                continue;
            }
            place.Announce();
            if (stopping || Volatile.Read(ref state.Loop) >> 32 != seen)
            {
                place.Retract();
                continue;
            }
            place.Sleep();
            deadline = Stopwatch.GetTimestamp() + spinTicks;
        }
    }

    /// <summary>Enters the loop of that number if it is still open: a late worker must not take items of the next one.</summary>
    private bool Join(long number)
    {
        while (true)
        {
            var now = Volatile.Read(ref state.Loop);
            if (now >> 32 != number || (now & ThreadPoolState.Open) == 0)
                return false;
            if (Interlocked.CompareExchange(ref state.Loop, now + 1, now) == now)
                return true;
        }
    }

    private void Drain(int worker)
    {
        try
        {
            while (true)
            {
                var item = Interlocked.Increment(ref state.Next) - 1;
                if (item >= items)
                    return;
                execute(body, item, worker);
            }
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
            // Large, yet far enough from overflow for every worker's last increment.
            Volatile.Write(ref state.Next, int.MaxValue / 2);
        }
    }

    /// <summary>Where one worker sleeps. A wake-up is only paid for when it does.</summary>
    private sealed class Parking : IDisposable
    {
        private readonly AutoResetEvent signal = new(false);
        private int parked;

        public void Announce() => Interlocked.Exchange(ref parked, 1);

        /// <summary>Takes the announcement back; when a wake-up is on its way already, receives it.</summary>
        public void Retract()
        {
            if (Interlocked.Exchange(ref parked, 0) == 0)
                signal.WaitOne();
        }

        public void Sleep() => signal.WaitOne();

        public void Wake()
        {
            if (Interlocked.Exchange(ref parked, 0) == 1)
                signal.Set();
        }

        public void Dispose() => signal.Dispose();
    }
}
