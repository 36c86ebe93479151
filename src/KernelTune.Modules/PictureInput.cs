using KernelTune.Autograd;

namespace KernelTune.Modules;

/// <summary>The pictures that a model reads.</summary>
/// <param name="Pixels">Real numbers [B, channels, height, width], normalised as the model's processor says.</param>
public sealed record PictureInput(Tensor Pixels) : IActivation
{
    public Session Session => Pixels.Session;

    public void Keep(in Keeper keeper) => keeper.Keep(Pixels);
}
