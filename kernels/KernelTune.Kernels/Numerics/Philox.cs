using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Numerics;

/// <summary>
/// Where a random number stands: key = seed, counter = (site, step, micro-batch, element / 4). The same place gives the same number on every device, for
/// every vector width and number of threads, and when an activation is computed a second time.
/// </summary>
/// <param name="Seed">The run's seed: the two words of the key, low word first.</param>
/// <param name="Site"><see cref="StableHash.Site"/> of the module path and the site in it.</param>
/// <param name="Step">The training step.</param>
/// <param name="MicroBatch">The micro-batch within the step.</param>
public readonly record struct RandomPlace(ulong Seed, uint Site, uint Step, uint MicroBatch);

/// <summary>Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): 128 random bits a counter, no state.</summary>
public static class Philox
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    /// <summary>Ten rounds over four counter words, in as many places as the lane has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rounds<U>(U c0, U c1, U c2, U c3, uint key0, uint key1, out U r0, out U r1, out U r2, out U r3) where U : struct, IUnsignedLane<U>
    {
        for (int round = 0; round < 10; round++)
        {
            U.MultiplyWide(U.Create(Multiplier0), c0, out U high0, out U low0);
            U.MultiplyWide(U.Create(Multiplier1), c2, out U high1, out U low1);
            c0 = high1 ^ c1 ^ U.Create(key0);
            c1 = low1;
            c2 = high0 ^ c3 ^ U.Create(key1);
            c3 = low0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        r0 = c0;
        r1 = c1;
        r2 = c2;
        r3 = c3;
    }

    /// <summary>The random bits of elements 4·block … 4·(block + U.Width) − 1 of a place, in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block<U>(in RandomPlace place, uint block, out U r0, out U r1, out U r2, out U r3) where U : struct, IUnsignedLane<U>
    {
        Rounds(U.Create(place.Site), U.Create(place.Step), U.Create(place.MicroBatch), U.Counters(block), (uint)place.Seed, (uint)(place.Seed >> 32),
            out U a, out U b, out U c, out U d);
        U.Interleave(a, b, c, d, out r0, out r1, out r2, out r3);
    }
}
