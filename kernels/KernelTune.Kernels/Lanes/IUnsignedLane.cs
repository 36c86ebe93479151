namespace KernelTune.Kernels.Lanes;

/// <summary>Unsigned 32-bit integers side by side, wrapping: what counter-based random numbers need.</summary>
public interface IUnsignedLane<U> where U : struct, IUnsignedLane<U>
{
    static abstract int Width { get; }
    static abstract U Create(uint value);
    static abstract U operator +(U a, U b);
    static abstract U operator ^(U a, U b);
    static abstract U operator &(U a, U b);
    static abstract U operator |(U a, U b);
    static abstract U ShiftLeft(U a, int bits);
    static abstract U ShiftRight(U a, int bits);

    /// <summary>The 64-bit product in two words.</summary>
    static abstract void MultiplyWide(U a, U b, out U high, out U low);

    /// <summary>first … first + Width − 1, in the order that <see cref="Interleave"/> undoes.</summary>
    static abstract U Counters(uint first);

    /// <summary>
    /// From word a, b, c, d of each counter of <see cref="Counters"/> to elements in order: r0 holds the four words of counter first, then those of first + 1
    /// …; r1, r2 and r3 go on. A lane of one is left as it is.
    /// </summary>
    static abstract void Interleave(U a, U b, U c, U d, out U r0, out U r1, out U r2, out U r3);
}

/// <summary>Random bits as floats of the lane beside it.</summary>
public interface IUniformLane<U, V> : IUnsignedLane<U> where U : struct, IUniformLane<U, V> where V : struct, ILane<V>
{
    /// <summary>The upper 24 bits · 2^-24: uniform in [0, 1), exact.</summary>
    static abstract V Uniform(U bits);
}
