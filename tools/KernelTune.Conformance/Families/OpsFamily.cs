using System.Text.Json;
using KernelTune.Conformance.Checks;
using KernelTune.Devices;

namespace KernelTune.Conformance.Families;

/// <summary>ops/: one operation each, its outputs and gradients, and that all memory comes back. 16-bit variants are not run yet.</summary>
public sealed class OpsFamily : IFamily
{
    public string Name => "ops";

    public bool UsesDevice => true;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "*.safetensors").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        var tensors = new GoldenTensors(Path.Combine(folder, name + ".safetensors"));
        return [Run(tensors, device)];
    }

    private static Finding Run(GoldenTensors tensors, string deviceName)
    {
        var about = tensors.Metadata;
        if (about["kind"] != "op")
            return Unsupported($"kind {about["kind"]}");
        if (!OpTable.All.TryGetValue(about["op"], out var operation))
            return Unsupported($"operation {about["op"]}");
        if (about["dtype"] != "F32")
            return Unsupported($"type {about["dtype"]}");
        if (about["check"] is not ("absolute" or "elementwise"))
            return Unsupported($"check {about["check"]}");
        using JsonDocument attributes = JsonDocument.Parse(about["attributes"]);
        foreach (JsonProperty p in attributes.RootElement.EnumerateObject())
        {
            if (!operation.Attributes.Contains(p.Name))
                return Unsupported($"attribute {p.Name} of {about["op"]}");
        }
        using Device? device = DeviceChoice.Create(deviceName);
        if (device is null)
            return Unsupported($"device {deviceName}");

        using JsonDocument errors = JsonDocument.Parse(about["float32_error"]);
        var check = new OpCheck(deviceName, about["check"] == "elementwise", errors.RootElement);
        long before = device.Outstanding;
        using (var run = new OpRun(device, tensors, attributes.RootElement, check, operation.Frozen))
        {
            try
            {
                operation.Run(run);
            }
            catch (NotSupportedException e)
            {
                return Unsupported(e.Message);
            }
            run.Finish();
        }
        if (device.Outstanding != before)
            check.Fail($"{device.Outstanding - before} bytes did not come back");
        return check.Finding();
    }

    private static Finding Unsupported(string what) => new("", Outcome.Unsupported, what);
}
