using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Gpu;

/// <summary>How numbers become one.</summary>
public interface IReduction
{
    /// <summary>The reduction of nothing.</summary>
    static abstract V Start<V>()
        where V : struct, ILane<V>;

    /// <summary>One more number.</summary>
    static abstract V With<V>(V sum, V x)
        where V : struct, ILane<V>;

    /// <summary>Two results of neighbouring parts.</summary>
    static abstract V Join<V>(V a, V b)
        where V : struct, ILane<V>;
}

/// <summary>Σ x.</summary>
public readonly struct SumOf : IReduction
{
    public static V Start<V>()
        where V : struct, ILane<V> => V.Zero;

    public static V With<V>(V sum, V x)
        where V : struct, ILane<V> => sum + x;

    public static V Join<V>(V a, V b)
        where V : struct, ILane<V> => a + b;
}

/// <summary>Σ x².</summary>
public readonly struct SumOfSquaresOf : IReduction
{
    public static V Start<V>()
        where V : struct, ILane<V> => V.Zero;

    public static V With<V>(V sum, V x)
        where V : struct, ILane<V> => sum + (x * x);

    public static V Join<V>(V a, V b)
        where V : struct, ILane<V> => a + b;
}

/// <summary>The greatest; NaN where any is NaN.</summary>
public readonly struct GreatestOf : IReduction
{
    public static V Start<V>()
        where V : struct, ILane<V> => V.Create(float.NegativeInfinity);

    public static V With<V>(V sum, V x)
        where V : struct, ILane<V> => V.Select((x > sum) | V.IsNaN(x), x, sum);

    public static V Join<V>(V a, V b)
        where V : struct, ILane<V> => With(a, b);
}

/// <summary>The least; NaN where any is NaN.</summary>
public readonly struct LeastOf : IReduction
{
    public static V Start<V>()
        where V : struct, ILane<V> => V.Create(float.PositiveInfinity);

    public static V With<V>(V sum, V x)
        where V : struct, ILane<V> => V.Select((x < sum) | V.IsNaN(x), x, sum);

    public static V Join<V>(V a, V b)
        where V : struct, ILane<V> => With(a, b);
}

/// <summary>The lane that sums are made in, and its way from and to memory.</summary>
public interface IAccumulator<V>
    where V : unmanaged, ILane<V>
{
    static abstract V Load<T>(T stored)
        where T : unmanaged, IStored<T>;

    static abstract T Store<T>(V value)
        where T : unmanaged, IStored<T>;
}

/// <summary>Sums in single precision.</summary>
public readonly struct SingleSums : IAccumulator<G32>
{
    public static G32 Load<T>(T stored)
        where T : unmanaged, IStored<T> => new(T.ToFloat(stored));

    public static T Store<T>(G32 value)
        where T : unmanaged, IStored<T> => T.FromFloat(value.Value);
}

/// <summary>Sums in double precision.</summary>
public readonly struct DoubleSums : IAccumulator<F64>
{
    public static F64 Load<T>(T stored)
        where T : unmanaged, IStored<T> => new(T.ToDouble(stored));

    public static T Store<T>(F64 value)
        where T : unmanaged, IStored<T> => T.FromDouble(value.Value);
}
