using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tasks;

/// <summary>
/// What a run's data and model mean together: which model is built, how examples become batches, what a batch costs, how held-out batches are judged. The loop, the step, checkpoints
/// and memory plans know tasks only, never kinds of models.
/// </summary>
public abstract class TrainingTask
{
    /// <summary>The recipe's word: "causal-lm".</summary>
    public abstract string Name { get; }

    /// <summary>PEFT's name of the task, written into adapters; null: PEFT has none.</summary>
    public abstract string? PeftTaskType { get; }

    /// <summary>What throughput counts: "tokens", "pictures".</summary>
    public abstract string Items { get; }

    /// <summary>What an example is called: "rows", "pictures".</summary>
    public virtual string Examples => "rows";

    /// <summary>True where an adapter's folder holds the model's config.json too, because the run has changed it: the names of classes.</summary>
    public virtual bool KeepsConfiguration => false;

    /// <summary>The task of a recipe.</summary>
    public static TrainingTask Of(TaskKind kind) => kind switch
    {
        TaskKind.CausalLm => new CausalLmTask(),
        TaskKind.Seq2SeqLm => new Seq2SeqTask(),
        TaskKind.ImageClassification => new ImageClassificationTask(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "a task that is not built"),
    };

    /// <summary>The model, without weights.</summary>
    /// <exception cref="CheckpointException">The configuration names no model that this task can train.</exception>
    public abstract IPretrainedModel Build(Recipe recipe, JsonSettings config);

    /// <summary>Parameters that a checkpoint of the base need not hold, because the run starts them anew (a new head); empty: none.</summary>
    public virtual IReadOnlySet<Parameter> FreshParameters(Recipe recipe, IPretrainedModel model) => new HashSet<Parameter>();

    /// <summary>Reads what the recipe names. What does not fit the model is refused or cut here.</summary>
    /// <param name="request">The recipe, and how bad rows are met.</param>
    /// <param name="config">config.json.</param>
    /// <param name="modelFolder">Where tokenizers and processors lie.</param>
    /// <param name="gguf">The model's GGUF file, whose metadata may hold the tokenizer; null: it is no such file.</param>
    /// <param name="note">Told what a user should know.</param>
    public abstract TaskData Open(RunRequest request, JsonSettings config, string modelFolder, GgufFile? gguf, Action<string> note);

    /// <summary>Labels of a batch that carry loss with this model: the loss of a step is the mean over them all.</summary>
    public virtual int LabelCount(IPretrainedModel model, IBatch batch) => batch.LabelCount;

    /// <summary>The sum of a batch's losses times <paramref name="inverseCount"/>: a tensor of one element, on the tape where the session records.</summary>
    /// <param name="model">What <see cref="Build"/> gave.</param>
    /// <param name="session">Where it runs.</param>
    /// <param name="batch">A batch of this task's data.</param>
    /// <param name="inverseCount">[1]: 1 / the labels of the whole step.</param>
    public abstract Tensor Loss(IPretrainedModel model, Session session, IBatch batch, Tensor inverseCount);

    /// <summary>Judges one batch without a tape. On a device that holds no numbers nothing is added.</summary>
    public abstract void Judge(IPretrainedModel model, Session session, IBatch batch, Judgement judgement);

    /// <summary>The figures of a judgement by the names that recipes use, the loss first.</summary>
    public abstract IReadOnlyList<Figure> Figures(Judgement judgement);

    /// <summary>Model FLOPs of a training batch.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="passes">The method's: how often a token meets a weight.</param>
    public abstract double Flops(IPretrainedModel model, IBatch batch, int passes);
}

/// <summary>A run's examples, read and checked against the model.</summary>
/// <param name="Recipe">The recipe as it holds for this model: a max_length within its positions.</param>
/// <param name="Training">What is trained on, and validated on.</param>
/// <param name="Test">What is judged once, at the end; null: nothing.</param>
/// <param name="SideFiles">Files that are saved beside the weights, by name: a tokenizer's.</param>
/// <param name="Config">config.json as it holds for these examples: another number of classes, their names, or of tokens; null: as it is.</param>
public sealed record TaskData(Recipe Recipe, ITrainingData Training, IEvaluationData? Test, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> SideFiles, JsonSettings? Config = null)
{
    /// <summary>What the ids of texts mean; null: the task has no texts.</summary>
    public ModelVocabulary? Vocabulary { get; init; }
}
