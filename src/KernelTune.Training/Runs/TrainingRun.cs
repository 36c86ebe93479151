using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Shapes;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Schedules;
using KernelTune.Training.Tasks;

namespace KernelTune.Training.Runs;

/// <summary>
/// A recipe made ready: folder, text, data, plan, model, schedule. <see cref="Open"/> checks everything that can be checked before step 1; <see cref="Start"/> loads the weights;
/// <see cref="TrainingLoop"/> drives it, or an embedder does, step by step.
/// </summary>
public sealed class TrainingRun : IDisposable
{
    private readonly HuggingFaceFolder? source;
    private readonly JsonSettings config;
    private readonly IWeightSource? weights;        // the source's, with a row for every token
    private readonly string modelFolder;
    private readonly JsonSettings? adapterConfig;
    private readonly TaskData data;
    private readonly TrainingTask task;
    private readonly RunForesight foresight;
    private readonly IProgress<RunEvent>? progress;
    private readonly ISaveProbe? probe;
    private FolderLock? folderLock;
    private TrainableModel? model;
    private readonly IBatchStream batches;
    private (int Step, IReadOnlyList<IBatch> Batches, double Rate, Stopwatch Clock)? pending;
    private MemoryPlan? plan;
    private int? recomputed;
    private long residentBefore;
    private string baseHash = "";
    private (int Step, int EvaluatedStep)? saved;
    private int badLosses;

    private TrainingRun(RunRequest request, Device device, IProgress<RunEvent>? progress, ISaveProbe? probe, HuggingFaceFolder? source, JsonSettings config, string modelFolder)
    {
        (Device, this.progress, this.probe) = (device, progress, probe);
        (this.source, this.config, this.modelFolder) = (source, config, modelFolder);
        task = TrainingTask.Of(request.Recipe.Task);
        data = task.Open(request, config, modelFolder, source?.Gguf, Note);
        this.config = data.Config ?? config;
        weights = source is null ? null : data.Vocabulary?.Weights(source.Weights) ?? source.Weights;
        adapterConfig = ReadAdapterConfig(data.Recipe);
        foresight = new RunForesight(device, task, this.config, data, adapterConfig, weights);
        Request = request with { Recipe = WithBatchSize(data.Recipe, request.Resume) };
        batches = Data.Batches(Recipe.Training.BatchSize);
        StepsPerEpoch = (int)(((long)batches.BatchesPerEpoch + Recipe.Training.GradientAccumulationSteps - 1) / Recipe.Training.GradientAccumulationSteps);
        Steps = Recipe.Training.MaxSteps ?? (int)Math.Ceiling(Recipe.Training.NumEpochs * StepsPerEpoch);
        Schedule = Recipe.Schedule.Create(Steps);
        State = new RunState { Steps = Steps, Data = Data.Fingerprint, Device = device.Name };
    }

    public RunRequest Request { get; }

    public Recipe Recipe => Request.Recipe;

    public TrainingTask Task => task;

    public Device Device { get; }

    /// <summary>What the base is, by its configuration: "LlamaForCausalLM" …</summary>
    public string Architecture => config.Has("architectures") && config.Strings("architectures") is [var named, ..] ? named : config.String("model_type");

    public ITrainingData Data => data.Training;

    /// <summary>Examples that are judged once, at the end; null where the recipe names none.</summary>
    public IEvaluationData? Test => data.Test;

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

    /// <summary>Opens the base model, reads and prepares the data. Nothing is written.</summary>
    /// <exception cref="RecipeException">A value of the recipe is out of its range.</exception>
    /// <exception cref="CheckpointException">The base or the adapter cannot be used.</exception>
    /// <exception cref="DataException">A file or a row of the data cannot be used.</exception>
    public static TrainingRun Open(RunRequest request, Device device, IProgress<RunEvent>? progress = null, ISaveProbe? probe = null)
    {
        var recipe = request.Recipe;
        RecipeRules.Check(recipe);
        if (recipe.Init == Initialization.Random)
        {
            var config = JsonSettings.Read(Path.Combine(recipe.Model, "config.json"));
            return new TrainingRun(request, device, progress, probe, null, config, recipe.Model);
        }
        var source = HuggingFaceFolder.Open(recipe.Model);
        try
        {
            return new TrainingRun(request, device, progress, probe, source, source.Config, source.Folder);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>The memory that the run needs on <paramref name="shapes"/>, which stands for its device.</summary>
    /// <exception cref="MemoryPlanException">It is more than the recipe's limit.</exception>
    public MemoryPlan Plan(Device shapes)
    {
        plan = foresight.Of(Recipe, shapes, Recomputed);
        return Recipe.MemoryLimit is { } limit && plan.Touched > limit ? throw new MemoryPlanException(plan, limit, foresight.Changes(Recipe, limit)) : plan;
    }

    /// <summary>The bytes within which the micro-batch was chosen; null: the recipe names it.</summary>
    public long? BatchSizeLimit { get; private set; }

    /// <summary>How many blocks are computed again in the backward pass.</summary>
    /// <exception cref="RecipeException">The recipe's budget cannot be met.</exception>
    public int Recomputed => recomputed ??= foresight.Recomputed(Recipe);

    /// <summary>Takes the output folder, loads the weights and, on a resume, the last complete checkpoint.</summary>
    /// <exception cref="CheckpointStorageException">The output folder is not empty, cannot be written to, or another run holds it.</exception>
    /// <exception cref="CheckpointException">A weight is missing, has another shape, or is no number.</exception>
    /// <exception cref="ResumeException">There is nothing to resume, or it was another run.</exception>
    public void Start(CancellationToken cancellation = default)
    {
        if (!Request.Resume)
            OutputFolder.Prepare(Output, mustBeEmpty: true);
        else if (!Directory.Exists(Output))
            throw new ResumeException($"{Output}: there is no run to resume");
        folderLock = FolderLock.Take(Output);
        if (Request.Resume)
            RunIdentity.Check(Recipe, Output);
        if (source is not null)
        {
            if (!Request.AllowNonFinite && WeightScan.NonFinite(source.Weights, cancellation: cancellation) is [var bad, ..])
                throw new CheckpointException(source.Weights.Location, $"{bad}; training from such weights wants --allow-non-finite", tensor: bad.Name);
            baseHash = RunIdentity.HashOf(source.Weights.Files);
        }
        residentBefore = ProcessMemory.Resident;
        model = new TrainableModel(Recipe, config, Device, adapterConfig, Note, weights, Recomputed);
        LoadBase(cancellation);
        Checkpoints = new CheckpointWriter(model, Recipe.Model, modelFolder, data.SideFiles, task.KeepsConfiguration || data.Vocabulary is { Resized: true }, probe);
        string metrics = Path.Combine(Output, MetricsFile.Name);
        if (Request.Resume)
        {
            Resume();
            Metrics = MetricsFile.CutBack(metrics, State.Step, State.EvaluatedStep, probe);
        }
        else
        {
            WriteRunFiles();
            Metrics = MetricsFile.Create(metrics);
        }
        ProcessMemory.ReturnGarbage();
        if (plan is { } planned)
            WriteMemory("plan.json", PlanFile.Of(planned.PeakByCategory, planned.Peak, planned.Touched, residentBefore, residentBefore + planned.Touched));
    }

    /// <summary>Bytes of the process that were resident before the model was loaded; 0 until then.</summary>
    public long ResidentBefore => residentBefore;

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
            TokensSeen = State.TokensSeen + micro.Sum(b => (long)b.Items),
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
        long items = p.Batches.Sum(b => (long)b.Items);
        Metrics?.Add(new MetricLine { Step = p.Step + 1, Epoch = epoch, Loss = loss, LearningRate = p.Rate, GradNorm = norm, Seconds = seconds }.With(task.Items, items));
        progress?.Report(new StepEvent(p.Step + 1, Steps, epoch, loss, p.Rate, norm, items, task.Items, p.Batches.Sum(b => (long)task.LabelCount(Model.Model, b)), seconds, Model.Flops(p.Batches)));
        // A gradient that is no number spoils the weights before any loss shows it.
        badLosses = double.IsFinite(loss) && double.IsFinite(norm) ? 0 : badLosses + 1;
        if (badLosses >= RunLimits.BadLosses)
            throw new DivergedException(p.Step + 1, loss, CheckpointFolders.LastComplete(Output).Path);
    }

    /// <summary>
    /// True where the validation rows are due and not judged yet: before step 1, at the recipe's interval, else at the end of an epoch; and after the last step.
    /// </summary>
    public bool EvaluationDue => Data.Validation is not null && State.EvaluatedStep < State.Step && IsDue(Recipe.Evaluation.Every);

    /// <summary>True where a checkpoint is due.</summary>
    public bool CheckpointDue => State.Step > 0 && badLosses == 0 && IsDue(Recipe.Checkpoint.Every);

    /// <summary>True once the metric has not improved for the recipe's patience.</summary>
    public bool IsStale => Recipe.Training.EarlyStopping is { } early && State.Stale >= early.Patience;

    /// <summary>Judges the validation rows; the best model so far is saved as best/.</summary>
    public double Evaluate(CancellationToken cancellation = default)
    {
        ReportPending();
        var clock = Stopwatch.StartNew();
        var judgement = Evaluator.Judge(task, Model.Model, Model.Session, Data.Validation!.Batches(Recipe.Training.BatchSize), cancellation);
        double loss = judgement.Loss.Mean;
        var figures = task.Figures(judgement);
        bool best = State.Step > 0 && double.IsFinite(loss) && loss < (State.BestEvaluation ?? double.PositiveInfinity);
        State = State with
        {
            EvaluatedStep = State.Step,
            FirstEvaluation = State.Step == 0 ? loss : State.FirstEvaluation,
            LastEvaluation = loss,
            BestEvaluation = best ? loss : State.BestEvaluation,
            BestStep = best ? State.Step : State.BestStep,
            Stale = State.Step == 0 || best ? 0 : State.Stale + 1,
        };
        Metrics?.Add(new MetricLine { Step = State.Step, EvalLoss = loss, Seconds = clock.Elapsed.TotalSeconds }.With("eval_", figures));
        progress?.Report(new EvaluationEvent(State.Step, loss, figures, best, clock.Elapsed.TotalSeconds));
        if (best)
            SaveModel("best");
        return loss;
    }

    /// <summary>Judges the test rows, once, with what the run has ended with; null where the recipe names none.</summary>
    public double? EvaluateTest(CancellationToken cancellation = default)
    {
        if (Test is null)
            return null;
        ReportPending();
        var clock = Stopwatch.StartNew();
        var judgement = Evaluator.Judge(task, Model.Model, Model.Session, Test.Batches(Recipe.Training.BatchSize), cancellation);
        Metrics?.Add(new MetricLine { Step = State.Step, TestLoss = judgement.Loss.Mean, Seconds = clock.Elapsed.TotalSeconds }.With("test_", task.Figures(judgement)));
        return judgement.Loss.Mean;
    }

    /// <summary>Saves a checkpoint, unless this very state was saved already, and prunes old ones. While losses are no numbers nothing is saved.</summary>
    public void SaveCheckpoint()
    {
        ReportPending();
        if (badLosses > 0)
            return;
        if (saved != (State.Step, State.EvaluatedStep))
        {
            State = State with { StepCounts = Model.Optimizer.StepCounts };
            Metrics?.Persist();
            string path = Path.Combine(Output, $"{CheckpointFolders.DefaultPrefix}{State.Step}");
            Checkpoints!.Save(path, State, updateLatest: true);
            saved = (State.Step, State.EvaluatedStep);
            progress?.Report(new SavedEvent(State.Step, path, "checkpoint"));
        }
        CheckpointFolders.Prune(Output, Recipe.Checkpoint.Keep, probe: probe);
    }

    /// <summary>Saves what the run ends with.</summary>
    public void SaveFinal()
    {
        ReportPending();
        SaveModel("final");
    }

    /// <summary>Writes ledger.json: what was measured, in the shape of plan.json.</summary>
    public void WriteLedger()
    {
        ReportPending();
        WriteMemory("ledger.json", PlanFile.Of(Device.Ledger.AtPeak(), Device.Ledger.Peak, Device.Touched, residentBefore, ProcessMemory.PeakResident));
    }

    /// <summary>Writes plan.json or ledger.json.</summary>
    public void WriteMemory(string name, PlanFile plan) =>
        AtomicFile.Write(Path.Combine(Output, name), JsonSerializer.SerializeToUtf8Bytes(plan, RunJson.Default.PlanFile), probe);

    public void Dispose()
    {
        Metrics?.Dispose();
        model?.Dispose();
        source?.Dispose();
        folderLock?.Dispose();
    }

    // A resumed run takes the number that it began with. A tenth of what the machine has free is left to others.
    private Recipe WithBatchSize(Recipe recipe, bool resume)
    {
        if (!recipe.Training.IsBatchSizeAuto)
            return recipe;
        int? size = resume ? RunIdentity.BatchSize(recipe.Output) : null;
        if (size is null)
        {
            BatchSizeLimit = recipe.MemoryLimit ?? (Device is HostMemoryDevice ? ProcessMemory.Available / 10 * 9
                : throw new RecipeException(null, "training.batch_size", $"auto on {Device.Name} wants memory_limit, which says how much there is"));
            size = foresight.LargestBatch(recipe, BatchSizeLimit.Value);
        }
        return recipe with { Training = recipe.Training with { BatchSize = size.Value, IsBatchSizeAuto = false } };
    }

    private List<IBatch> NextBatches()
    {
        var micro = new List<IBatch>(Math.Min(Recipe.Training.GradientAccumulationSteps, batches.BatchesPerEpoch));
        do
            micro.Add(batches.Next());
        while (micro.Count < Recipe.Training.GradientAccumulationSteps && !micro[^1].EndsEpoch);
        return micro;
    }

    private void LoadBase(CancellationToken cancellation)
    {
        if (weights is null)
        {
            ModelWeights.Initialize(Model.Model, Device, (ulong)Recipe.Training.Seed);
        }
        else
        {
            var fresh = task.FreshParameters(Recipe, Model.Model);
            foreach (string extra in ModelWeights.Load(Model.Model, weights, Device, fresh, cancellation))
                Note($"{weights.Location}: {CheckpointException.Quote(extra)} is no weight of {Model.Model.Architecture} and was left out");
            if (fresh.Count > 0)
                ModelWeights.Initialize(Model.Model, Device, (ulong)Recipe.Training.Seed, fresh);
        }
        foreach (string warning in Model.Method.Warnings)
            Note(warning);
        if (Recipe.Adapter is { } adapter)
        {
            using var folder = AdapterFolder.Open(adapter);
            Model.Method.Load(Device, folder);
        }
        else
        {
            Model.Method.Initialize(Device, (ulong)Recipe.Training.Seed);
        }
    }

    private static JsonSettings? ReadAdapterConfig(Recipe recipe)
    {
        if (recipe.Adapter is not { } path)
            return null;
        using var folder = AdapterFolder.Open(path);
        return folder.Config;
    }

    private void Note(string text) => progress?.Report(new NoteEvent(text));

    private void Resume()
    {
        RunIdentity.CheckBase(Output, baseHash);
        CheckpointFolders.Sweep(Output, probe);
        var found = CheckpointFolders.LastComplete(Output);
        if (found.Path is null && found.Rejected is [var damaged, ..])
            throw new ResumeException($"{damaged.Message}; no checkpoint of {Output} is whole");
        foreach (var rejected in found.Rejected)
            Note($"{rejected.Message}; an earlier checkpoint is used");
        if (found.Path is null)
        {
            Note("no checkpoint had been saved yet: the run begins anew");
            WriteRunFiles();
            return;
        }
        var state = RunState.Read(CheckpointWriter.StateOf(found.Path));
        if (state.Data != Data.Fingerprint)
            throw new ResumeException($"{found.Path}: the training data has changed since: its {task.Examples} hash to {Data.Fingerprint[..12]}…, the run began with {state.Data[..Math.Min(12, state.Data.Length)]}…");
        if (state.Step > Steps)
            throw new ResumeException($"{found.Path}: {state.Step} steps are done; the recipe now asks for {Steps}: there is nothing left to train");
        state = CheckpointWriter.Load(found.Path, Model);
        if (state.Device != Device.Name)
            Note($"the checkpoint was written on {state.Device}: going on on {Device.Name} is not bit-exact");
        if (state.Steps != Steps)
            Note($"the run began with {state.Steps} steps and now has {Steps}: the schedule of what is left follows the new number");
        batches.Restore(new BatchState(state.Epoch, state.Position));
        State = state with { Steps = Steps, Device = Device.Name };
        saved = (state.Step, state.EvaluatedStep);
        progress?.Report(new ResumedEvent(state.Step, found.Path));
    }

    private bool IsDue(int? every) => State.Step == Steps || State.Step % (every ?? StepsPerEpoch) == 0;

    private void SaveModel(string name)
    {
        string path = Path.Combine(Output, name);
        Checkpoints!.SaveModel(path, State);
        progress?.Report(new SavedEvent(State.Step, path, name));
    }

    private void WriteRunFiles()
    {
        byte[] recipe = Encoding.UTF8.GetBytes(RecipeWriter.Write(Recipe));
        AtomicFile.Write(Path.Combine(Output, RunIdentity.RecipeFile), recipe, probe);
        if (Data.Report is { } report)
            AtomicFile.Write(Path.Combine(Output, RunIdentity.DataFile), report.ToJson(), probe);
        var run = new RunFile(1, RunIdentity.Version, RunIdentity.Commit(), DateTime.UtcNow.ToString("O", System.Globalization.CultureInfo.InvariantCulture), RunIdentity.Machine,
            System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription, Device.Name, baseHash, Data.Fingerprint,
            Convert.ToHexStringLower(SHA256.HashData(recipe)));
        AtomicFile.Write(Path.Combine(Output, RunIdentity.RunFile), JsonSerializer.SerializeToUtf8Bytes(run, RunJson.Default.RunFile), probe);
    }
}
