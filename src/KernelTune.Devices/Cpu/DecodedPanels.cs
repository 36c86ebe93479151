using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>Something that is done with a weight's own storage, compiled once for each format.</summary>
internal interface IPanelUse
{
    void With<TSource>(TSource source)
        where TSource : struct, IPanelSource;
}

/// <summary>The decoder of a packed matrix that is not fp32.</summary>
internal static unsafe class DecodedPanels
{
    public static void Use<TUse>(PackedMatrix packed, ref TUse use)
        where TUse : struct, IPanelUse
    {
        byte* at = (byte*)packed.Block.Address;
        switch (packed.Storage)
        {
            case HalfStorage half:
                use.With(new HalfPanels((ushort*)at, packed.Columns, half.Type == DType.BF16));
                break;
            case FourBitStorage:
                use.With(FourBits(packed));
                break;
            case BlockStorage blocks:
                use.With(new BlockRows(at, packed.Rows, packed.Columns, blocks.Decoder));
                break;
            default:
                throw new DeviceException("cpu", $"weights stored as {packed.Storage.Name}");
        }
    }

    public static FourBitPanels FourBits(PackedMatrix packed)
    {
        byte* codes = (byte*)packed.Block.Address + FourBitStorage.LevelBytes;
        var storage = (FourBitStorage)packed.Storage;
        int group = FourBitPanels.GroupOf(packed.Columns, storage.BlockSize);
        return new FourBitPanels(codes, (float*)(codes + FourBitPanels.CodesFor(packed.Rows, packed.Columns)), packed.Columns, group, (float*)packed.Block.Address, storage.Original);
    }
}

/// <summary>A product whose right operand is decoded.</summary>
internal unsafe struct DecodedProduct<TEpilogue> : IPanelUse
    where TEpilogue : struct, ITileEpilogue
{
    public MatMulShape Shape;
    public float* A, C;
    public MatMulRank Rank;
    public TEpilogue Epilogue;
    public void* Workspace;
    public CpuContext Cpu;

    public readonly void With<TSource>(TSource source)
        where TSource : struct, IPanelSource => MatMul.RunDecoded(Shape, A, source, C, Rank, Epilogue, Workspace, Cpu.Pool, Cpu.Set);
}
