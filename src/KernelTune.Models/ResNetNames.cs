namespace KernelTune.Models;

/// <summary>A library's paths of a ResNet's modules, which are its names in a checkpoint too. Stages, blocks and convolutions count from 0.</summary>
internal abstract class ResNetNames
{
    public abstract string StemConvolution { get; }

    public abstract string StemNorm { get; }

    public abstract string Classifier { get; }

    public abstract string Block(int stage, int block);

    public abstract string Convolution(string block, int number);

    public abstract string Norm(string block, int number);

    /// <summary>The parts of a shortcut; <paramref name="averages"/>: behind a pool.</summary>
    public abstract (string Convolution, string Norm) Shortcut(string block, bool averages);
}

/// <summary>Transformers' ResNetForImageClassification.</summary>
internal sealed class HuggingFaceResNetNames : ResNetNames
{
    public override string StemConvolution => "resnet.embedder.embedder.convolution";

    public override string StemNorm => "resnet.embedder.embedder.normalization";

    public override string Classifier => "classifier.1";

    public override string Block(int stage, int block) => $"resnet.encoder.stages.{stage}.layers.{block}";

    public override string Convolution(string block, int number) => $"{block}.layer.{number}.convolution";

    public override string Norm(string block, int number) => $"{block}.layer.{number}.normalization";

    public override (string Convolution, string Norm) Shortcut(string block, bool averages) => ($"{block}.shortcut.convolution", $"{block}.shortcut.normalization");
}

/// <summary>torchvision's names, which are timm's too.</summary>
internal sealed class TorchResNetNames : ResNetNames
{
    public override string StemConvolution => "conv1";

    public override string StemNorm => "bn1";

    public override string Classifier => "fc";

    public override string Block(int stage, int block) => $"layer{stage + 1}.{block}";

    public override string Convolution(string block, int number) => $"{block}.conv{number + 1}";

    public override string Norm(string block, int number) => $"{block}.bn{number + 1}";

    public override (string Convolution, string Norm) Shortcut(string block, bool averages) =>
        averages ? ($"{block}.downsample.1", $"{block}.downsample.2") : ($"{block}.downsample.0", $"{block}.downsample.1");
}
