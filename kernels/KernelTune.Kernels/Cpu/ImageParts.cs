namespace KernelTune.Kernels.Cpu;

/// <summary>The images of a call, some at a time, so that their padded planes stay in cache: whole parts and a last one that may be smaller.</summary>
internal readonly unsafe struct ImageParts
{
    // Bytes of padded planes that are laid out at a time (but always one image's).
    private const long PlaneBytes = 4L << 20;

    private readonly WindowPlanes planes;
    private readonly int images, channels;

    /// <summary>Images of <paramref name="channels"/> planes each; at least one.</summary>
    public ImageParts(in WindowPlanes planes, int images, int channels)
    {
        (this.planes, this.images, this.channels) = (planes, images, channels);
        Whole = (int)Math.Clamp(PlaneBytes / Math.Max(1, (long)planes.PlaneFloats * channels * sizeof(float)), 1, Math.Max(1, images));
        Last = ((Math.Max(1, images) - 1) % Whole) + 1;
    }

    /// <summary>Images of a part.</summary>
    public int Whole { get; }

    /// <summary>Images of the last part.</summary>
    public int Last { get; }

    /// <summary>Bytes of the padded planes of a part. Eight floats more: a run may be read eight at a time.</summary>
    public long Bytes => planes.IsAsStored ? 0 : (long)MatMulBlocking.Lines(((long)planes.PlaneFloats * Whole * channels) + 8);

    /// <summary>The planes of the part that begins with image <paramref name="first"/> of <paramref name="from"/>: those, or a copy in <paramref name="copied"/>.</summary>
    public float* Read(int first, float* from, float* copied, WorkerPool pool, out int count)
    {
        count = Math.Min(Whole, images - first);
        float* source = from + ((nint)first * channels * planes.Height * planes.Width);
        if (planes.IsAsStored)
            return source;
        planes.Copy(pool, source, count * channels, copied);
        return copied;
    }
}
