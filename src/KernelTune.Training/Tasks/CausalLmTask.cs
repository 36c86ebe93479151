using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tasks;

/// <summary>The next token of texts and chats: cross-entropy of the labelled tokens.</summary>
public sealed class CausalLmTask : TrainingTask
{
    public override string Name => "causal-lm";

    public override string? PeftTaskType => "CAUSAL_LM";

    public override string Items => "tokens";

    public override IPretrainedModel Build(Recipe recipe, JsonSettings config)
    {
        var model = ModelRegistry.CausalLanguageModel(config);
        return model is EncoderDecoder ? throw config.Bad("architectures", $"{model.Architecture} is an encoder-decoder: this task trains decoders alone") : model;
    }

    /// <summary>Reads and tokenizes. A tokenizer that the embedding has no rows for is refused; rows longer than the model's positions are cut as those longer than max_length are.</summary>
    public override TaskData Open(RunRequest request, JsonSettings config, string modelFolder, GgufFile? gguf, Action<string> note)
    {
        var text = TextTools.Open(modelFolder, gguf);
        var model = ModelRegistry.CausalLanguageModel(config);
        text.Tokenizer.RequireRows(model.VocabularySize);
        var data = request.Recipe.Data;
        int taken = RecipeMethod.VirtualTokens(request.Recipe), room = Math.Max(2, model.MaxPositions - taken);
        if (data.MaxLength > room)
        {
            string behind = taken > 0 ? $" that {taken} virtual tokens leave" : "";
            note($"data.max_length {data.MaxLength} is beyond the {room} positions of {model.Architecture}{behind}: rows are cut to those");
            request = request with { Recipe = request.Recipe with { Data = data with { MaxLength = room } } };
        }
        var recipe = request.Recipe;
        var training = RunData.Load(request, text);
        return new TaskData(recipe, training, training.Test, text.Tokenizer.Files);
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

    public override void Judge(IPretrainedModel model, Session session, IBatch batch, Judgement judgement)
    {
        var one = session.Upload<double>([1], new Shape(1), session.Real);
        var loss = Loss(model, session, batch, one);
        if (!session.Device.Computes)
            return;
        Span<float> sum = stackalloc float[1];
        session.Device.Read(loss.View.Reshape(new Shape(1)), sum);
        judgement.Loss.AddSum(sum[0], LabelCount(model, batch));
    }

    public override IReadOnlyList<Figure> Figures(Judgement judgement) => [new("loss", judgement.Loss.Mean), new("perplexity", judgement.Loss.Perplexity)];

    /// <summary>2 · multiplied weights · tokens a pass; causal attention at half, forward and twice that backward.</summary>
    public override double Flops(IPretrainedModel model, IBatch batch, int passes)
    {
        var (language, tokens) = ((CausalLanguageModel)model, (Batch)batch);
        double count = (double)tokens.Rows * tokens.Columns;
        return (2 * passes * language.MultipliedWeights * count)
            + (3 * language.Layers * 4.0 * language.Heads * language.HeadDim * count * tokens.Columns / 2);
    }
}
