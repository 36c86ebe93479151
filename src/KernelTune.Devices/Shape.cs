using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace KernelTune.Devices;

/// <summary>The lengths of at most <see cref="MaxRank"/> axes, outermost first. A value: no allocation.</summary>
public readonly struct Shape : IEquatable<Shape>
{
    /// <summary>The greatest number of axes that a tensor may have.</summary>
    public const int MaxRank = 6;

    [InlineArray(MaxRank)]
    private struct Axes
    {
        private int first;
    }

    private readonly Axes axes;

    /// <summary>A shape of the given axis lengths.</summary>
    /// <exception cref="ShapeException">More than six axes, or a negative length.</exception>
    public Shape(params ReadOnlySpan<int> lengths)
    {
        if (lengths.Length > MaxRank)
            throw new ShapeException("shape", $"{lengths.Length} axes; at most {MaxRank} are supported");
        Length = lengths.Length;
        for (int i = 0; i < lengths.Length; i++)
        {
            if (lengths[i] < 0)
                throw new ShapeException("shape", $"axis {i} has length {lengths[i]}");
            axes[i] = lengths[i];
        }
    }

    /// <summary>The number of axes (the rank).</summary>
    public int Length { get; }

    /// <summary>The length of axis <paramref name="axis"/>, 0 ≤ axis &lt; rank.</summary>
    public int this[int axis] => (uint)axis < (uint)Length ? axes[axis] : throw new ArgumentOutOfRangeException(nameof(axis), axis, $"shape {this} has {Length} axes");

    /// <summary>The product of all lengths; 1 for a scalar.</summary>
    public long Elements
    {
        get
        {
            long n = 1;
            for (int i = 0; i < Length; i++)
                n = checked(n * axes[i]);
            return n;
        }
    }

    /// <summary>The axis meant by <paramref name="axis"/>, which may count from the end (−1 is the last).</summary>
    public int Axis(int axis)
    {
        int a = axis < 0 ? axis + Length : axis;
        return (uint)a < (uint)Length ? a : throw new ShapeException("shape", $"axis {axis} of {this}");
    }

    /// <summary>This shape with one axis replaced.</summary>
    public Shape With(int axis, int length)
    {
        Span<int> s = stackalloc int[MaxRank];
        CopyTo(s);
        s[Axis(axis)] = length;
        return new Shape(s[..Length]);
    }

    /// <summary>This shape without one axis.</summary>
    public Shape Without(int axis)
    {
        int gone = Axis(axis);
        Span<int> s = stackalloc int[MaxRank];
        int n = 0;
        for (int i = 0; i < Length; i++)
        {
            if (i != gone)
                s[n++] = axes[i];
        }
        return new Shape(s[..n]);
    }

    /// <summary>Writes the lengths into <paramref name="destination"/>.</summary>
    public void CopyTo(Span<int> destination)
    {
        for (int i = 0; i < Length; i++)
            destination[i] = axes[i];
    }

    /// <summary>The lengths as a new array.</summary>
    public int[] ToArray()
    {
        var result = new int[Length];
        CopyTo(result);
        return result;
    }

    /// <summary>NumPy's broadcasting of two shapes.</summary>
    /// <exception cref="ShapeException">Two lengths differ and neither is 1.</exception>
    public static Shape Broadcast(Shape a, Shape b, string operation)
    {
        int rank = Math.Max(a.Length, b.Length);
        Span<int> s = stackalloc int[MaxRank];
        for (int i = 0; i < rank; i++)
        {
            int x = i < rank - a.Length ? 1 : a[i - (rank - a.Length)];
            int y = i < rank - b.Length ? 1 : b[i - (rank - b.Length)];
            if (x != y && x != 1 && y != 1)
                throw new ShapeException(operation, $"{a} and {b} do not broadcast: {x} against {y}");
            s[i] = x == 1 ? y : x;
        }
        return new Shape(s[..rank]);
    }

    public bool Equals(Shape other)
    {
        if (Length != other.Length)
            return false;
        for (int i = 0; i < Length; i++)
        {
            if (axes[i] != other.axes[i])
                return false;
        }
        return true;
    }

    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        for (int i = 0; i < Length; i++)
            hash.Add(axes[i]);
        return hash.ToHashCode();
    }

    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    public override string ToString()
    {
        var text = new StringBuilder("[");
        for (int i = 0; i < Length; i++)
            text.Append(i > 0 ? ", " : "").Append(axes[i].ToString(CultureInfo.InvariantCulture));
        return text.Append(']').ToString();
    }
}
