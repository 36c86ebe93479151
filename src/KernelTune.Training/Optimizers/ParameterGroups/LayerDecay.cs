using System.Globalization;
using System.Text.RegularExpressions;

namespace KernelTune.Training.Optimizers.ParameterGroups;

/// <summary>Learning rates that shrink with the distance from the head: rate·decay^distance (Howard and Ruder, 2018).</summary>
public static partial class LayerDecay
{
    /// <summary>The rates from the embeddings (first) over the layers to the head (last): layers + 2 of them.</summary>
    public static IReadOnlyList<double> Rates(double learningRate, int layers, double decay) =>
        [.. Enumerable.Range(0, layers + 2).Select(level => learningRate * Math.Pow(decay, layers + 1 - level))];

    /// <summary>One group a level, the head first. What belongs to no layer is the embeddings' level if its name says so, else the head's.</summary>
    public static IReadOnlyList<ParameterGroup> Of(IEnumerable<TrainableParameter> parameters, double learningRate, int layers, double decay, double weightDecay)
    {
        IReadOnlyList<double> rates = Rates(learningRate, layers, decay);
        ILookup<int, string> levels = parameters.ToLookup(p => Level(p.Name, layers), p => p.Name);
        return [.. Enumerable.Range(0, layers + 2).Reverse().Select(level => new ParameterGroup(NameOf(level, layers), rates[level], weightDecay, [.. levels[level]]))];
    }

    private static int Level(string name, int layers)
    {
        Match layer = LayerNumber().Match(name);
        if (layer.Success && int.TryParse(layer.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < layers)
            return number + 1;
        return name.Contains("embed", StringComparison.Ordinal) ? 0 : layers + 1;
    }

    private static string NameOf(int level, int layers) =>
        level == 0 ? "embeddings" : level > layers ? "head" : string.Create(CultureInfo.InvariantCulture, $"layer {level - 1}");

    /// <summary>The first numbered list of blocks: layer.3, layers.3, h.3, block.3, blocks.3.</summary>
    [GeneratedRegex(@"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.", RegexOptions.CultureInvariant)]
    private static partial Regex LayerNumber();
}
