namespace KernelTune.Kernels.Gpu;

/// <summary>The shape that a kernel walks: up to six axes, the innermost first. A launch walks fewer than 2^31 elements.</summary>
public struct Layout
{
    /// <summary>Elements in all.</summary>
    public uint Count;

    /// <summary>Axes in use.</summary>
    public int Rank;

    /// <summary>Lengths of all axes but the outermost.</summary>
    public uint L0, L1, L2, L3, L4;

    /// <summary>The coordinates of element <paramref name="i"/> in row-major order.</summary>
    public readonly Place At(uint i)
    {
        Place p = default;
        uint rest = i;
        if (Rank > 1)
        {
            rest = Divide(i, L0, out p.P0);
            if (Rank > 2)
            {
                rest = Divide(rest, L1, out p.P1);
                if (Rank > 3)
                {
                    rest = Divide(rest, L2, out p.P2);
                    if (Rank > 4)
                    {
                        rest = Divide(rest, L3, out p.P3);
                        if (Rank > 5)
                            p.P5 = Divide(rest, L4, out p.P4);
                        else
                            p.P4 = rest;
                    }
                    else
                    {
                        p.P3 = rest;
                    }
                }
                else
                {
                    p.P2 = rest;
                }
            }
            else
            {
                p.P1 = rest;
            }
        }
        else
        {
            p.P0 = rest;
        }
        return p;
    }

    private static uint Divide(uint a, uint b, out uint remainder)
    {
        uint quotient = a / b;
        remainder = a - (quotient * b);
        return quotient;
    }
}

/// <summary>Coordinates, the innermost first.</summary>
public struct Place
{
    public uint P0, P1, P2, P3, P4, P5;
}

/// <summary>Where one operand's elements lie: the first, and the distance between neighbours along each axis, in elements.</summary>
public struct Steps
{
    public long Start, S0, S1, S2, S3, S4, S5;

    /// <summary>The index of the element at a place.</summary>
    public readonly long At(in Place p) => Start + (p.P0 * S0) + (p.P1 * S1) + (p.P2 * S2) + (p.P3 * S3) + (p.P4 * S4) + (p.P5 * S5);
}
