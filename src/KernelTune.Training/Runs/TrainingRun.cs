using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Schedules;

namespace KernelTune.Training.Runs;

/// <summary>
/// A recipe made ready: folder, text, data, plan, model, schedule. <see cref="Open"/> checks everything that can be checked before step 1; <see cref="Start"/> loads the weights;
/// <see cref="TrainingLoop"/> drives it, or an embedder does, step by step.
/// </summary>
public sealed class TrainingRun : IDisposable
{
    private readonly HuggingFaceFolder? source;
    private readonly JsonSettings config;
    private readonly string modelFolder;
    private readonly LoraConfig? adapterConfig;
    private readonly IProgress<RunEvent>? progress;
    private readonly ISaveProbe? probe;
    private FolderLock? folderLock;
    private TrainableModel? model;
    private TrainingBatches batches;
    private (int Step, IReadOnlyList<Batch> Batches, double Rate, Stopwatch Clock)? pending;
    private int badLosses;

    private TrainingRun(RunRequest request, Device device, IProgress<RunEvent>? progress, ISaveProbe? probe, HuggingFaceFolder? source, JsonSettings config, string modelFolder, TextTools text)
    {
        (Request, Device, this.progress, this.probe) = (request, device, progress, probe);
        (this.source, this.config, this.modelFolder, Text) = (source, config, modelFolder, text);
        Data = RunData.Load(request, text);
        batches = Data.Batches();
        StepsPerEpoch = (batches.BatchesPerEpoch + Recipe.Training.GradientAccumulationSteps - 1) / Recipe.Training.GradientAccumulationSteps;
        Steps = Recipe.Training.MaxSteps ?? (int)Math.Ceiling(Recipe.Training.NumEpochs * StepsPerEpoch);
        Schedule = Recipe.Schedule.Create(Steps);
        adapterConfig = ReadAdapterConfig();
        State = new RunState { Steps = Steps, Data = Data.Fingerprint, Device = device.Name };
    }

    public RunRequest Request { get; }

    public Recipe Recipe => Request.Recipe;

    public Device Device { get; }

    /// <summary>What the base is, by its configuration: "LlamaForCausalLM" …</summary>
    public string Architecture => config.Has("architectures") && config.Strings("architectures") is [var named, ..] ? named : config.String("model_type");

    public TextTools Text { get; }

    public TrainingData Data { get; }

    public int StepsPerEpoch { get; }

    /// <summary>Optimizer steps in all.</summary>
    public int Steps { get; }

    public Schedule Schedule { get; }

    /// <summary>Where the run stands.</summary>
    public RunState State { get; private set; }

    /// <summary>The model with its method; there once <see cref="Start"/> has run.</summary>
    public TrainableModel Model => model ?? throw new InvalidOperationException("the run has not been started");

    /// <summary>Where everything is written.</summary>
    public string Output => Recipe.Output;

    /// <summary>Opens the base model, reads and tokenizes the data. Nothing is written.</summary>
    public static TrainingRun Open(RunRequest request, Device device, IProgress<RunEvent>? progress = null, ISaveProbe? probe = null)
    {
        var recipe = request.Recipe;
        if (recipe.Init == Initialization.Random)
        {
            var config = JsonSettings.Read(Path.Combine(recipe.Model, "config.json"));
            return new TrainingRun(request, device, progress, probe, null, config, recipe.Model, TextTools.Open(recipe.Model));
        }
        var source = HuggingFaceFolder.Open(recipe.Model);
        return new TrainingRun(request, device, progress, probe, source, source.Config, source.Folder, TextTools.Open(source.Folder));
    }

    /// <summary>The memory that the run needs on <paramref name="shapes"/>, which stands for its device.</summary>
    public MemoryPlan Plan(Device shapes)
    {
        var largest = batches.Largest();
        return MemoryPlan.Of(Recipe, config, shapes, [.. Enumerable.Repeat(largest, Math.Min(2, Recipe.Training.GradientAccumulationSteps))], Data.Validation?.Largest(Recipe.Training.BatchSize), adapterConfig);
    }

    /// <summary>Takes the output folder, loads the weights and, on a resume, the last complete checkpoint.</summary>
    public void Start(CancellationToken cancellation = default)
    {
        if (!Request.Resume)
            OutputFolder.Prepare(Output, mustBeEmpty: true);
        else if (!Directory.Exists(Output))
            throw new ResumeException($"{Output}: there is no run to resume");
        folderLock = FolderLock.Take(Output);
        if (source is not null && !Request.AllowNonFinite && WeightScan.NonFinite(source.Weights, cancellation: cancellation) is [var bad, ..])
            throw new CheckpointException(source.Weights.Location, $"{bad}; training from such weights wants --allow-non-finite", tensor: bad.Name);
        model = new TrainableModel(Recipe, config, Device, adapterConfig);
        LoadBase(cancellation);
        if (Request.Resume)
            Resume();
        else
            WriteRunFiles();
        Metrics = Request.Resume ? MetricsFile.CutBack(Path.Combine(Output, "metrics.jsonl"), State.Step) : MetricsFile.Create(Path.Combine(Output, "metrics.jsonl"));
        Checkpoints = new CheckpointWriter(model, Recipe.Model, modelFolder, TokenizerFiles(), probe);
    }

    private MetricsFile? Metrics { get; set; }

    private CheckpointWriter? Checkpoints { get; set; }

    /// <summary>Runs the next step. Its loss and norm are read, and reported, while the one after it is under way.</summary>
    public void Step()
    {
        int step = State.Step;
        var clock = Stopwatch.StartNew();
        var micro = NextBatches();
        Span<double> rates = stackalloc double[Model.Optimizer.Groups.Count];
        for (int g = 0; g < rates.Length; g++)
            rates[g] = Schedule.Rate(step, Model.Optimizer.Groups[g].LearningRate);
        Model.Step.Run(step, micro, rates);
        ReportPending();
        pending = (step, micro, rates.Length > 0 ? rates[0] : 0, clock);
        if (Device.IsSynchronous)
            clock.Stop();
        State = State with
        {
            Step = step + 1,
            Epoch = batches.State.Epoch,
            Position = batches.State.Position,
            TokensSeen = State.TokensSeen + micro.Sum(b => (long)b.Tokens),
            StepCounts = Model.Optimizer.StepCounts,
        };
    }

    /// <summary>Waits for the last step and reports it.</summary>
    /// <exception cref="DivergedException">The loss has been no number for too long.</exception>
    public void ReportPending()
    {
        if (pending is not { } p)
            return;
        pending = null;
        var (loss, norm) = Model.Step.Read(p.Step);
        double seconds = p.Clock.Elapsed.TotalSeconds, epoch = (double)(p.Step + 1) / StepsPerEpoch;
        long tokens = p.Batches.Sum(b => (long)b.Tokens);
        Metrics?.Add(new MetricLine { Step = p.Step + 1, Epoch = epoch, Loss = loss, LearningRate = p.Rate, GradNorm = norm, Tokens = tokens, Seconds = seconds });
        progress?.Report(new StepEvent(p.Step + 1, Steps, epoch, loss, p.Rate, norm, tokens, p.Batches.Sum(b => (long)b.LabelTokens), seconds, Model.Flops(p.Batches)));
        badLosses = double.IsFinite(loss) ? 0 : badLosses + 1;
        if (badLosses >= RunLimits.BadLosses)
            throw new DivergedException(p.Step + 1, loss, CheckpointFolders.LastComplete(Output).Path);
    }

    /// <summary>True where the validation rows are due: at the recipe's interval, else at the end of an epoch; and after the last step.</summary>
    public bool EvaluationDue => Data.Validation is not null && (State.Step == Steps || State.Step % (Recipe.Evaluation.Every ?? StepsPerEpoch) == 0);

    /// <summary>True where a checkpoint is due.</summary>
    public bool CheckpointDue => badLosses == 0 && (State.Step == Steps || State.Step % (Recipe.Checkpoint.Every ?? StepsPerEpoch) == 0);

    /// <summary>True once the metric has not improved for the recipe's patience.</summary>
    public bool IsStale => Recipe.Training.EarlyStopping is { } early && State.Stale >= early.Patience;

    /// <summary>Judges the validation rows; the best model so far is saved as best/.</summary>
    public double Evaluate(CancellationToken cancellation = default)
    {
        ReportPending();
        var clock = Stopwatch.StartNew();
        double loss = Evaluator.Loss(Model.Model, Model.Session, Data.Validation!.Batches(Recipe.Training.BatchSize), cancellation).Mean;
        bool best = State.Step > 0 && double.IsFinite(loss) && loss < (State.BestEvaluation ?? double.PositiveInfinity);
        State = State with
        {
            FirstEvaluation = State.Step == 0 ? loss : State.FirstEvaluation,
            LastEvaluation = loss,
            BestEvaluation = best ? loss : State.BestEvaluation,
            BestStep = best ? State.Step : State.BestStep,
            Stale = State.Step == 0 || best ? 0 : State.Stale + 1,
        };
        Metrics?.Add(new MetricLine { Step = State.Step, EvalLoss = loss, EvalPerplexity = Math.Exp(loss), Seconds = clock.Elapsed.TotalSeconds });
        progress?.Report(new EvaluationEvent(State.Step, loss, Math.Exp(loss), best, clock.Elapsed.TotalSeconds));
        if (best)
        {
            string path = Path.Combine(Output, "best");
            Checkpoints!.SaveModel(path, State);
            progress?.Report(new SavedEvent(State.Step, path, "best"));
        }
        return loss;
    }

    /// <summary>Saves a checkpoint and prunes old ones.</summary>
    public void SaveCheckpoint()
    {
        ReportPending();
        if (badLosses > 0)
            return;
        string path = Path.Combine(Output, $"{CheckpointFolders.DefaultPrefix}{State.Step}");
        if (!Directory.Exists(path))
        {
            Checkpoints!.Save(path, State, updateLatest: true);
            progress?.Report(new SavedEvent(State.Step, path, "checkpoint"));
        }
        CheckpointFolders.Prune(Output, Recipe.Checkpoint.Keep, probe: probe);
    }

    /// <summary>Saves what the run ends with.</summary>
    public void SaveFinal()
    {
        ReportPending();
        string path = Path.Combine(Output, "final");
        Checkpoints!.SaveModel(path, State);
        progress?.Report(new SavedEvent(State.Step, path, "final"));
    }

    /// <summary>Writes plan.json or ledger.json.</summary>
    public void WriteMemory(string name, PlanFile plan) =>
        AtomicFile.Write(Path.Combine(Output, name), JsonSerializer.SerializeToUtf8Bytes(plan, RunJson.Default.PlanFile));

    public void Dispose()
    {
        Metrics?.Dispose();
        model?.Dispose();
        source?.Dispose();
        folderLock?.Dispose();
    }

    private List<Batch> NextBatches()
    {
        var micro = new List<Batch>(Recipe.Training.GradientAccumulationSteps);
        do
            micro.Add(batches.Next());
        while (micro.Count < Recipe.Training.GradientAccumulationSteps && !micro[^1].EndsEpoch);
        return micro;
    }

    private void LoadBase(CancellationToken cancellation)
    {
        if (source is null)
        {
            ModelWeights.Initialize(Model.Model, Device, (ulong)Recipe.Training.Seed);
        }
        else
        {
            foreach (string extra in ModelWeights.Load(Model.Model, source.Weights, Device, cancellation))
                progress?.Report(new NoteEvent($"{source.Weights.Location}: {CheckpointException.Quote(extra)} is no weight of {Model.Model.Architecture} and was left out"));
        }
        if (Model.Lora is not { } lora)
            return;
        foreach (string warning in lora.Plan.Warnings)
            progress?.Report(new NoteEvent(warning));
        if (Recipe.Adapter is { } adapter)
        {
            using var folder = AdapterFolder.Open(adapter);
            lora.Load(Device, folder.Weights);
        }
        else
        {
            lora.Initialize(Device, (ulong)Recipe.Training.Seed);
        }
    }

    private LoraConfig? ReadAdapterConfig()
    {
        if (Recipe.Adapter is not { } path || Recipe.Method != MethodKind.Lora)
            return null;
        using var folder = AdapterFolder.Open(path);
        folder.RequireMethod("LORA");
        var dropped = new List<string>();
        var read = LoraConfigJson.Read(folder.Config, dropped);
        foreach (string key in dropped)
            progress?.Report(new NoteEvent($"{path}/adapter_config.json: key {CheckpointException.Quote(key)} is not known and was left out"));
        if (read.BeyondPlain(fresh: false) is [var beyond, ..])
            throw new MethodException($"{path}: {beyond} is not built yet");
        return read;
    }

    private void Resume()
    {
        CheckpointFolders.Sweep(Output, probe);
        var found = CheckpointFolders.LastComplete(Output);
        foreach (var rejected in found.Rejected)
            progress?.Report(new NoteEvent($"{rejected.Message}; an earlier checkpoint is used"));
        RunIdentity.Check(Recipe, Output);
        if (found.Path is null)
        {
            progress?.Report(new NoteEvent("no checkpoint had been saved yet: the run begins anew"));
            WriteRunFiles();
            return;
        }
        var state = CheckpointWriter.Load(found.Path, Model);
        if (state.Data != Data.Fingerprint)
            throw new ResumeException($"{found.Path}: the training data has changed since: tokenized rows hash to {Data.Fingerprint[..12]}…, the run began with {state.Data[..Math.Min(12, state.Data.Length)]}…");
        if (state.Device != Device.Name)
            progress?.Report(new NoteEvent($"the checkpoint was written on {state.Device}: going on on {Device.Name} is not bit-exact"));
        batches.Restore(new BatchState(state.Epoch, state.Position));
        State = state with { Steps = Steps, Device = Device.Name };
        progress?.Report(new ResumedEvent(state.Step, found.Path));
    }

    private void WriteRunFiles()
    {
        byte[] recipe = Encoding.UTF8.GetBytes(RecipeWriter.Write(Recipe));
        AtomicFile.Write(Path.Combine(Output, RunIdentity.RecipeFile), recipe, probe);
        var run = new RunFile(1, RunIdentity.Version, RunIdentity.Commit(), DateTime.UtcNow.ToString("O", System.Globalization.CultureInfo.InvariantCulture), RunIdentity.Machine,
            System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription, Device.Name, source is null ? "" : RunIdentity.HashOf(source.Weights.Files), Data.Fingerprint,
            Convert.ToHexStringLower(SHA256.HashData(recipe)));
        AtomicFile.Write(Path.Combine(Output, "run.json"), JsonSerializer.SerializeToUtf8Bytes(run, RunJson.Default.RunFile), probe);
    }

    private IReadOnlyDictionary<string, string> TokenizerFiles()
    {
        if (source is not null)
            return source.TokenizerFiles;
        string[] names = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];
        return names.Select(n => (n, Path.Combine(modelFolder, n))).Where(f => File.Exists(f.Item2)).ToDictionary(f => f.n, f => f.Item2, StringComparer.Ordinal);
    }
}
