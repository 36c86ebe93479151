using KernelTune.Autograd;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>Modules that train whole beside an adapter (PEFT's modules_to_save): every path, or path above a leaf, that ends with one of the names.</summary>
internal static class WholeModules
{
    /// <summary>Adds their parameters to what trains, and their running statistics to what is saved, as PREFIX + path.</summary>
    /// <exception cref="MethodException">No module has such a name, or its weight is shared with another module.</exception>
    public static void Take(Module model, IReadOnlyList<string>? names, string prefix, AdapterTensors tensors)
    {
        if (names is not { Count: > 0 })
            return;
        var shared = model.SharedParameters();
        foreach (string name in names)
        {
            var modules = model.Tree().Where(m => m.OwnParameters.Count > 0 && Roots(m.Path).Any(r => r.EndsWith(name, StringComparison.Ordinal))).ToArray();
            if (modules.Length == 0)
                throw new MethodException($"modules_to_save names {name}, and no module's path ends so");
            foreach (var parameter in modules.SelectMany(m => m.OwnParameters))
            {
                if (shared.Contains(parameter))
                    throw new MethodException($"modules_to_save names {name}, whose weight {parameter.Path} is shared with another module: a tied weight cannot be trained apart");
                if (!tensors.ByName.ContainsKey(prefix + parameter.Path))
                    tensors.Add(prefix + parameter.Path, parameter);
            }
            foreach (var buffer in modules.SelectMany(m => m.OwnBuffers))
            {
                if (!tensors.Buffers.ContainsKey(prefix + buffer.Path))
                    tensors.AddBuffer(prefix + buffer.Path, buffer);
            }
        }
    }

    private static IEnumerable<string> Roots(string path)
    {
        for (int end = path.Length; end > 0; end = path.LastIndexOf('.', end - 1))
            yield return path[..end];
    }
}
