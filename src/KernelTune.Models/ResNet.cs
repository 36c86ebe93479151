using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Elementwise;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>
/// ResNet (He et al., 2015), its bottlenecks striding in the 3×3 unless the configuration says otherwise: Transformers' ResNetForImageClassification, torchvision's and timm's ResNet. One
/// forward pass; the library decides the names.
/// </summary>
public sealed class ResNet : ImageClassifier
{
    private readonly ResNetSettings settings;
    private readonly ResNetUnit stem;
    private readonly MaxPool2d pool;
    private readonly ResNetBlock[][] stages;

    /// <exception cref="CheckpointException">A setting is missing, of the wrong type, or not built.</exception>
    public ResNet(JsonSettings config, string architecture)
        : base(config, architecture)
    {
        settings = ResNetSettings.Read(config, architecture);
        var (s, names) = (settings, settings.Names);
        stem = new ResNetUnit(Child(new Conv2d(names.StemConvolution, s.Channels, s.Stem, (7, 7), new Conv2dGeometry { Stride = (2, 2), Padding = new Padding2d(3, 3) })),
            Child(new BatchNorm2d(names.StemNorm, s.Stem)), s.Activation);
        pool = Child(new MaxPool2d("maxpool", new Pool2dGeometry { Kernel = (3, 3), Stride = (2, 2), Padding = (1, 1) }));
        stages = new ResNetBlock[s.Depths.Count][];
        int channels = s.Stem;
        for (int stage = 0; stage < stages.Length; stage++)
        {
            stages[stage] = new ResNetBlock[s.Depths[stage]];
            for (int block = 0; block < stages[stage].Length; block++)
            {
                int stride = block == 0 && (stage > 0 || s.DownsamplesFirst) ? 2 : 1;
                stages[stage][block] = Child(new ResNetBlock(names.Block(stage, block), s, stage, channels, stride));
                channels = s.Outputs[stage];
            }
        }
        Head = Child(new Linear(names.Classifier, channels, s.Labels, bias: true));
    }

    public override string ModelType => "resnet";

    public override int Labels => settings.Labels;

    public override int Channels => settings.Channels;

    public override Linear Head { get; }

    public override IEnumerable<string> CheckpointKeys(Parameter parameter)
    {
        yield return parameter.Path;
        if (parameter.Path.StartsWith("resnet.", StringComparison.Ordinal))
            yield return parameter.Path["resnet.".Length..];
    }

    /// <summary>
    /// As the libraries do: convolutions normal with deviation √(2/(out·Kh·Kw)) (He et al., 2015), norms 1 and 0, the classifier uniform in ±1/√features; the last norm of a block 0 where
    /// the configuration wants it.
    /// </summary>
    public override FreshWeight Fresh(Parameter parameter)
    {
        if (parameter.Path.EndsWith(".running_var", StringComparison.Ordinal))
            return FreshWeight.Of(1);
        if (parameter.IsBuffer)
            return FreshWeight.Of(0);
        if (ReferenceEquals(parameter, Head.Weight) || ReferenceEquals(parameter, Head.Bias))
            return FreshWeight.Uniform(1 / Math.Sqrt(Head.InFeatures));
        if (parameter.Shape.Length == 4)
            return FreshWeight.Normal(Math.Sqrt(2.0 / ((double)parameter.Shape[0] * parameter.Shape[2] * parameter.Shape[3])));
        bool isZero = parameter.Path.EndsWith(".bias", StringComparison.Ordinal) || (settings.ZeroLast && stages.Any(s => s.Any(b => ReferenceEquals(b.LastNorm.Weight, parameter))));
        return FreshWeight.Of(isZero ? 0 : 1);
    }

    public override double MultiplyAdds(int height, int width)
    {
        double sum = stem.MultiplyAdds(ref height, ref width);
        (height, width) = ((height + 1) / 2, (width + 1) / 2);
        foreach (var stage in stages)
        {
            foreach (var block in stage)
                sum += block.MultiplyAdds(ref height, ref width);
        }
        return sum + ((double)Head.InFeatures * Head.OutFeatures);
    }

    public override Tensor Forward(in PictureInput x)
    {
        var session = x.Session;
        var hidden = pool.Call(stem.Apply(x.Pixels));
        session.Observer?.Observe("", "hidden_states.0", hidden);
        for (int stage = 0; stage < stages.Length; stage++)
        {
            foreach (var block in stages[stage])
                hidden = block.Call(hidden);
            session.Observer?.Observe("", $"hidden_states.{stage + 1}", hidden);
        }
        var pooled = AdaptiveAveragePool2dOp.Apply(hidden, 1, 1);
        return Head.Call(Reshape.Apply(pooled, new Shape(pooled.Shape[0], pooled.Shape[1])));
    }
}

/// <summary>y = act(body(x) + shortcut(x)): two 3×3 convolutions, or a bottleneck of three; the shortcut is a 1×1 where planes or size change.</summary>
internal sealed class ResNetBlock : Module<Tensor, Tensor>
{
    private readonly ResNetUnit[] body;
    private readonly AveragePool2d? average;
    private readonly ResNetUnit? shortcut;
    private readonly string activation;

    public ResNetBlock(string path, ResNetSettings s, int stage, int channels, int stride)
        : base(path)
    {
        activation = s.Activation;
        int inner = s.Inner[stage], outputs = s.Outputs[stage];
        body = s.Bottleneck
            ?
            [
                Unit(s, 0, channels, inner, 1, s.StridesEarly ? stride : 1, 1, s.InnerActivation),
                Unit(s, 1, inner, inner, 3, s.StridesEarly ? 1 : stride, s.Groups, s.InnerActivation),
                Unit(s, 2, inner, outputs, 1, 1, 1, "linear"),
            ]
            : [Unit(s, 0, channels, inner, 3, stride, 1, s.InnerActivation), Unit(s, 1, inner, outputs, 3, 1, 1, "linear")];
        if (channels == outputs && stride == 1)
            return;
        var (convolution, norm) = s.Names.Shortcut(path, s.AveragesShortcut);
        if (s.AveragesShortcut && stride > 1)
            average = Child(new AveragePool2d($"{path}.downsample.0", new Pool2dGeometry { Kernel = (2, 2), Stride = (stride, stride), CeilMode = true }, countsPadding: false));
        int step = s.AveragesShortcut ? 1 : stride;
        shortcut = new ResNetUnit(Child(new Conv2d(convolution, channels, outputs, (1, 1), new Conv2dGeometry { Stride = (step, step) })), Child(new BatchNorm2d(norm, outputs)), "linear");
    }

    public BatchNorm2d LastNorm => body[^1].Norm;

    public double MultiplyAdds(ref int height, ref int width)
    {
        var (h, w) = (height, width);
        double sum = 0;
        foreach (var unit in body)
            sum += unit.MultiplyAdds(ref height, ref width);
        if (average is not null)
            (h, w) = ((h + 1) / 2, (w + 1) / 2);
        return sum + (shortcut?.MultiplyAdds(ref h, ref w) ?? 0);
    }

    public override Tensor Forward(in Tensor x)
    {
        var y = x;
        foreach (var unit in body)
            y = unit.Apply(y);
        var residual = shortcut is null ? x : shortcut.Apply(average is null ? x : average.Call(x));
        return Activations.Apply(activation, Binary.Apply<Add>(y, residual));
    }

    private ResNetUnit Unit(ResNetSettings s, int number, int channels, int outputs, int kernel, int stride, int groups, string act) => new(
        Child(new Conv2d(s.Names.Convolution(Path, number), channels, outputs, (kernel, kernel),
            new Conv2dGeometry { Stride = (stride, stride), Padding = new Padding2d(kernel / 2, kernel / 2), Groups = groups })),
        Child(new BatchNorm2d(s.Names.Norm(Path, number), outputs)), act);
}

/// <summary>A convolution, its norm and its activation.</summary>
internal sealed record ResNetUnit(Conv2d Convolution, BatchNorm2d Norm, string Activation)
{
    public Tensor Apply(Tensor x) => Activations.Apply(Activation, Norm.Call(Convolution.Call(x)));

    /// <summary>Multiply-adds of one picture; the size becomes that of the output.</summary>
    public double MultiplyAdds(ref int height, ref int width)
    {
        var window = Convolution.Geometry.Window(new Shape(1, Convolution.InChannels, height, width), Convolution.Kernel.Height, Convolution.Kernel.Width);
        (height, width) = (window.Rows, window.Columns);
        return (double)Convolution.Weight.Shape.Elements * window.Positions;
    }
}
