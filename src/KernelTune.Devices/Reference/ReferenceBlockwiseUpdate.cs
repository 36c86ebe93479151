using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Reference;

/// <summary>An optimizer's step over states in 8 bits: the formula in double, codes by search in the table.</summary>
internal sealed unsafe class ReferenceBlockwiseUpdate<TRule> : PlainKernel<BlockwiseUpdateCall<TRule>>
    where TRule : struct, IUpdateRule
{
    private readonly BlockQuantizer signed = new(CodeTables.Dynamic(true));
    private readonly BlockQuantizer unsigned = new(CodeTables.Dynamic(false));

    protected override void Run(in BlockwiseUpdateCall<TRule> call)
    {
        call.Check();
        double* p = (double*)call.P.Address, g = (double*)call.G.Address;
        byte* m = (byte*)call.M.Address, v = TRule.Inputs > 3 ? (byte*)call.V.Address : null;
        float* mostM = (float*)call.MagnitudesM.Address, mostV = TRule.Inputs > 3 ? (float*)call.MagnitudesV.Address : null;
        UpdateParams step = HostUpdate<TRule>.Numbers(call.Settings, call.Scalars);
        double* first = stackalloc double[BlockwiseUpdate.Block], second = stackalloc double[BlockwiseUpdate.Block];
        for (long at = 0, block = 0; at < call.P.Elements; at += BlockwiseUpdate.Block, block++)
        {
            int count = (int)Math.Min(BlockwiseUpdate.Block, call.P.Elements - at);
            for (int i = 0; i < count; i++)
            {
                double other = TRule.Inputs > 3 ? unsigned.Levels[v[at + i]] * (double)mostV[block] : 0;
                TRule.Apply(new F64(p[at + i]), new F64(g[at + i]), new F64(signed.Levels[m[at + i]] * (double)mostM[block]), new F64(other), step, out F64 x, out F64 y, out F64 z);
                (p[at + i], first[i], second[i]) = (x.Value, y.Value, z.Value);
            }
            mostM[block] = Encode(signed, first, m + at, count);
            if (TRule.Inputs > 3)
                mostV[block] = Encode(unsigned, second, v + at, count);
        }
    }

    private static float Encode(BlockQuantizer quantizer, double* numbers, byte* codes, int count)
    {
        double most = 0;
        for (int i = 0; i < count; i++)
            most = Math.Max(most, Math.Abs(numbers[i]));
        for (int i = 0; i < count; i++)
            codes[i] = quantizer.Nearest(most == 0 ? 0 : (float)(numbers[i] / most));
        return (float)most;
    }
}
