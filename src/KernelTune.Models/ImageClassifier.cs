using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Devices.Calls;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>A network that says what is on a picture. Calling it gives logits [B, classes].</summary>
public abstract class ImageClassifier(JsonSettings config, string architecture) : Module<PictureInput, Tensor>(""), IPretrainedModel
{
    public Module Root => this;

    /// <summary>The configuration it was built from.</summary>
    public JsonSettings Config { get; } = config;

    /// <summary>"ResNetForImageClassification", "torchvision.ResNet" …</summary>
    public string Architecture { get; } = architecture;

    public abstract string ModelType { get; }

    /// <summary>Classes.</summary>
    public abstract int Labels { get; }

    /// <summary>Planes of a picture.</summary>
    public abstract int Channels { get; }

    /// <summary>The last layer, features to logits.</summary>
    public abstract Linear Head { get; }

    /// <summary>The names of the classes, from id2label; where the configuration has none, LABEL_0 and so on.</summary>
    public IReadOnlyList<string> LabelNames
    {
        get
        {
            var names = new string[Labels];
            var given = Config.Object("id2label");
            for (int i = 0; i < names.Length; i++)
            {
                string number = i.ToString(System.Globalization.CultureInfo.InvariantCulture);
                names[i] = given?.StringOrNull(number) ?? $"LABEL_{number}";
            }
            return names;
        }
    }

    public virtual IEnumerable<string> CheckpointKeys(Parameter parameter) => [parameter.Path];

    public virtual bool IsKnownBuffer(string key) => false;

    public IEnumerable<(Parameter Parameter, string Twin)> Twins => [];

    public string? ExplainShape(Parameter parameter, IReadOnlyList<long> found) => ReferenceEquals(parameter, Head.Weight) && found is [var rows, _] && rows != Labels
        ? $"it has {rows} classes where the configuration has {Labels}"
        : null;

    public abstract FreshWeight Fresh(Parameter parameter);

    /// <summary>Multiply-adds of one picture's forward pass: what model FLOPs count, at two each.</summary>
    /// <param name="height">Of a picture, in pixels.</param>
    /// <param name="width">Of a picture, in pixels.</param>
    public abstract double MultiplyAdds(int height, int width);

    /// <summary>Mean cross-entropy over the labels that are not −100: a tensor of one element.</summary>
    /// <param name="x">Pictures [B, channels, height, width].</param>
    /// <param name="labels">I64 [B].</param>
    /// <param name="inverseCount">[1]: 1 / the number of labels to divide by; absent: counted here.</param>
    public Tensor Loss(PictureInput x, Tensor labels, Tensor? inverseCount = null)
    {
        var logits = Call(x);
        x.Session.Observer?.Observe("", "logits", logits);
        return CrossEntropyOp.Apply(logits, labels, CrossEntropyOptions.Plain, inverseCount: inverseCount);
    }
}
