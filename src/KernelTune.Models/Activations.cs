using KernelTune.Autograd;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>The activation that a configuration names.</summary>
internal static class Activations
{
    public static Tensor Apply(string name, Tensor x) => ActivationFunction.Apply(name, x);

    /// <summary>Refuses a name that <see cref="Apply"/> does not know.</summary>
    public static void Check(string name)
    {
        if (!ActivationFunction.IsKnown(name))
            throw new ModelException("config.json", $"the activation '{name}' is not known");
    }
}
