using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>Cross-entropy, two reads of the logits.</summary>
internal sealed unsafe class CpuCrossEntropy(CpuContext cpu) : LaneKernel<CrossEntropyCall>(cpu)
{
    public override bool Suits(in CrossEntropyCall call) => RowMatrix.Suits(call.Logits) && call.Labels.Type == DType.I64 && call.Labels.IsDense
        && RowMatrix.SuitsVector(call.Weight) && RowMatrix.SuitsVector(call.Loss) && RowMatrix.SuitsVector(call.Lse);

    /// <summary>Refuses a label that names no class.</summary>
    public static void CheckLabels(string operation, in View labels, int classes, int ignore)
    {
        long* p = (long*)labels.Address;
        for (int i = 0; i < labels.Shape[0]; i++)
        {
            if (p[i] != ignore && (ulong)p[i] >= (ulong)classes)
                throw new ShapeException(operation, $"label {p[i]} of row {i} is outside the {classes} classes and is not the ignored label {ignore}");
        }
    }

    public static CrossEntropySettings SettingsOf(in CrossEntropyOptions options) =>
        new(options.IgnoreIndex, (float)options.Smoothing, (float)options.ZLoss, (float)options.Softcap);

    protected override void Run<V>(in CrossEntropyCall call, nint workspace)
    {
        CheckLabels(CrossEntropyCall.Name, call.Labels, call.Logits.Shape[1], call.Options.IgnoreIndex);
        var loop = new Loop<V>
        {
            Logits = new(call.Logits),
            Labels = (long*)call.Labels.Address,
            Weight = RowMatrix.Vector(call.Weight),
            Loss = (float*)call.Loss.Address,
            Lse = (float*)call.Lse.Address,
            Settings = SettingsOf(call.Options),
        };
        Cpu.Pool.Run(loop.Logits.Items, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowMatrix Logits;
        public long* Labels;
        public float* Weight, Loss, Lse;
        public CrossEntropySettings Settings;

        public readonly void Execute(int item, int worker)
        {
            long first = item * Logits.RowsAtOnce;
            CrossEntropy.Forward<V>(Logits.Start, Logits.Step, Labels, Weight, Loss, Lse, first, Math.Min(first + Logits.RowsAtOnce, Logits.Rows), Logits.Columns, Settings);
        }
    }
}

/// <summary>dlogits of cross-entropy, in place where the call says so.</summary>
internal sealed unsafe class CpuCrossEntropyGrad(CpuContext cpu) : LaneKernel<CrossEntropyGradCall>(cpu)
{
    public override bool Suits(in CrossEntropyGradCall call) => RowMatrix.Suits(call.Logits) && RowMatrix.Suits(call.DLogits) && call.Labels.Type == DType.I64
        && call.Labels.IsDense && RowMatrix.SuitsVector(call.Weight) && RowMatrix.SuitsVector(call.Lse) && call.RowScale.Type == DType.F32;

    protected override void Run<V>(in CrossEntropyGradCall call, nint workspace)
    {
        CpuCrossEntropy.CheckLabels(CrossEntropyGradCall.Name, call.Labels, call.Logits.Shape[1], call.Options.IgnoreIndex);
        float* weight = RowMatrix.Vector(call.Weight);
        var loop = new Loop<V>
        {
            Logits = new(call.Logits),
            DLogits = new(call.DLogits),
            Labels = (long*)call.Labels.Address,
            Weight = weight,
            WeightSum = weight != null && call.Options.Smoothing != 0 ? Reductions.Row<V>(ReductionKind.Sum, weight, call.Logits.Shape[1]) : 0,
            Lse = (float*)call.Lse.Address,
            RowScale = (float*)call.RowScale.Address,
            RowScaleStep = call.RowScale.Shape[0] == 1 ? 0 : call.RowScale.Stride(0),
            Settings = CpuCrossEntropy.SettingsOf(call.Options),
        };
        Cpu.Pool.Run(loop.Logits.Items, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowMatrix Logits, DLogits;
        public long* Labels;
        public float* Weight, Lse, RowScale;
        public float WeightSum;
        public long RowScaleStep;
        public CrossEntropySettings Settings;

        public readonly void Execute(int item, int worker)
        {
            long first = item * Logits.RowsAtOnce;
            CrossEntropy.Grad<V>(Logits.Start, Logits.Step, Labels, Weight, WeightSum, Lse, RowScale, RowScaleStep, DLogits.Start, DLogits.Step, first,
                Math.Min(first + Logits.RowsAtOnce, Logits.Rows), Logits.Columns, Settings);
        }
    }
}
