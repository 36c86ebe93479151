using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Gpu.Tests.Formulas;

/// <summary>A formula with parameters: what a test runs on both sides.</summary>
public abstract class FormulaCase
{
    /// <summary>The operation that it was made of.</summary>
    public abstract Type Operation { get; }

    /// <summary>The closed kernel.</summary>
    public abstract MethodInfo Kernel { get; }

    /// <summary>Runs both sides on the grid and says where they differ; empty: nowhere.</summary>
    public abstract IReadOnlyList<string> Differences(Accelerator accelerator);
}

/// <summary>The formula TOp, made of <paramref name="operation"/>.</summary>
public sealed class FormulaCase<TOp, P>(Type operation, string name, P parameters) : FormulaCase
    where TOp : struct, IElementwise<P>
    where P : struct
{
    private const int GroupSize = 16;

    public override Type Operation => operation;

    public override MethodInfo Kernel => ((Action<FormulaArgs<P>>)FormulaKernel.Run<TOp, P>).Method;

    public override string ToString() => name;

    public override IReadOnlyList<string> Differences(Accelerator accelerator)
    {
        float[][] inputs = FormulaGrid.Of(TOp.Inputs);
        float[][] expected = Cpu(inputs), found = Gpu(accelerator, inputs);
        List<string> differences = [];
        for (int output = 0; output < TOp.Outputs; output++)
            for (int i = 0; i < inputs[0].Length && differences.Count < 5; i++)
            {
                float want = expected[output][i], got = found[output][i];
                // NaN is one value here: which of its bits survive an operation is not defined by IEEE 754.
                if (BitConverter.SingleToInt32Bits(want) != BitConverter.SingleToInt32Bits(got) && !(float.IsNaN(want) && float.IsNaN(got)))
                    differences.Add($"{name}({string.Join(", ", inputs.Select(a => a[i].ToString("R")))}).{output}: the CPU gives {want:R}, the kernel {got:R}");
            }
        return differences;
    }

    private unsafe float[][] Cpu(float[][] inputs)
    {
        int count = inputs[0].Length;
        float[] all = new float[7 * count];
        fixed (float* p = all)
        {
            for (int k = 0; k < inputs.Length; k++)
                inputs[k].CopyTo(all.AsSpan(k * count, count));
            MapOperand At(float* start, int index) => new(start + ((long)index * count), 1);
            var row = new MapRow { A = At(p, 0), B = At(p, 1), C = At(p, 2), D = At(p, 3), X = At(p, 4), Y = At(p, 5), Z = At(p, 6) };
            MapKernel.Run<F32, F32, TOp, P>(row, count, parameters);
        }
        return [.. Enumerable.Range(4, TOp.Outputs).Select(k => all[(k * count)..((k + 1) * count)])];
    }

    private float[][] Gpu(Accelerator accelerator, float[][] inputs)
    {
        int count = inputs[0].Length;
        using MemoryBuffer1D<float, Stride1D.Dense> memory = accelerator.Allocate1D<float>(7 * count);
        ArrayView<float> At(int index) => memory.View.AsContiguous().SubView((long)index * count, count);
        for (int k = 0; k < inputs.Length; k++)
            At(k).CopyFromCPU(inputs[k]);
        var args = new FormulaArgs<P> { A = At(0), B = At(1), C = At(2), D = At(3), X = At(4), Y = At(5), Z = At(6), Params = parameters, Count = count };
        Action<AcceleratorStream, KernelConfig, FormulaArgs<P>> kernel = accelerator.LoadKernel<FormulaArgs<P>>(FormulaKernel.Run<TOp, P>);
        kernel(accelerator.DefaultStream, new KernelConfig(1, GroupSize), args);
        accelerator.Synchronize();
        return [.. Enumerable.Range(4, TOp.Outputs).Select(k =>
        {
            float[] result = new float[count];
            At(k).CopyToCPU(result);
            return result;
        })];
    }
}
