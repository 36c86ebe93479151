using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Conformance.Checks;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;
using KernelTune.Modules;
using KernelTune.Training.Recipes;

namespace KernelTune.Conformance.Families;

/// <summary>A causal language model loaded on a device of its own, which runs the batches of a case: observed, or as training runs it.</summary>
internal sealed class ModelOnDevice : IDisposable
{
    private const string DecoderIds = "decoder_input_ids";

    private long outstanding;

    private ModelOnDevice(Device device, HuggingFaceFolder folder, CausalLanguageModel model, IReadOnlyList<Parameter> trainable)
    {
        (Device, Model, Folder) = (device, model, folder);
        Keys = model.BaseParameters().ToDictionary(p => p, p => model.CheckpointKeys(p).FirstOrDefault(k => folder.Weights.TryGet(k, out _)) ?? p.Path);
        Gradients = trainable.Count > 0 ? new GradientStore(device, trainable) : null;
        MarkAllLoaded();
    }

    public Device Device { get; }

    public CausalLanguageModel Model { get; }

    public HuggingFaceFolder Folder { get; }

    /// <summary>The name of each base parameter in the weights file.</summary>
    public IReadOnlyDictionary<Parameter, string> Keys { get; }

    /// <summary>Gradients of what trains; null where nothing does.</summary>
    public GradientStore? Gradients { get; }

    /// <summary>Builds the model of a folder and loads it.</summary>
    /// <param name="folder">A folder, or one weights file.</param>
    /// <param name="device">The device's name.</param>
    /// <param name="prepare">Names what trains, before anything is loaded: methods are attached here.</param>
    /// <param name="quantization">How the frozen base is kept; null: fp32, or as it comes.</param>
    /// <exception cref="NotSupportedException">There is no such device, or the configuration asks for what is not built.</exception>
    public static ModelOnDevice Open(string folder, string device, Func<CausalLanguageModel, IEnumerable<Parameter>>? prepare = null,
        QuantizationSettings? quantization = null)
    {
        Device on = DeviceChoice.Create(device) ?? throw new NotSupportedException($"there is no device {device} yet");
        HuggingFaceFolder files = HuggingFaceFolder.Open(folder);
        CausalLanguageModel model;
        try
        {
            model = ModelRegistry.CausalLanguageModel(files.Config);
        }
        catch (Exception e) when (e is CheckpointException or ModelException)
        {
            throw new NotSupportedException(e.Message, e);
        }

        Parameter[] trainable = [.. prepare?.Invoke(model) ?? []];
        foreach (Parameter parameter in trainable)
            parameter.Trainable = true;
        Training.Runs.BaseStorage.Mark(model, quantization, files.Weights);
        IReadOnlyList<string> extra = ModelWeights.Load(model, files.Weights, on);
        if (extra.Count > 0)
            throw new InvalidDataException($"{folder}: the model does not know {string.Join(", ", extra.Take(3))}");
        return new ModelOnDevice(on, files, model, trainable);
    }

    /// <summary>Runs a batch forward, and backward where it has labels and something trains.</summary>
    /// <param name="batch">Tensors by the names of the forward's arguments.</param>
    /// <param name="observed">Whether logits, hidden states and attention weights are asked for; false: the loss alone, as training asks.</param>
    /// <param name="nameOf">The name of a trainable parameter in the case's files.</param>
    /// <param name="training">Whether the pass runs in training mode.</param>
    public ComputedRun Run(IReadOnlyDictionary<string, GoldenTensor> batch, bool observed, Func<Parameter, string> nameOf, bool training = false)
    {
        var outputs = new OutputRecorder();
        var gradients = new Dictionary<string, ComputedTensor>(StringComparer.Ordinal);
        double loss = double.NaN;
        using (var session = new Session(Device, Gradients) { Training = training, Observer = observed ? outputs : null })
        {
            Gradients?.Clear();
            TokenInput input = Model is EncoderDecoder encoder ? Decoded(session, encoder, batch) : Input(session, batch);
            if (batch.TryGetValue("labels", out GoldenTensor? labels))
            {
                if (Model.PredictsFirstToken)
                    input = input with { FirstLabels = First(session, labels) };
                Tensor mean = Model.Loss(input, Model is EncoderDecoder ? Upload(session, labels) : Targets(session, labels));
                loss = Numbers(mean.View).Values[0];
                if (Gradients is not null)
                    session.Backward(mean);
            }
            else
            {
                outputs.Observe("", "logits", Model.Logits(Model.Call(input)));
            }
        }

        foreach (Parameter parameter in Gradients?.Parameters ?? [])
            if (Gradients!.Reached(parameter))
                gradients.Add(nameOf(parameter), Numbers(Gradients.Of(parameter)));
        return new ComputedRun(loss, outputs.Tensors, gradients);
    }

    /// <summary>The logits of a batch, without a loss.</summary>
    public ComputedTensor Logits(IReadOnlyDictionary<string, GoldenTensor> batch)
    {
        var unlabelled = batch.Where(p => p.Key != "labels").ToDictionary(p => p.Key, p => p.Value);
        if (Model is EncoderDecoder encoder && batch.TryGetValue("labels", out GoldenTensor? labels))
            unlabelled.TryAdd(DecoderIds, Shifted(encoder, labels));
        return Run(unlabelled, observed: false, p => p.Path).Outputs["logits"];
    }

    /// <summary>From now on no more bytes may be held than now: to be called again where something was loaded after the model.</summary>
    public void MarkAllLoaded() => outstanding = Device.Outstanding;

    /// <summary>Notes bytes that the passes so far did not give back.</summary>
    public void CheckNothingIsHeld(GoldenCheck check)
    {
        if (Device.Outstanding != outstanding)
            check.Fail($"{Device.Outstanding - outstanding} bytes were not given back");
    }

    /// <summary>
    /// A batch's tokens on the device. Positions without a mask mean packed sequences: where they do not go on by one, another sequence begins, which sees nothing of the one before.
    /// </summary>
    /// <exception cref="NotSupportedException">An argument of the forward that is not built.</exception>
    private TokenInput Input(Session session, IReadOnlyDictionary<string, GoldenTensor> batch)
    {
        foreach (string name in batch.Keys)
            if (name is not ("input_ids" or "attention_mask" or "position_ids" or "labels") && !(name == "token_type_ids" && Model is Gpt2))
                throw new NotSupportedException($"the input {name}");
        GoldenTensor ids = batch["input_ids"];
        var input = new TokenInput(Upload(session, ids));
        if (batch.TryGetValue("attention_mask", out GoldenTensor? mask))
            input = input with { KeyMask = Upload(session, mask) };
        if (batch.TryGetValue("token_type_ids", out GoldenTensor? types))
            input = input with { TokenTypes = Upload(session, types) };
        if (!batch.TryGetValue("position_ids", out GoldenTensor? positions))
            return input;
        long[] numbers = positions.Integers();
        input = input with { Positions = Upload(session, positions), PositionsEnd = (int)numbers.Max() + 1 };
        if (mask is not null)
            return input;
        long[] starts = [.. Enumerable.Range(0, numbers.Length).Where(i => i % ids.Shape[1] == 0 || numbers[i] != numbers[i - 1] + 1).Select(i => (long)i), numbers.Length];
        if (starts.Length == ids.Shape[0] + 1)
            return input;
        if (ids.Shape[0] > 1)
            throw new NotSupportedException("packed sequences in several rows");
        return input with { CuSeqlens = session.Upload<long>(starts, new Shape(starts.Length), DType.I64) };
    }

    /// <summary>An encoder-decoder's batch: the source encoded, and the decoder's tokens as given, or the labels moved to the right.</summary>
    /// <exception cref="NotSupportedException">An argument of the forward that is not built.</exception>
    private static TokenInput Decoded(Session session, EncoderDecoder model, IReadOnlyDictionary<string, GoldenTensor> batch)
    {
        foreach (string name in batch.Keys)
            if (name is not ("input_ids" or "attention_mask" or DecoderIds or "decoder_attention_mask" or "labels"))
                throw new NotSupportedException($"the input {name}");
        GoldenTensor ids = batch.TryGetValue(DecoderIds, out GoldenTensor? given) ? given : Shifted(model, batch["labels"]);
        return new TokenInput(Upload(session, ids), KeyMask: Optional("decoder_attention_mask"))
        {
            Source = model.Encode(new TokenInput(Upload(session, batch["input_ids"]), KeyMask: Optional("attention_mask"))),
        };

        Tensor? Optional(string name) => batch.TryGetValue(name, out GoldenTensor? tensor) ? Upload(session, tensor) : null;
    }

    private static GoldenTensor Shifted(EncoderDecoder model, GoldenTensor labels)
    {
        long[] wide = [.. labels.IdRows().SelectMany(row => Seq2SeqCollator.ShiftedRight(row, model.StartToken, model.PadToken)).Select(id => (long)id)];
        return new GoldenTensor(DecoderIds, "I64", [.. labels.Shape], System.Runtime.InteropServices.MemoryMarshal.AsBytes<long>(wide).ToArray());
    }

    /// <summary>What each position must predict: the labels shifted by one.</summary>
    public static Tensor Targets(Session session, GoldenTensor labels)
    {
        long[] values = labels.Integers();
        int length = labels.Shape[^1];
        var targets = new long[values.Length];
        for (int i = 0; i < targets.Length; i++)
            targets[i] = i % length == length - 1 ? -100 : values[i + 1];
        return session.Upload<long>(targets, new Shape([.. labels.Shape]), DType.I64);
    }

    // The label of each row's first token, which a virtual one in front of it predicts.
    private static Tensor First(Session session, GoldenTensor labels) =>
        session.Upload<long>([.. labels.Integers().Chunk(labels.Shape[^1]).Select(row => row[0])], new Shape(labels.Shape[0], 1), DType.I64);

    /// <summary>A view's numbers on the host.</summary>
    public static ComputedTensor Numbers(in View view)
    {
        var values = new double[view.Elements];
        if (view.IsDense)
        {
            view.Device.Read<double>(view, values);
        }
        else
        {
            View dense = view.Device.Allocate(view.Shape, view.Type, Devices.Memory.Category.Workspace);
            view.Device.Run(new CopyCall(view, dense));
            view.Device.Read<double>(dense, values);
            dense.Block.Release();
        }

        return new ComputedTensor(view.Shape.ToArray(), values);
    }

    /// <summary>A parameter's numbers on the host, in the checkpoint's order.</summary>
    public static ComputedTensor Numbers(Parameter parameter)
    {
        if (!parameter.IsPacked)
            return Numbers(parameter.Value.View);
        var values = new float[parameter.Shape.Elements];
        parameter.Read(values);
        return ComputedTensor.Of(parameter.Shape.ToArray(), values);
    }

    public void Dispose()
    {
        Gradients?.Dispose();
        foreach (Parameter parameter in Model.AllParameters())
            parameter.Dispose();
        Folder.Dispose();
        Device.Dispose();
    }

    private static Tensor Upload(Session session, GoldenTensor tensor)
    {
        if (tensor.Shape.Count != 2)
            throw new NotSupportedException($"{tensor.Name} of {tensor.Shape.Count} axes");
        return session.Upload<long>(tensor.Integers(), new Shape([.. tensor.Shape]), DType.I64);
    }
}

/// <summary>Copies what a model shows by name: logits, hidden states, attention weights.</summary>
internal sealed class OutputRecorder : IObserver
{
    private readonly Dictionary<string, ComputedTensor> tensors = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, ComputedTensor> Tensors => tensors;

    public bool WantsAttentionWeights => true;

    public bool WantsLogits => true;

    public void Observe(string path, string name, IActivation output)
    {
        if (name.Length > 0 && output is Tensor tensor)
            tensors[name] = ModelOnDevice.Numbers(tensor.View);
    }
}
