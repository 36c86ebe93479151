using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>
/// How a kernel reports an operand that it must not follow: the first thread to find one claims the device's fault words and describes it; the host throws at its
/// next read. Words: kind, position, low and high half of the id, rows of the table.
/// </summary>
public static class Fault
{
    /// <summary>Words of a device's fault buffer.</summary>
    public const int Words = 5;

    /// <summary>An id outside the table of a look-up.</summary>
    public const int Gather = 1;

    /// <summary>An id outside the table of a scatter-add.</summary>
    public const int ScatterAdd = 2;

    /// <summary>Describes the fault, unless one stands already.</summary>
    public static void Report(ArrayView<int> words, int kind, int position, long id, int rows)
    {
        if (Atomic.CompareExchange(ref words[0], 0, kind) == 0)
        {
            words[1] = position;
            words[2] = (int)id;
            words[3] = (int)(id >> 32);
            words[4] = rows;
        }
    }
}
