using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Conformance.Checks;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;
using KernelTune.Modules;

namespace KernelTune.Conformance.Families;

/// <summary>A classifier of pictures loaded on a device of its own, every parameter of it trained, which runs the batch of a case once.</summary>
internal sealed class ClassifierOnDevice : IDisposable
{
    private readonly HuggingFaceFolder files;
    private readonly GradientStore gradients;
    private readonly long outstanding;

    private ClassifierOnDevice(Device device, HuggingFaceFolder files, ImageClassifier model, GradientStore gradients)
    {
        (Device, this.files, Model, this.gradients) = (device, files, model, gradients);
        outstanding = device.Outstanding;
    }

    /// <summary>Builds the model of a folder and loads it.</summary>
    /// <exception cref="NotSupportedException">There is no such device, or the configuration asks for what is not built.</exception>
    /// <exception cref="InvalidDataException">The folder holds weights that the model has not.</exception>
    public static ClassifierOnDevice Open(string folder, string device)
    {
        Device on = DeviceChoice.Create(device) ?? throw new NotSupportedException($"there is no device {device} yet");
        HuggingFaceFolder? files = null;
        ImageClassifier? model = null;
        try
        {
            files = HuggingFaceFolder.Open(folder);
            model = Built(files.Config);
            Parameter[] trainable = [.. model.BaseParameters()];
            foreach (Parameter parameter in trainable)
                parameter.Trainable = true;
            if (ModelWeights.Load(model, files.Weights, on) is [var extra, ..])
                throw new InvalidDataException($"{folder}: the model does not know {extra}");
            return new ClassifierOnDevice(on, files, model, new GradientStore(on, trainable));
        }
        catch
        {
            Free(model);
            files?.Dispose();
            on.Dispose();
            throw;
        }
    }

    public Device Device { get; }

    public ImageClassifier Model { get; }

    /// <summary>Runs a batch forward, and backward where it has labels.</summary>
    public ComputedRun Run(IReadOnlyDictionary<string, GoldenTensor> batch, bool observed, bool training)
    {
        foreach (string name in batch.Keys)
            if (name is not ("pixel_values" or "labels"))
                throw new NotSupportedException($"the input {name}");
        var outputs = new OutputRecorder();
        double loss = double.NaN;
        gradients.Clear();
        using (var session = new Session(Device, gradients) { Training = training, Observer = observed ? outputs : null })
        {
            GoldenTensor pixels = batch["pixel_values"];
            var input = new PictureInput(session.Upload<float>(pixels.Floats(), new Shape([.. pixels.Shape]), session.Real));
            if (batch.TryGetValue("labels", out GoldenTensor? labels))
            {
                Tensor mean = Model.Loss(input, session.Upload<long>(labels.Integers(), new Shape([.. labels.Shape]), DType.I64));
                loss = ModelOnDevice.Numbers(mean.View).Values[0];
                session.Backward(mean);
            }
            else
            {
                outputs.Observe("", "logits", Model.Call(input));
            }
        }

        return new ComputedRun(loss, outputs.Tensors,
            gradients.Parameters.Where(gradients.Reached).ToDictionary(KeyOf, p => ModelOnDevice.Numbers(gradients.Of(p)), StringComparer.Ordinal));
    }

    /// <summary>Holds the buffers to what the case expects after one pass.</summary>
    public void CompareBuffers(GoldenCheck check, GoldenTensors expected)
    {
        const string Prefix = "buffer.";
        string[] wanted = [.. expected.Names.Where(n => n.StartsWith(Prefix, StringComparison.Ordinal))];
        if (wanted.Length == 0)
            return;
        Dictionary<string, Parameter> buffers = Model.Buffers().ToDictionary(b => Prefix + KeyOf(b), StringComparer.Ordinal);
        check.Names("the buffers", buffers.Keys, wanted);
        foreach (string name in wanted.Where(buffers.ContainsKey))
        {
            ComputedTensor ours = ModelOnDevice.Numbers(buffers[name]);
            if (expected[name].DType == "I64")
                check.Exact<long>(name, Array.ConvertAll(ours.Values, v => (long)v), expected[name].Integers());
            else
                check.Tensor<double>(name, ours.Values, ours.Shape, expected[name]);
        }
    }

    /// <summary>Notes bytes that a pass did not give back.</summary>
    public void CheckNothingIsHeld(GoldenCheck check)
    {
        if (Device.Outstanding != outstanding)
            check.Fail($"{Device.Outstanding - outstanding} bytes were not given back");
    }

    public void Dispose()
    {
        gradients.Dispose();
        Free(Model);
        files.Dispose();
        Device.Dispose();
    }

    private static ImageClassifier Built(JsonSettings config)
    {
        try
        {
            return ModelRegistry.ImageClassifier(config);
        }
        catch (Exception e) when (e is CheckpointException or ModelException)
        {
            throw new NotSupportedException(e.Message, e);
        }
    }

    private static void Free(ImageClassifier? model)
    {
        foreach (Parameter parameter in model?.AllParameters() ?? [])
            parameter.Dispose();
    }

    private string KeyOf(Parameter parameter) => Model.CheckpointKeys(parameter).FirstOrDefault(k => files.Weights.TryGet(k, out _)) ?? parameter.Path;
}
