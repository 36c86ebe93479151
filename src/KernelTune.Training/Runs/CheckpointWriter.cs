using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;

namespace KernelTune.Training.Runs;

/// <summary>
/// Writes and reads checkpoints. The top of a folder is what PEFT or Transformers loads as it stands; <c>trainer/</c> below it holds what a resume needs besides.
/// </summary>
public sealed class CheckpointWriter(TrainableModel model, string modelName, string modelFolder, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> sideFiles, bool keepsConfiguration, ISaveProbe? probe = null)
{
    /// <summary>The folder of a checkpoint's trainer state.</summary>
    public const string TrainerFolder = "trainer";

    private const int PieceElements = 1 << 20;
    private const string StateFile = TrainerFolder + "/state.json";
    private const string MomentsFile = TrainerFolder + "/optimizer.safetensors";

    /// <summary>The file of a checkpoint that says where the run stood.</summary>
    public static string StateOf(string checkpoint) => Path.Combine(checkpoint, StateFile);

    /// <summary>Saves a whole checkpoint, atomically.</summary>
    public void Save(string target, RunState state, bool updateLatest)
    {
        using var folder = AtomicFolder.Begin(target, $".tmp-step-{state.Step}", probe);
        WriteModel(folder, state);
        folder.Write(StateFile, state.ToJson());
        folder.WriteSafetensors(MomentsFile, Exact());
        folder.Commit(updateLatest);
    }

    /// <summary>Saves the model or adapter alone, atomically.</summary>
    public void SaveModel(string target, RunState state)
    {
        using var folder = AtomicFolder.Begin(target, $".tmp-{Path.GetFileName(target)}", probe);
        WriteModel(folder, state);
        folder.Commit();
    }

    /// <summary>Loads weights and moments of a checkpoint.</summary>
    /// <exception cref="CheckpointException">Something is missing or damaged.</exception>
    public static RunState Load(string checkpoint, TrainableModel model)
    {
        var state = RunState.Read(StateOf(checkpoint));
        string file = Path.Combine(checkpoint, MomentsFile);
        if (!File.Exists(file))
            throw new CheckpointException(file, "the optimizer's state is missing: the checkpoint cannot be resumed");
        using var moments = SafetensorsFile.Open(file);
        foreach (var (name, view) in ExactViews(model))
            LoadExact(moments, name, view);
        model.Optimizer.RestoreStepCounts(state.StepCounts);
        return state;
    }

    private void WriteModel(AtomicFolder folder, RunState state)
    {
        if (model.Method.IsAdapter)
        {
            model.Method.Save(folder, modelName, model.Task.PeftTaskType);
            if (keepsConfiguration)
                folder.Write("config.json", SortedJson.Bytes(Configuration()));
        }
        else
        {
            folder.Write("config.json", SortedJson.Bytes(Configuration()));
            folder.WriteSafetensors("model.safetensors", ModelTensors(model, DType.F32), new Dictionary<string, string> { ["format"] = "pt" });
            string generation = Path.Combine(modelFolder, "generation_config.json");
            if (File.Exists(generation))
                folder.Copy(generation, "generation_config.json");
        }
        foreach (var (name, bytes) in sideFiles)
            folder.Write(name, bytes);
        folder.Write("README.md", ModelCard.Text(model, modelName, state));
    }

    private JsonObject Configuration()
    {
        var config = (JsonObject)JsonNode.Parse(model.Model.Config.Root.GetRawText())!;
        config["dtype"] = "float32";
        config.Remove("torch_dtype");
        return config;
    }

    /// <summary>The model's own weights and buffers under the checkpoint's names.</summary>
    public static IEnumerable<TensorToSave> ModelTensors(TrainableModel model, DType type)
    {
        foreach (var parameter in model.Model.Root.SavedParameters())
        {
            string key = model.Model.CheckpointKeys(parameter).First();
            if (parameter.StoredType == DType.I64)
            {
                yield return Counts(parameter, key);
                continue;
            }
            yield return new TensorToSave(key, type, [.. parameter.Shape.ToArray().Select(n => (long)n)], sink => InPieces(parameter.Value.View, sink, exact: false));
        }
    }

    // Whole numbers that the device keeps as real ones.
    internal static TensorToSave Counts(Parameter parameter, string key) =>
        new(key, DType.I64, [.. parameter.Shape.ToArray().Select(n => (long)n)], sink =>
        {
            var counts = new long[parameter.Shape.Elements];
            parameter.Device.Read<long>(parameter.Value.View, counts);
            sink.WriteRaw(MemoryMarshal.AsBytes<long>(counts));
        });

    // What trains, its moments, and the buffers that training changes, bit for bit in the device's own type.
    private static IEnumerable<(string Name, View View)> ExactViews(TrainableModel model) =>
        model.Gradients.Parameters.Select(p => ($"parameter.{p.Path}", p.Value.View)).Concat(model.Optimizer.State())
            .Concat(model.Model.Root.Tree().Where(m => m.ChangesBuffers).SelectMany(m => m.OwnBuffers).Select(b => ($"buffer.{b.Path}", Flat(b.Value.View))));

    private static View Flat(in View view) => view.Rank == 0 ? view.Reshape(new Shape(1)) : view;

    private IEnumerable<TensorToSave> Exact()
    {
        foreach (var (name, view) in ExactViews(model))
        {
            long[] shape = [.. view.Shape.ToArray().Select(n => (long)n)];
            yield return new TensorToSave(name, view.Type, shape, sink => InPieces(view, sink, exact: true));
        }
    }

    // A few megabytes at a time: a save must not be what decides a run's peak memory.
    private static void InPieces(View view, TensorSink sink, bool exact)
    {
        var flat = view.Reshape(new Shape(checked((int)view.Elements)));
        if (exact && view.Type == DType.U8)
        {
            BytesInPieces(flat, sink);
            return;
        }
        bool wide = exact && view.Type == DType.F64;
        var doubles = wide ? ArrayPool<double>.Shared.Rent(PieceElements) : [];
        var floats = wide ? [] : ArrayPool<float>.Shared.Rent(PieceElements);
        for (int at = 0; at < flat.Shape[0]; at += PieceElements)
        {
            int count = Math.Min(PieceElements, flat.Shape[0] - at);
            var piece = flat.Slice(0, at, count);
            if (wide)
            {
                view.Device.Read(piece, doubles.AsSpan(0, count));
                sink.WriteRaw(MemoryMarshal.AsBytes(doubles.AsSpan(0, count)));
            }
            else
            {
                view.Device.Read(piece, floats.AsSpan(0, count));
                sink.Write(floats.AsSpan(0, count));
            }
        }
        if (wide)
            ArrayPool<double>.Shared.Return(doubles);
        else
            ArrayPool<float>.Shared.Return(floats);
    }

    private static void BytesInPieces(in View flat, TensorSink sink)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(PieceElements);
        for (int at = 0; at < flat.Shape[0]; at += PieceElements)
        {
            int count = Math.Min(PieceElements, flat.Shape[0] - at);
            flat.Device.Read(flat.Slice(0, at, count), bytes.AsSpan(0, count));
            sink.WriteRaw(bytes.AsSpan(0, count));
        }
        ArrayPool<byte>.Shared.Return(bytes);
    }

    private static void LoadExact(SafetensorsFile file, string name, View view)
    {
        StrictKeys.CheckShape(file, name, [.. view.Shape.ToArray().Select(n => (long)n)]);
        var info = file.Get(name);
        int rows = (int)info.Rows, atOnce = (int)Math.Clamp(PieceElements / Math.Max(1, info.RowElements), 1, Math.Max(1, rows));
        bool exact = view.Type == DType.F64 && info.Format.Scalar == DType.F64;
        if ((view.Type == DType.U8) != (info.Format.Scalar == DType.U8))
            throw new CheckpointException(file.Location, FormattableString.Invariant($"{name} is {info.Format.Scalar}, {view.Type} wanted"), tensor: name);
        for (int first = 0; first < rows; first += atOnce)
        {
            int count = Math.Min(atOnce, rows - first), elements = checked((int)(count * info.RowElements));
            var part = view.Slice(0, first, count);
            if (view.Type == DType.U8)
            {
                var bytes = ArrayPool<byte>.Shared.Rent(elements);
                file.ReadRawRows(name, first, count, bytes.AsSpan(0, elements));
                view.Device.Write<byte>(part, bytes.AsSpan(0, elements));
                ArrayPool<byte>.Shared.Return(bytes);
                continue;
            }
            if (exact)
            {
                var doubles = new double[elements];
                file.ReadRawRows(name, first, count, MemoryMarshal.AsBytes(doubles.AsSpan()));
                view.Device.Write<double>(part, doubles);
                continue;
            }
            var floats = ArrayPool<float>.Shared.Rent(elements);
            file.ReadF32Rows(name, first, count, floats.AsSpan(0, elements));
            view.Device.Write<float>(part, floats.AsSpan(0, elements));
            ArrayPool<float>.Shared.Return(floats);
        }
    }
}
