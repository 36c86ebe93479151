using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;
using KernelTune.Modules;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Tasks;

/// <summary>Texts out of texts: an encoder reads the prompt, a decoder says the completion; cross-entropy of the completion's tokens.</summary>
public sealed class Seq2SeqTask : LanguageTask
{
    public override string Name => "seq2seq-lm";

    public override string? PeftTaskType => "SEQ_2_SEQ_LM";

    public override IPretrainedModel Build(Recipe recipe, JsonSettings config)
    {
        var model = ModelRegistry.CausalLanguageModel(config);
        return model is EncoderDecoder ? model : throw config.Bad("architectures", $"{model.Architecture} is a decoder alone: task: causal-lm wanted");
    }

    /// <summary>A decoder behind a source is asked for its first token too.</summary>
    public override int LabelCount(IPretrainedModel model, IBatch batch) => batch.LabelCount + ((Batch)batch).FirstLabelTokens;

    public override Tensor Loss(IPretrainedModel model, Session session, IBatch batch, Tensor inverseCount)
    {
        var (language, rows) = ((EncoderDecoder)model, (Batch)batch);
        var source = rows.Source ?? throw new ArgumentException("a batch of an encoder-decoder has sources", nameof(batch));
        var read = new Shape(rows.Rows, source.Columns);
        var said = new Shape(rows.Rows, rows.Columns);
        bool padded = Array.IndexOf(source.Mask, 0) >= 0;
        var encoded = language.Encode(new TokenInput(session.Upload<int>(source.Ids, read, DType.I64), KeyMask: padded ? session.Upload<int>(source.Mask, read, DType.I64) : null));
        int[] ids = [.. rows.Labels.Chunk(rows.Columns).SelectMany(row => Seq2SeqCollator.ShiftedRight(row, language.StartToken, language.PadToken))];
        var input = new TokenInput(session.Upload<int>(ids, said, DType.I64)) { Source = encoded };
        return language.Loss(input, session.Upload<int>(rows.Labels, said, DType.I64), inverseCount);
    }

    /// <summary>2 · multiplied weights · tokens a pass, each half of the weights with its own tokens; attention of both, forward and twice that backward.</summary>
    public override double Flops(IPretrainedModel model, IBatch batch, int passes)
    {
        var (language, rows) = ((EncoderDecoder)model, (Batch)batch);
        double read = rows.Source?.Columns ?? 0, said = rows.Columns, weights = 0;
        foreach (var linear in language.Tree().OfType<Linear>())
        {
            // What projects the encoder's states to keys and values meets its tokens too.
            bool ofSource = linear.Path.StartsWith(language.Encoder.Path + ".", StringComparison.Ordinal) || language.ProjectsSource(linear);
            weights += (double)linear.InFeatures * linear.OutFeatures * (ofSource ? read : said);
        }
        double pairs = (language.EncoderLayers * read * read) + (language.Layers * ((said * said / 2) + (said * read)));
        return rows.Rows * ((2 * passes * weights) + (3 * 4.0 * language.Heads * language.HeadDim * pairs));
    }
}
