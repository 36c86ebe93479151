namespace KernelTune.Kernels.Cpu;

/// <summary>Cuts a workspace into buffers of whole cache lines. Begun at null, it says how many bytes the buffers take.</summary>
internal unsafe struct AttentionCarve(void* start)
{
    private byte* at = (byte*)start;

    public readonly nuint Bytes => (nuint)at;

    public float* Take(long floats)
    {
        var taken = (float*)at;
        at += MatMulBlocking.Lines(floats);
        return taken;
    }
}
