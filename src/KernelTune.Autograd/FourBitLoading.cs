using System.Buffers;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd;

/// <summary>Puts a frozen weight into 4-bit panels: a part at a time through memory that is used again, so that loading leaves no garbage of the model's size behind.</summary>
internal static class FourBitLoading
{
    /// <summary>Quantises a weight into its panels.</summary>
    /// <param name="packed">The panels.</param>
    /// <param name="path">The weight's name.</param>
    /// <param name="shape">[rows, columns] as the reader gives it.</param>
    /// <param name="transposed">Whether that is the transpose of what is quantised: then the weight stands on the host whole for a moment.</param>
    /// <param name="read">Its numbers.</param>
    public static void Quantize(PackedMatrix packed, string path, Shape shape, bool transposed, RowReader read)
    {
        var storage = (FourBitStorage)packed.Storage;
        var device = packed.Block.Device;
        int elements = checked((int)shape.Elements), width = shape[1], blockSize = storage.BlockSize;
        int unit = blockSize / (int)System.Numerics.BigInteger.GreatestCommonDivisor(blockSize, width);
        int chunk = transposed ? shape[0] : Math.Min(shape[0], Math.Max(1, Parameter.StagedElements / width / unit) * unit);
        var (bytes, magnitudes) = Stage(device, path, elements, blockSize);
        if (device.Computes)
        {
            float[] numbers = ArrayPool<float>.Shared.Rent(chunk * width), absmax = ArrayPool<float>.Shared.Rent(magnitudes.Shape[0]);
            byte[] codes = ArrayPool<byte>.Shared.Rent((chunk * width + 1) / 2);
            for (int first = 0; first < shape[0]; first += chunk)
            {
                int count = Math.Min(chunk, shape[0] - first), from = first * width;
                var part = numbers.AsSpan(0, count * width);
                read(first, count, part);
                if (transposed)
                    Turn(part, shape[0], width);
                var packedPart = codes.AsSpan(0, (part.Length + 1) / 2);
                FourBitWeight.QuantizeBlocks(storage.Type, part, blockSize, packedPart, absmax.AsSpan(from / blockSize));
                device.Write<byte>(bytes.Slice(0, from / 2, packedPart.Length), packedPart);
            }
            var used = absmax.AsSpan(0, magnitudes.Shape[0]);
            if (storage.IsDouble)
                FourBitWeight.NestedMagnitudes.Of(used).Dequantize().CopyTo(used);
            device.Write<float>(magnitudes, used);
            ArrayPool<float>.Shared.Return(numbers);
            ArrayPool<float>.Shared.Return(absmax);
            ArrayPool<byte>.Shared.Return(codes);
            device.Run(new PackCodesCall(bytes, magnitudes, packed, 0, packed.Rows));
        }
        bytes.Block.Release();
        magnitudes.Block.Release();
    }

    /// <summary>Puts codes that exist into panels.</summary>
    public static void Pack(PackedMatrix packed, string path, FourBitWeight codes)
    {
        var device = packed.Block.Device;
        var (bytes, magnitudes) = Stage(device, path, codes.Elements, codes.BlockSize);
        device.Write<byte>(bytes, codes.Packed);
        device.Write<float>(magnitudes, codes.AbsMax);
        device.Run(new PackCodesCall(bytes, magnitudes, packed, 0, packed.Rows));
        bytes.Block.Release();
        magnitudes.Block.Release();
    }

    /// <summary>What 4-bit storage makes of a whole weight that is not kept so. bitsandbytes quantises a Conv1D's weight as [out, in].</summary>
    public static void Round(PanelStorage storage, Shape shape, bool transposed, Span<float> numbers)
    {
        if (transposed)
            Turn(numbers, shape[0], shape[1]);
        storage.Round(numbers);
        if (transposed)
            Turn(numbers, shape[1], shape[0]);
    }

    private static (View Bytes, View Magnitudes) Stage(Device device, string path, long elements, int blockSize) => (
        device.Allocate(new Shape(checked((int)((elements + 1) / 2))), DType.U8, Category.Workspace, path),
        device.Allocate(new Shape(checked((int)((elements + blockSize - 1) / blockSize))), DType.F32, Category.Workspace, path));

    // [rows, columns] becomes [columns, rows].
    private static void Turn(Span<float> numbers, int rows, int columns)
    {
        float[] turned = ArrayPool<float>.Shared.Rent(numbers.Length);
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
                turned[(c * rows) + r] = numbers[(r * columns) + c];
        }
        turned.AsSpan(0, numbers.Length).CopyTo(numbers);
        ArrayPool<float>.Shared.Return(turned);
    }
}
