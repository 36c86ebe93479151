using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Data.Pictures;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Modules;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tasks;

/// <summary>What is on a picture: cross-entropy over classes, pictures from a folder with a folder a class.</summary>
public sealed class ImageClassificationTask : TrainingTask
{
    public override string Name => "image-classification";

    public override string? PeftTaskType => null;

    public override string Items => "pictures";

    public override string Examples => "pictures";

    /// <summary>Classes have names, and a new head has a size of its own: both stand in config.json.</summary>
    public override bool KeepsConfiguration => true;

    public override IPretrainedModel Build(Recipe recipe, JsonSettings config) => ModelRegistry.ImageClassifier(config);

    /// <summary>The classifier, where the recipe says <c>head: {}</c>.</summary>
    public override IReadOnlySet<Parameter> FreshParameters(Recipe recipe, IPretrainedModel model) =>
        recipe.Head is null ? base.FreshParameters(recipe, model) : ((ImageClassifier)model).Head.OwnParameters.ToHashSet();

    /// <summary>
    /// Lists and decodes the folders. A new classifier takes the folder's classes; one that is kept must have the same, and its own order numbers them.
    /// </summary>
    /// <exception cref="CheckpointException">preprocessor_config.json is absent, or asks for what is not supported.</exception>
    /// <exception cref="DataException">A folder lacks a class, a picture cannot be read, or the classes are not the model's.</exception>
    public override TaskData Open(RunRequest request, JsonSettings config, string modelFolder, GgufFile? gguf, Action<string> note)
    {
        var recipe = request.Recipe;
        var model = ModelRegistry.ImageClassifier(config);
        string preprocessor = Path.Combine(modelFolder, PreprocessorConfig.FileName);
        var processor = PreprocessorConfig.Processor(preprocessor, model.Channels);
        string train = recipe.Data.Train[0].Path;
        var classes = ImageLabels.Of(train, recipe.Data.Classes, Kept(recipe, model), note);
        var changed = ImageLabels.In(config, classes);
        if (recipe is { Head: not null, Adapter: null })
            recipe = RecipeMethod.TrainingWhole(recipe, model.Head.Path);       // a new classifier that did not train would stay noise
        recipe = recipe with { Data = recipe.Data with { Classes = classes, Packing = false, Format = ExampleFormat.ImageFolder } };
        var training = PictureTrainingData.Load(new PictureDataOptions
        {
            Train = train,
            Validation = recipe.Data.Validation is [var folder] ? folder.Path : null,
            ValidationShare = recipe.Data.ValidationShare,
            Classes = classes,
            Shuffle = recipe.Data.Shuffle,
            Seed = recipe.Training.Seed,
            BatchSize = recipe.Training.BatchSize,
            SkipBad = request.SkipBad,
            Augmentation = recipe.Data.Augmentation,
        }, processor);
        var test = recipe.Data.Test is [var held] ? LoadEvaluation(held.Path, classes, processor, request.SkipBad) : null;
        return new TaskData(recipe, training, test, new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal) { [PreprocessorConfig.FileName] = File.ReadAllBytes(preprocessor) }, changed);
    }

    // The classifier whose classes count: that of an adapter which brings its configuration, or the base's own; null: it is new.
    private static ImageClassifier? Kept(Recipe recipe, ImageClassifier model)
    {
        if (recipe.Adapter is { } adapter && Path.Combine(adapter, "config.json") is var own && File.Exists(own))
            return ModelRegistry.ImageClassifier(JsonSettings.Read(own));
        return recipe is { Head: null, Init: Initialization.Pretrained } ? model : null;
    }

    /// <summary>A folder of pictures that are only judged.</summary>
    /// <exception cref="DataException">The folder lacks a class, or a picture cannot be read.</exception>
    public static PictureEvaluationData LoadEvaluation(string folder, IReadOnlyList<string> classes, PictureProcessor processor, bool skipBad) =>
        new(PictureSet.Load(PictureFolder.List(folder, classes), processor, skipBad));

    public override Tensor Loss(IPretrainedModel model, Session session, IBatch batch, Tensor inverseCount)
    {
        var (input, labels) = Upload(session, (PictureBatch)batch);
        return ((ImageClassifier)model).Loss(input, labels, inverseCount);
    }

    /// <summary>The loss, and how many pictures have their own class first. Of equal logits the first counts.</summary>
    public override void Judge(IPretrainedModel model, Session session, IBatch batch, Judgement judgement)
    {
        var pictures = (PictureBatch)batch;
        var (input, labels) = Upload(session, pictures);
        var one = session.Upload<double>([1], new Shape(1), session.Real);
        var logits = ((ImageClassifier)model).Call(input);
        var loss = CrossEntropyOp.Apply(logits, labels, CrossEntropyOptions.Plain, inverseCount: one);
        if (!session.Device.Computes)
            return;
        Span<float> sum = stackalloc float[1];
        session.Device.Read(loss.View.Reshape(new Shape(1)), sum);
        judgement.Loss.AddSum(sum[0], pictures.LabelCount);
        int classes = logits.Shape[1], right = 0;
        var numbers = new float[pictures.Rows * classes];
        session.Device.Read(logits.View, numbers.AsSpan());
        for (int row = 0; row < pictures.Rows; row++)
            right += Largest(numbers.AsSpan(row * classes, classes)) == pictures.Labels[row] ? 1 : 0;
        judgement.Add("accuracy", right, pictures.Rows);
    }

    public override IReadOnlyList<Figure> Figures(Judgement judgement) => [new("loss", judgement.Loss.Mean), new("accuracy", judgement.Mean("accuracy"))];

    /// <summary>2 · multiply-adds of a picture's forward pass, as often as the method passes.</summary>
    public override double Flops(IPretrainedModel model, IBatch batch, int passes)
    {
        var pictures = (PictureBatch)batch;
        return 2.0 * passes * pictures.Rows * ((ImageClassifier)model).MultiplyAdds(pictures.Height, pictures.Width);
    }

    private static (PictureInput Input, Tensor Labels) Upload(Session session, PictureBatch batch) =>
        (new PictureInput(session.Upload<float>(batch.Pixels, new Shape(batch.Rows, batch.Channels, batch.Height, batch.Width), session.Real)),
            session.Upload<int>(batch.Labels, new Shape(batch.Rows), DType.I64));

    private static int Largest(ReadOnlySpan<float> numbers)
    {
        int best = 0;
        for (int i = 1; i < numbers.Length; i++)
        {
            if (numbers[i] > numbers[best])
                best = i;
        }
        return best;
    }
}
