using System.Runtime.Intrinsics;

namespace KernelTune.Kernels.Cpu;

/// <summary>One row of positions of a sliding window, one tap: how unfolding reads a row of a plane and folding adds to one. Steps count floats.</summary>
public static unsafe class WindowRows
{
    /// <summary>to[o·stepTo] = from[(first + o·stride)·stepFrom] for o below <paramref name="count"/>, or <paramref name="padding"/> where that lies outside [0, width).</summary>
    public static void Read(float* from, long stepFrom, int width, int first, int stride, float* to, long stepTo, int count, float padding)
    {
        Inside(width, first, stride, count, out int begin, out int end);
        for (int o = 0; o < begin; o++)
            to[o * stepTo] = padding;
        for (int o = end; o < count; o++)
            to[o * stepTo] = padding;
        if (begin >= end)
            return;
        if (stepFrom == 1 && stepTo == 1 && stride == 1)
        {
            new ReadOnlySpan<float>(from + first + begin, end - begin).CopyTo(new Span<float>(to + begin, end - begin));
            return;
        }
        float* source = from + ((first + ((long)begin * stride)) * stepFrom);
        for (int o = begin; o < end; o++, source += stride * stepFrom)
            to[o * stepTo] = *source;
    }

    /// <summary>to[(first + o·stride)·stepTo] += from[o·stepFrom] for o below <paramref name="count"/>, where that lies inside [0, width).</summary>
    public static void Add(float* from, long stepFrom, float* to, long stepTo, int width, int first, int stride, int count)
    {
        Inside(width, first, stride, count, out int begin, out int end);
        int o = begin;
        if (stepFrom == 1 && stepTo == 1 && stride == 1)
        {
            float* target = to + first;
            for (; o + 8 <= end; o += 8)
                (Vector256.Load(target + o) + Vector256.Load(from + o)).Store(target + o);
            for (; o < end; o++)
                target[o] += from[o];
            return;
        }
        for (; o < end; o++)
            to[(first + ((long)o * stride)) * stepTo] += from[o * stepFrom];
    }

    /// <summary>The positions [begin, end) whose element first + o·stride lies in [0, width).</summary>
    public static void Inside(int width, int first, int stride, int count, out int begin, out int end)
    {
        begin = first >= 0 ? 0 : Math.Min(count, (-first + stride - 1) / stride);
        end = first >= width ? 0 : Math.Min(count, ((width - 1 - first) / stride) + 1);
        end = Math.Max(begin, end);
    }
}
