using KernelTune.Kernels.Cpu;

namespace KernelTune.Kernels.Tests.ThreadPool;

public sealed class WorkerPoolTests
{
    [Test]
    public void Every_item_runs_once([Values(1, 2, 3, 5)] int workers, [Values(0, 1, 2, 7, 1000)] int items)
    {
        using var pool = new WorkerPool(workers);
        for (var round = 0; round < 20; round++)
        {
            var body = new Count { Seen = new int[items], Workers = workers };
            pool.Run(items, ref body);
            Assert.That(body.Seen, Has.All.EqualTo(1), $"round {round}");
        }
    }

    [Test]
    public void Many_short_loops_lose_nothing()
    {
        using var pool = new WorkerPool(3, spinMicroseconds: 1);
        var body = new Sum { Totals = new long[3 * 16] };
        for (var round = 0; round < 20_000; round++)
            pool.Run(4, ref body);
        Assert.That(body.Totals.Sum(), Is.EqualTo(20_000L * (1 + 2 + 3 + 4)));
    }

    [Test]
    public void Loops_after_workers_fell_asleep_still_finish()
    {
        using var pool = new WorkerPool(3, spinMicroseconds: 0);
        for (var round = 0; round < 30; round++)
        {
            var body = new Count { Seen = new int[9], Workers = 3 };
            pool.Run(9, ref body);
            Assert.That(body.Seen, Has.All.EqualTo(1));
            Thread.Sleep(round % 3);
        }
    }

    [Test]
    public void A_loop_inside_a_loop_runs_on_its_own_thread()
    {
        using var pool = new WorkerPool(2);
        var body = new Nested { Pool = pool, Seen = new int[64] };
        pool.Run(8, ref body);
        Assert.That(body.Seen, Has.All.EqualTo(1));
    }

    [Test]
    public void Two_callers_share_a_pool()
    {
        using var pool = new WorkerPool(2);
        var errors = 0;
        var callers = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            for (var round = 0; round < 500; round++)
            {
                var body = new Count { Seen = new int[10], Workers = 2 };
                pool.Run(10, ref body);
                if (body.Seen.Any(s => s != 1))
                    Interlocked.Increment(ref errors);
            }
        })).ToArray();
        foreach (var c in callers)
            c.Start();
        foreach (var c in callers)
            c.Join();
        Assert.That(errors, Is.Zero);
    }

    [Test]
    public void What_an_item_throws_reaches_the_caller_and_the_pool_goes_on([Values(1, 2, 3)] int workers)
    {
        using var pool = new WorkerPool(workers);
        for (var at = 0; at < 10; at++)
        {
            var body = new Throwing { At = at };
            var e = Assert.Throws<InvalidOperationException>(() => pool.Run(10, ref body));
            Assert.That(e!.Message, Is.EqualTo($"item {at}"));
        }
        var after = new Count { Seen = new int[10], Workers = workers };
        pool.Run(10, ref after);
        Assert.That(after.Seen, Has.All.EqualTo(1));
    }

    [Test]
    public void A_loop_allocates_nothing()
    {
        using var pool = new WorkerPool(2);
        var body = new Sum { Totals = new long[2 * 16] };
        pool.Run(8, ref body);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 100; round++)
            pool.Run(8, ref body);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void A_disposed_pool_refuses_work()
    {
        var pool = new WorkerPool(2);
        pool.Dispose();
        pool.Dispose();
        var body = new Throwing();
        Assert.Throws<ObjectDisposedException>(() => pool.Run(2, ref body));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new WorkerPool(0));
    }

    private struct Count : IParallelBody
    {
        public int[] Seen;
        public int Workers;

        public readonly void Execute(int item, int worker)
        {
            if (worker < 0 || worker >= Workers)
                throw new InvalidOperationException($"worker {worker}");
            Interlocked.Increment(ref Seen[item]);
        }
    }

    private struct Sum : IParallelBody
    {
        public long[] Totals;

        // Not atomic: a worker's number belongs to one thread at a time.
        public readonly void Execute(int item, int worker) => Totals[worker * 16] += item + 1;
    }

    private struct Nested : IParallelBody
    {
        public WorkerPool Pool;
        public int[] Seen;

        public readonly void Execute(int item, int worker)
        {
            var inner = new Inner { Seen = Seen, First = item * 8 };
            Pool.Run(8, ref inner);
        }
    }

    private struct Inner : IParallelBody
    {
        public int[] Seen;
        public int First;

        public readonly void Execute(int item, int worker) => Interlocked.Increment(ref Seen[First + item]);
    }

    private struct Throwing : IParallelBody
    {
        public int At;

        public readonly void Execute(int item, int worker)
        {
            if (item == At)
                throw new InvalidOperationException($"item {item}");
        }
    }
}
