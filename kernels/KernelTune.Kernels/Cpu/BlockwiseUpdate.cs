using System.Runtime.CompilerServices;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>The operands of a stretch of blocks: parameters, gradients, and for each state its codes and its blocks' magnitudes. What a rule has not is null.</summary>
public unsafe struct BlockwiseOperands
{
    public float* Parameter, Gradient;
    public byte* First, Second;
    public float* FirstMagnitude, SecondMagnitude;
}

/// <summary>
/// An optimizer's update over states in 8 bits (Dettmers et al., 2022), in one pass: a block's states are decoded, the formula runs in float, and the new states are encoded by their own greatest magnitude,
/// while the block stays in the first-level cache. The first state has signs, the second has none.
/// </summary>
public static unsafe class BlockwiseUpdate
{
    /// <summary>Numbers that share a magnitude.</summary>
    public const int Block = 256;

    // A reciprocal of less would overflow.
    private const float LeastMagnitude = 1e-38f;

    /// <summary>Updates <paramref name="count"/> numbers, which begin with a block; the last block may be short.</summary>
    public static void Run<V, TRule>(in BlockwiseOperands operands, long count, in UpdateParams p)
        where V : struct, IRowLane<V>
        where TRule : struct, IUpdateRule
    {
        for (long at = 0, block = 0; at < count; at += Block, block++)
            One<V, TRule>(operands, at, block, (int)Math.Min(Block, count - at), p);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One<V, TRule>(in BlockwiseOperands o, long at, long block, int count, in UpdateParams p)
        where V : struct, IRowLane<V>
        where TRule : struct, IUpdateRule
    {
        float* first = stackalloc float[Block], second = stackalloc float[Block];
        float* parameter = o.Parameter + at, gradient = o.Gradient + at;
        UpdateParams local = p;
        DynamicCodes.Signed.Decode(SetOf<V>(), o.First + at, first, count);
        V firstScale = V.Create(o.FirstMagnitude[block]), secondScale = V.Zero, firstMost = V.Zero, secondMost = V.Zero;
        if (TRule.Inputs > 3)
        {
            DynamicCodes.Unsigned.Decode(SetOf<V>(), o.Second + at, second, count);
            secondScale = V.Create(o.SecondMagnitude[block]);
        }
        int whole = count & -V.Width;
        for (int i = 0; i < whole; i += V.Width)
        {
            V state = V.Load(first + i) * firstScale, other = TRule.Inputs > 3 ? V.Load(second + i) * secondScale : V.Zero;
            TRule.Apply(V.Load(parameter + i), V.Load(gradient + i), state, other, local, out V x, out V y, out V z);
            V.Store(x, parameter + i);
            V.Store(y, first + i);
            firstMost = V.Max(firstMost, V.Abs(y));
            if (TRule.Inputs > 3)
            {
                V.Store(z, second + i);
                secondMost = V.Max(secondMost, z);
            }
        }
        if (whole < count)
        {
            // Beyond the end all operands are 0, and so are the results.
            int left = count - whole;
            V state = V.LoadPart(first + whole, left) * firstScale, other = TRule.Inputs > 3 ? V.LoadPart(second + whole, left) * secondScale : V.Zero;
            TRule.Apply(V.LoadPart(parameter + whole, left), V.LoadPart(gradient + whole, left), state, other, local, out V x, out V y, out V z);
            V.StorePart(x, parameter + whole, left);
            V.StorePart(y, first + whole, left);
            firstMost = V.Max(firstMost, V.Select(V.First(left), V.Abs(y), V.Zero));
            if (TRule.Inputs > 3)
            {
                V.StorePart(z, second + whole, left);
                secondMost = V.Max(secondMost, V.Select(V.First(left), z, V.Zero));
            }
        }
        o.FirstMagnitude[block] = Scale<V>(first, count, firstMost);
        DynamicCodes.Signed.Encode(SetOf<V>(), first, o.First + at, count);
        if (TRule.Inputs > 3)
        {
            o.SecondMagnitude[block] = Scale<V>(second, count, secondMost);
            DynamicCodes.Unsigned.Encode(SetOf<V>(), second, o.Second + at, count);
        }
    }

    // The instructions that a lane of 16 places runs on.
    private static InstructionSet SetOf<V>() =>
        typeof(V) == typeof(F32x16) ? InstructionSet.Avx512 : typeof(V) == typeof(Pair<F32x8>) ? InstructionSet.Avx2 : InstructionSet.Portable;

    // As bitsandbytes does it: times the reciprocal. Returns the magnitude.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Scale<V>(float* numbers, int count, V most)
        where V : struct, IRowLane<V>
    {
        float magnitude = V.Largest(most);
        V inverse = V.Create(1 / Math.Max(magnitude, LeastMagnitude));
        int i = 0;
        for (; i + V.Width <= count; i += V.Width)
            V.Store(V.Load(numbers + i) * inverse, numbers + i);
        if (i < count)
            V.StorePart(V.LoadPart(numbers + i, count - i) * inverse, numbers + i, count - i);
        return magnitude;
    }
}
