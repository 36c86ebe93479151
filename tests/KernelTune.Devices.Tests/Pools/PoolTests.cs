using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using KernelTune.Devices.Memory;

namespace KernelTune.Devices.Tests.Pools;

/// <summary>The pool: blocks never overlap, free neighbours join, and the same calls give the same places, with memory or without.</summary>
public sealed class PoolTests
{
    private const int Segment = 1 << 16;
    private const int Alignment = 64;

    [Test]
    public void Blocks_never_overlap_and_are_aligned() => Prop.ForAll<int[]>(choices =>
    {
        var pool = Dry(out _);
        List<Chunk> taken = [];
        foreach (int choice in choices)
        {
            if (choice % 3 == 0 && taken.Count > 0)
            {
                int which = (int)((uint)choice % (uint)taken.Count);
                pool.Give(taken[which]);
                taken.RemoveAt(which);
            }
            else
            {
                taken.Add(pool.Take(Bytes(choice))!);
            }
        }
        var spans = taken.Where(c => c.Size > 0).OrderBy(c => c.Address).ToArray();
        bool apart = spans.Zip(spans.Skip(1)).All(p => p.First.Address + p.First.Size <= p.Second.Address);
        return apart && spans.All(c => c.Address % Alignment == 0) && pool.Outstanding == spans.Sum(c => c.Size);
    }).Check(Many);

    [Test]
    public void Free_neighbours_join_whatever_the_order() => Prop.ForAll<int[]>(choices =>
    {
        var pool = Dry(out var segments);
        var taken = choices.Take(12).Select(c => pool.Take(1 + ((uint)c % (Segment / 16)))!).ToList();
        var random = new System.Random(choices.Length);
        foreach (var chunk in taken.OrderBy(_ => random.Next()))
            pool.Give(chunk);
        int before = segments.Count;
        var whole = pool.Take(Segment)!;
        return pool.Outstanding == Segment && segments.Count <= Math.Max(1, before) && whole.Offset == 0;
    }).Check(Many);

    [Test]
    public void The_same_calls_give_the_same_places_with_memory_and_without() => Prop.ForAll<int[]>(choices =>
    {
        using var real = new Memory();
        return Places(real.Pool, choices).SequenceEqual(Places(Dry(out _), choices));
    }).Check(Many);

    [Test]
    public void A_step_repeats_its_places() => Prop.ForAll<int[]>(choices =>
    {
        var pool = Dry(out _);

        // What lasts is taken first; then each step takes and gives back in an order of its own.
        var lasting = choices.Take(3).Select(c => pool.Take(Bytes(c))).ToArray();
        var first = Places(pool, choices);
        return lasting.Length <= 3 && Places(pool, choices).SequenceEqual(first) && Places(pool, choices).SequenceEqual(first);
    }).Check(Many);

    [Test]
    public void The_smallest_hole_that_fits_is_taken_and_of_equal_ones_the_first()
    {
        var pool = Dry(out _);
        Chunk[] holes = [pool.Take(256)!, pool.Take(64)!, pool.Take(128)!, pool.Take(64)!, pool.Take(128)!, pool.Take(64)!];
        pool.Give(holes[0]);
        pool.Give(holes[4]);
        pool.Give(holes[2]);
        Assert.That(pool.Take(100)!.Offset, Is.EqualTo(holes[2].Offset));
        Assert.That(pool.Take(100)!.Offset, Is.EqualTo(holes[4].Offset));
        Assert.That(pool.Take(100)!.Offset, Is.EqualTo(holes[0].Offset));
        Assert.That(pool.Take(100)!.Offset, Is.EqualTo(128), "what the first hole has left");
    }

    [Test]
    public void A_block_larger_than_a_segment_gets_its_own_and_touched_counts_what_was_handed_out()
    {
        var pool = Dry(out var segments);
        Assert.That(pool.Take(100)!.Size, Is.EqualTo(128));
        Assert.That(pool.Touched, Is.EqualTo(128), "the rest of the segment is not resident");
        Assert.That(pool.Take(3 * Segment)!.Offset, Is.Zero);
        Assert.That(segments, Is.EqualTo(new long[] { Segment, 3 * Segment }));
        Assert.That(pool.Touched, Is.EqualTo(128 + (3 * Segment)));
    }

    [Test]
    public void A_block_of_nothing_costs_nothing()
    {
        var pool = Dry(out var segments);
        var nothing = pool.Take(0)!;
        Assert.That((nothing.Address, pool.Outstanding, segments.Count), Is.EqualTo(((nint)0, 0L, 0)));
        pool.Give(nothing);
    }

    [Test]
    public void Null_where_the_device_has_no_more()
    {
        var pool = new Pool(_ => 0, _ => { }, Segment, Alignment);
        Assert.That(pool.Take(1), Is.Null);
        Assert.That(pool.Outstanding, Is.Zero);
    }

    private static Config Many => Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(60);

    private static long Bytes(int choice) => (uint)choice % (Segment / 4);

    // Takes and gives by the choices, then gives the rest back; the places of what was taken.
    private static List<(int Segment, long Offset)> Places(Pool pool, int[] choices)
    {
        List<(int, long)> places = [];
        List<Chunk> taken = [];
        foreach (int choice in choices)
        {
            if (choice % 3 == 0 && taken.Count > 0)
            {
                pool.Give(taken[0]);
                taken.RemoveAt(0);
                continue;
            }
            var chunk = pool.Take(1 + Bytes(choice))!;
            places.Add((chunk.Segment.Index, chunk.Offset));
            taken.Add(chunk);
        }
        foreach (var chunk in taken)
            pool.Give(chunk);
        return places;
    }

    // Addresses without memory, as on Shapes.
    private static Pool Dry(out List<long> segments)
    {
        List<long> made = segments = [];
        long next = Alignment;
        return new Pool(bytes =>
        {
            made.Add(bytes);
            long at = next;
            next += bytes;
            return (nint)at;
        }, _ => { }, Segment, Alignment);
    }

    private sealed unsafe class Memory : IDisposable
    {
        public Memory() => Pool = new Pool(bytes => (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment), p => NativeMemory.AlignedFree((void*)p), Segment, Alignment);

        public Pool Pool { get; }

        public void Dispose() => Pool.Clear();
    }
}
