using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Tests.Numerics;

public sealed class PhiloxTests
{
    // The known answers that Random123 1.14 ships for philox4x32-10 (kat_vectors).
    [TestCase(0u, 0u, 0u, 0u, 0u, 0u, new uint[] { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 })]
    [TestCase(uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, new uint[] { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd })]
    [TestCase(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, new uint[] { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 })]
    public void Known_answers(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint[] expected)
    {
        Philox.Rounds<U32>(new(c0), new(c1), new(c2), new(c3), k0, k1, out U32 r0, out U32 r1, out U32 r2, out U32 r3);
        Assert.That(new[] { r0.Value, r1.Value, r2.Value, r3.Value }, Is.EqualTo(expected));
    }

    [Test]
    public void Lanes_give_the_scalar_sequence()
    {
        var place = new RandomPlace(0x0123456789ABCDEF, 17, 3, 1);
        uint[] expected = new uint[64];
        float[] uniform = new float[64];
        for (uint block = 0; block < 16; block++)
        {
            Philox.Block(place, 1000 + block, out U32 r0, out U32 r1, out U32 r2, out U32 r3);
            U32[] words = [r0, r1, r2, r3];
            for (int i = 0; i < 4; i++) (expected[block * 4 + i], uniform[block * 4 + i]) = (words[i].Value, U32.Uniform(words[i]).Value);
        }

        Assert.That(Sequence<U32x4, F32x4>(place, 1000, uniform), Is.EqualTo(expected), "U32x4");
        if (Avx2.IsSupported) Assert.That(Sequence<U32x8, F32x8>(place, 1000, uniform), Is.EqualTo(expected), "U32x8");
        if (Avx512F.IsSupported) Assert.That(Sequence<U32x16, F32x16>(place, 1000, uniform), Is.EqualTo(expected), "U32x16");
        Assert.That(uniform, Is.All.InRange(0f, 0.99999994f));
    }

    private static unsafe uint[] Sequence<U, V>(RandomPlace place, uint first, float[] uniform) where U : unmanaged, IUniformLane<U, V> where V : struct, IVectorLane<V>
    {
        uint[] y = new uint[64];
        float[] floats = new float[64];
        U* words = stackalloc U[4];
        fixed (uint* p = y)
        fixed (float* q = floats)
        {
            for (int e = 0; e < 64; e += 4 * U.Width)
            {
                Philox.Block(place, first + (uint)e / 4, out U r0, out U r1, out U r2, out U r3);
                (words[0], words[1], words[2], words[3]) = (r0, r1, r2, r3);
                for (int i = 0; i < 4; i++)
                {
                    *(U*)(p + e + i * U.Width) = words[i];
                    V.Store(U.Uniform(words[i]), q + e + i * U.Width);
                }
            }
        }

        Assert.That(floats, Is.EqualTo(uniform));
        return y;
    }

    [Test]
    public void A_text_always_has_the_same_hash()
    {
        Assert.Multiple(() =>
        {
            Assert.That(StableHash.Of("model.layers.0.self_attn/dropout"), Is.EqualTo(StableHash.Of("model.layers.0.self_attn/dropout".ToCharArray())));
            Assert.That(StableHash.Of(""), Is.EqualTo(Finalised(14695981039346656037)));
            Assert.That(StableHash.Of("a"), Is.EqualTo(Finalised(0xaf63dc4c8601ec8c)), "FNV-1a's published hash of a");
            Assert.That(StableHash.Of("é"), Is.EqualTo(Finalised(unchecked((((14695981039346656037UL ^ 0xC3) * 1099511628211) ^ 0xA9) * 1099511628211))));
        });

        static ulong Finalised(ulong h)
        {
            h = unchecked((h ^ (h >> 32)) * 0x9E3779B97F4A7C15);
            return h ^ (h >> 29);
        }
    }

    [Test]
    public void Sites_of_a_model_differ()
    {
        var sites = new HashSet<uint>();
        int n = 0;
        for (int layer = 0; layer < 100; layer++)
        foreach (string site in new[] { "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj" })
        {
            sites.Add(StableHash.Site($"model.layers.{layer}.{site}/dropout"));
            n++;
        }

        Assert.That(sites, Has.Count.EqualTo(n));
    }
}
