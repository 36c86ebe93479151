using System.Text.Json;
using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;

namespace KernelTune.Conformance.Families;

/// <summary>Operations over planes [B, C, H, W]: convolutions, pools, unfolding, batch norm. A one-dimensional one has planes of height 1.</summary>
internal static class PlaneCases
{
    public static readonly string[] Convolution = ["stride", "padding", "dilation", "groups"];
    public static readonly string[] Window = ["kernel", "stride", "padding", "dilation"];

    public static void Conv2d(OpRun r) =>
        r.Output("y", Conv2dOp.Apply(r.Real("x"), r.Real("weight"), r.RealOrNull("bias"), Geometry(r)));

    public static void Conv1d(OpRun r) =>
        r.Output("y", Flat(Conv2dOp.Apply(Tall(r.Real("x")), Tall(r.Real("weight")), r.RealOrNull("bias"), Geometry(r))));

    public static void Unfold(OpRun r)
    {
        var (kernelHeight, kernelWidth) = Pair(r, "kernel", (1, 1));
        r.Output("y", UnfoldOp.Apply(r.Real("x"), (kernelHeight, kernelWidth), Geometry(r)));
    }

    public static void Fold(OpRun r)
    {
        var (height, width) = Pair(r, "output_size", (1, 1));
        r.Output("y", FoldOp.Apply(r.Real("x"), height, width, Pair(r, "kernel", (1, 1)), Geometry(r)));
    }

    public static void MaxPool2d(OpRun r)
    {
        r.Output("y", MaxPool2dOp.Apply(r.Real("x"), PoolGeometry(r), out var index));
        var places = new long[index.Shape.Elements];
        r.Session.Device.Read<long>(index.View, places);
        r.Integers("index", places, index.Shape.ToArray());
    }

    public static void MaxPool1d(OpRun r) => r.Output("y", Flat(MaxPool2dOp.Apply(Tall(r.Real("x")), PoolGeometry(r))));

    public static void AveragePool2d(OpRun r) =>
        r.Output("y", AveragePool2dOp.Apply(r.Real("x"), PoolGeometry(r), CountsPadding(r), r.NumberOrNull("divisor_override")));

    public static void AveragePool1d(OpRun r) => r.Output("y", Flat(AveragePool2dOp.Apply(Tall(r.Real("x")), PoolGeometry(r), CountsPadding(r))));

    public static void AdaptiveAveragePool2d(OpRun r)
    {
        var x = r.Real("x");
        var (height, width) = OutputSize(r, x);
        r.Output("y", AdaptiveAveragePool2dOp.Apply(x, height, width));
    }

    public static void AdaptiveAveragePool1d(OpRun r)
    {
        var x = Tall(r.Real("x"));
        r.Output("y", Flat(AdaptiveAveragePool2dOp.Apply(x, 1, Pair(r, "output_size", (1, 1)).Width)));
    }

    public static void AdaptiveMaxPool2d(OpRun r)
    {
        var x = r.Real("x");
        var (height, width) = OutputSize(r, x);
        r.Output("y", AdaptiveMaxPool2dOp.Apply(x, height, width));
    }

    // The running statistics are changed in place, as a module's are.
    public static void BatchNorm(OpRun r)
    {
        var (mean, variance) = (r.RealOrNull("running_mean"), r.RealOrNull("running_var"));
        var y = BatchNormOp.Apply(r.Real("x"), r.RealOrNull("weight"), r.RealOrNull("bias"), mean, variance, r.Flag("training"), r.Number("momentum"), r.Number("eps"));
        r.Output("y", y);
        if (mean is not null && variance is not null)
        {
            r.Output("running_mean", mean);
            r.Output("running_var", variance);
        }
    }

    private static bool CountsPadding(OpRun r) => !r.Attributes.TryGetProperty("count_include_pad", out _) || r.Flag("count_include_pad");

    private static Conv2dGeometry Geometry(OpRun r)
    {
        string? padding = r.Attributes.TryGetProperty("padding", out var e) && e.ValueKind == JsonValueKind.String ? e.GetString() : null;
        if (padding is not (null or "same" or "valid"))
            throw new NotSupportedException($"padding {padding}");
        var (height, width) = padding is null ? Pair(r, "padding", (0, 0)) : (0, 0);
        return new Conv2dGeometry
        {
            Stride = Pair(r, "stride", (1, 1)),
            Dilation = Pair(r, "dilation", (1, 1)),
            Padding = new Padding2d(height, width),
            IsSame = padding == "same",
            Groups = r.IntOrNull("groups") ?? 1,
        };
    }

    private static Pool2dGeometry PoolGeometry(OpRun r) => new()
    {
        Kernel = Pair(r, "kernel", (1, 1)),
        Stride = Pair(r, "stride", (0, 0)),
        Padding = Pair(r, "padding", (0, 0)),
        Dilation = Pair(r, "dilation", (1, 1)),
        CeilMode = r.Flag("ceil_mode"),
    };

    // [height, width], or one number for both; over one axis a number is a width, and the height is what leaves planes of height 1 alone.
    private static (int Height, int Width) Pair(OpRun r, string name, (int Height, int Width) absent)
    {
        if (!r.Attributes.TryGetProperty(name, out var e) || e.ValueKind == JsonValueKind.Null)
            return absent;
        if (e.ValueKind != JsonValueKind.Number)
            return e.GetArrayLength() == 1 ? (name == "padding" ? 0 : 1, e[0].GetInt32()) : (e[0].GetInt32(), e[1].GetInt32());
        bool flat = r.HasAxes("x", 3) && !r.Attributes.TryGetProperty("output_size", out _);
        return (flat ? name == "padding" ? 0 : 1 : e.GetInt32(), e.GetInt32());
    }

    // null keeps the length of an axis.
    private static (int Height, int Width) OutputSize(OpRun r, Tensor x)
    {
        var e = r.Attributes.GetProperty("output_size");
        if (e.ValueKind == JsonValueKind.Number)
            return (e.GetInt32(), e.GetInt32());
        int Length(int i) => e[i].ValueKind == JsonValueKind.Null ? x.Shape[2 + i] : e[i].GetInt32();
        return (Length(0), Length(1));
    }

    private static Tensor Tall(Tensor x) => Reshape.Apply(x, new Shape(x.Shape[0], x.Shape[1], 1, x.Shape[2]));

    private static Tensor Flat(Tensor y) => Reshape.Apply(y, new Shape(y.Shape[0], y.Shape[1], y.Shape[3]));
}
