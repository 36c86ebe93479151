using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// y = the cross-correlation of x with w, plus bias: y[b, o, p] = bias[o] + Σ w[o, c, i, j] · x[b, g·C/G + c, tap (i, j) of position p], g the group of o. X: [B, C, H, W],
/// Weight: [O, C/G, Kh, Kw], Bias: [O] or absent, Y: [B, O, Oh, Ow], all dense. Composed of unfolding and products, some images at a time.
/// </summary>
public readonly record struct Conv2dCall(View X, View Weight, View Bias, View Y, Window2d Window, int Groups = 1) : ICall
{
    // Bytes of unfolded images that a composition holds at most (but always one image).
    private const long UnfoldedBytes = 64L << 20;

    public static string Name => "conv2d";

    public long Flops => 2 * Y.Elements * Weight.Elements / Math.Max(1, Weight.Shape[0]);

    public long Bytes => X.Bytes + Weight.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        Check(Name, X, Weight, Y, Window, Groups);
        int images = Images(X, Window), total = X.Shape[0];
        using var work = new Workspace(device, Name);
        var unfolded = Window.IsIdentity(X.Shape[2], X.Shape[3]) ? default : work.Take(new Shape(images, X.Shape[1], Window.Taps, Window.Positions), X.Type);
        for (int first = 0; first < total; first += images)
        {
            int count = Math.Min(images, total - first);
            var right = Unfolded(device, unfolded, X.Slice(0, first, count), Window, Groups);
            device.Run(new MatMulCall(Matrices(Weight, Groups, count), right, Grouped(Y.Slice(0, first, count), Groups)));
        }
        if (Bias.Exists)
            device.Run(MapCall.Binary<Add, None>(Y, Y, Bias.Reshape(new Shape(1, Bias.Shape[0], 1, 1)).Broadcast(Y.Shape)));
    }

    /// <summary>Refuses operands that do not fit together.</summary>
    public static void Check(string operation, in View planes, in View weight, in View results, in Window2d w, int groups)
    {
        if (planes.Rank != 4 || weight.Rank != 4 || results.Rank != 4 || groups < 1 || planes.Shape[1] != weight.Shape[1] * groups || weight.Shape[0] % groups != 0
            || results.Shape != new Shape(planes.Shape[0], weight.Shape[0], w.Rows, w.Columns) || weight.Shape[2] != w.KernelHeight || weight.Shape[3] != w.KernelWidth
            || !planes.IsDense || !weight.IsDense || !results.IsDense)
            throw new ShapeException(operation, $"planes {planes} with a weight {weight} in {groups} groups into {results}: [{planes.Shape[0]}, {weight.Shape[0]}, {w.Rows}, {w.Columns}] wanted, all dense");
    }

    /// <summary>How many images are unfolded at a time. A matter of shapes alone.</summary>
    internal static int Images(in View planes, in Window2d window)
    {
        long one = Math.Max(1L, (long)planes.Shape[1] * window.Taps * window.Positions * 4);
        return (int)Math.Clamp(UnfoldedBytes / one, 1, Math.Max(1, planes.Shape[0]));
    }

    /// <summary>The images' windows as matrices [n, G, C/G·taps, positions]; planes of a 1×1 window are that already.</summary>
    internal static View Unfolded(Device device, in View unfolded, in View planes, in Window2d window, int groups)
    {
        var (count, channels) = (planes.Shape[0], planes.Shape[1]);
        var shape = new Shape(count, groups, channels / groups * window.Taps, window.Positions);
        if (!unfolded.Exists)
            return planes.Reshape(shape);
        var part = unfolded.Slice(0, 0, count);
        device.Run(new UnfoldCall(planes, part, window));
        return part.Reshape(shape);
    }

    /// <summary>The weight as [n, G, O/G, C/G·taps], the same for every image.</summary>
    internal static View Matrices(in View weight, int groups, int count)
    {
        int rows = weight.Shape[0] / groups, columns = weight.Shape[1] * weight.Shape[2] * weight.Shape[3];
        return weight.Reshape(new Shape(groups, rows, columns)).Broadcast(new Shape(count, groups, rows, columns));
    }

    /// <summary>Planes [n, O, Oh, Ow] as [n, G, O/G, positions].</summary>
    internal static View Grouped(in View planes, int groups) =>
        planes.Reshape(new Shape(planes.Shape[0], groups, planes.Shape[1] / groups, planes.Shape[2] * planes.Shape[3]));
}

/// <summary>dX of <see cref="Conv2dCall"/>, or dX += that: the windows' gradients Wᵀ·dY folded back. DY: [B, O, Oh, Ow], DX: [B, C, H, W], all dense.</summary>
public readonly record struct Conv2dGradInputCall(View DY, View Weight, View DX, Window2d Window, int Groups = 1, bool Accumulate = false) : ICall
{
    public static string Name => "conv2d_grad_input";

    public long Flops => 2 * DY.Elements * Weight.Elements / Math.Max(1, Weight.Shape[0]);

    public long Bytes => DY.Bytes + Weight.Bytes + DX.Bytes;

    public void Compose(Device device)
    {
        Conv2dCall.Check(Name, DX, Weight, DY, Window, Groups);
        int images = Conv2dCall.Images(DX, Window), total = DX.Shape[0];
        bool identity = Window.IsIdentity(DX.Shape[2], DX.Shape[3]);
        using var work = new Workspace(device, Name);
        var windows = identity ? default : work.Take(new Shape(images, DX.Shape[1], Window.Taps, Window.Positions), DX.Type);
        for (int first = 0; first < total; first += images)
        {
            int count = Math.Min(images, total - first);
            var left = Conv2dCall.Matrices(Weight, Groups, count).Transpose(2, 3);
            var right = Conv2dCall.Grouped(DY.Slice(0, first, count), Groups);
            var planes = DX.Slice(0, first, count);
            if (identity)
            {
                device.Run(new MatMulCall(left, right, Conv2dCall.Grouped(planes, Groups), Accumulate));
                continue;
            }
            var part = windows.Slice(0, 0, count);
            device.Run(new MatMulCall(left, right, part.Reshape(new Shape(count, Groups, DX.Shape[1] / Groups * Window.Taps, Window.Positions))));
            device.Run(new FoldCall(part, planes, Window, Accumulate));
        }
    }
}

/// <summary>
/// dW of <see cref="Conv2dCall"/>, or dW += that: Σ over images and positions of dY · the window, images in order. X: [B, C, H, W], DY: [B, O, Oh, Ow], DW: [O, C/G, Kh, Kw], all dense.
/// </summary>
public readonly record struct Conv2dGradWeightCall(View X, View DY, View DW, Window2d Window, int Groups = 1, bool Accumulate = false) : ICall
{
    public static string Name => "conv2d_grad_weight";

    public long Flops => 2 * DY.Elements * DW.Elements / Math.Max(1, DW.Shape[0]);

    public long Bytes => X.Bytes + DY.Bytes + DW.Bytes;

    public void Compose(Device device)
    {
        Conv2dCall.Check(Name, X, DW, DY, Window, Groups);
        int images = Conv2dCall.Images(X, Window), total = X.Shape[0], channels = X.Shape[1], outputs = DY.Shape[1];
        var gradient = DW.Reshape(new Shape(Groups, outputs / Groups, channels / Groups * Window.Taps));
        if (total == 0 && !Accumulate)
            device.Run(new FillCall(DW, 0));
        using var work = new Workspace(device, Name);
        var windows = work.Take(new Shape(channels, Window.Taps, images, Window.Positions), X.Type);
        var cotangents = work.Take(new Shape(outputs, images, Window.Positions), X.Type);
        for (int first = 0; first < total; first += images)
        {
            // Channels outermost, so that all positions of all images are one sum.
            int count = Math.Min(images, total - first);
            var part = windows.Slice(2, 0, count);
            device.Run(new UnfoldCall(X.Slice(0, first, count), part.Permute(2, 0, 1, 3), Window));
            var dy = cotangents.Slice(1, 0, count);
            device.Run(new CopyCall(DY.Slice(0, first, count).Reshape(new Shape(count, outputs, Window.Positions)).Transpose(0, 1), dy));
            var left = dy.Reshape(new Shape(Groups, outputs / Groups, count * Window.Positions));
            var right = part.Reshape(new Shape(Groups, channels / Groups * Window.Taps, count * Window.Positions));
            device.Run(new MatMulCall(left, right.Transpose(1, 2), gradient, Accumulate || first > 0));
        }
    }
}
