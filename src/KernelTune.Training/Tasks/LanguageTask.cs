using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tasks;

/// <summary>Tasks of language models over rows of text: what reading them and judging them have in common.</summary>
public abstract class LanguageTask : TrainingTask
{
    public override string Items => "tokens";

    /// <summary>The task of a model that is only judged.</summary>
    public static LanguageTask Of(CausalLanguageModel model) => model is EncoderDecoder ? new Seq2SeqTask() : new CausalLmTask();

    /// <summary>Extends the tokenizer where the recipe says so, reads and tokenizes. A tokenizer that the embedding has no rows for is refused; rows longer than the model's positions are cut as those longer than max_length are.</summary>
    public override TaskData Open(RunRequest request, JsonSettings config, string modelFolder, GgufFile? gguf, Action<string> note)
    {
        var vocabulary = ModelVocabulary.Of(modelFolder, gguf, config, request.Recipe.Adapter);
        if (request.Recipe.Tokenizer is { } tokenizer)
            vocabulary = vocabulary.With(tokenizer, note);
        var text = vocabulary.Text;
        var model = ModelRegistry.CausalLanguageModel(vocabulary.Config);
        text.Tokenizer.RequireRows(model.VocabularySize);
        if (vocabulary.Added.Count > 0)
            request = request with { Recipe = RecipeMethod.TrainingRows(request.Recipe, model, vocabulary.Added) };
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
        return new TaskData(recipe, training, training.Test, text.Tokenizer.Files, vocabulary.Config) { Vocabulary = vocabulary };
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
}
