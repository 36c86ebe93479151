using KernelTune.Devices.Calls;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Reference;

/// <summary>Uniform numbers from Philox.</summary>
internal sealed unsafe class ReferenceRandom : PlainKernel<RandomCall>
{
    protected override void Run(in RandomCall call)
    {
        long blocks = (call.Y.Elements + 3) / 4;
        for (long block = 0; block < blocks; block++)
        {
            Philox.Rounds(new U32(call.Place.Site), new U32(call.Place.Step), new U32(call.Place.MicroBatch), new U32((uint)block), (uint)call.Place.Seed,
                (uint)(call.Place.Seed >> 32), out U32 a, out U32 b, out U32 c, out U32 d);
            ReadOnlySpan<uint> words = [a.Value, b.Value, c.Value, d.Value];
            for (int i = 0; i < 4 && (4 * block) + i < call.Y.Elements; i++)
                Memory.Elements.Store(call.Y.Block.Address, call.Y.Type, call.Y.Offset + (4 * block) + i, (words[i] >> 8) * (1.0 / (1 << 24)));
        }
    }
}

/// <summary>Cosines and sines of rotary angles.</summary>
internal sealed class ReferenceRotaryTable : PlainKernel<RotaryTableCall>
{
    protected override void Run(in RotaryTableCall call)
    {
        for (int i = 0; i < call.Cos.Shape[0]; i++)
        {
            double position = Memory.Elements.Load(call.Positions.Block.Address, call.Positions.Type, call.Positions.Offset + (i * call.Positions.Stride(0)));
            for (int j = 0; j < call.Cos.Shape[1]; j++)
            {
                double angle = position * Memory.Elements.Load(call.Frequencies.Block.Address, call.Frequencies.Type, call.Frequencies.Offset + (j * call.Frequencies.Stride(0)));
                Store(call.Cos, i, j, call.Scaling * Math.Cos(angle));
                Store(call.Sin, i, j, call.Scaling * Math.Sin(angle));
            }
        }
    }

    private static void Store(in View view, int i, int j, double value) =>
        Memory.Elements.Store(view.Block.Address, view.Type, view.Offset + (i * view.Stride(0)) + (j * view.Stride(1)), value);
}
