using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Models;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Tasks;

/// <summary>The next token of texts and chats: cross-entropy of the labelled tokens.</summary>
public sealed class CausalLmTask : LanguageTask
{
    public override string Name => "causal-lm";

    public override string? PeftTaskType => "CAUSAL_LM";

    public override IPretrainedModel Build(Recipe recipe, JsonSettings config)
    {
        var model = ModelRegistry.CausalLanguageModel(config);
        return model is EncoderDecoder ? throw config.Bad("architectures", $"{model.Architecture} is an encoder-decoder: task: seq2seq-lm wanted") : model;
    }

    /// <summary>Where virtual tokens go through the layers before the text, the first token of a row is predicted too.</summary>
    public override int LabelCount(IPretrainedModel model, IBatch batch) =>
        batch.LabelCount + (((CausalLanguageModel)model).PredictsFirstToken ? ((Batch)batch).FirstLabelTokens : 0);

    public override Tensor Loss(IPretrainedModel model, Session session, IBatch batch, Tensor inverseCount)
    {
        var language = (CausalLanguageModel)model;
        var (input, targets) = BatchUpload.Of(session, (Batch)batch, language.PredictsFirstToken);
        return language.Loss(input, targets, inverseCount);
    }

    /// <summary>2 · multiplied weights · tokens a pass; causal attention at half, forward and twice that backward.</summary>
    public override double Flops(IPretrainedModel model, IBatch batch, int passes)
    {
        var (language, tokens) = ((CausalLanguageModel)model, (Batch)batch);
        double count = (double)tokens.Rows * tokens.Columns;
        return (2 * passes * language.MultipliedWeights * count)
            + (3 * language.Layers * 4.0 * language.Heads * language.HeadDim * count * tokens.Columns / 2);
    }
}
