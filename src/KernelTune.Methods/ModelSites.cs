using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>The leaf modules of a model as methods see them.</summary>
public static class ModelSites
{
    /// <summary>Every leaf module, in the order of the model.</summary>
    public static IReadOnlyList<AdaptableModule> Of(Module model)
    {
        var sites = new List<AdaptableModule>();
        foreach (var module in model.Tree())
        {
            switch (module)
            {
                case Linear l:
                    sites.Add(new AdaptableModule(l.Path, l.IsConv1D ? ModuleKind.Conv1D : ModuleKind.Linear, l.InFeatures, l.OutFeatures, l.Bias is not null, l.IsOutputHead));
                    break;
                case Conv2d c:
                    sites.Add(new AdaptableModule(c.Path, ModuleKind.Conv2d, c.InChannels, c.OutChannels, c.Bias is not null, false, c.Kernel.Height, c.Kernel.Width, c.Geometry.Groups));
                    break;
                case BatchNorm2d n:
                    sites.Add(new AdaptableModule(n.Path, ModuleKind.Norm, n.Channels, n.Channels, true));
                    break;
                case Embedding e:
                    sites.Add(new AdaptableModule(e.Path, ModuleKind.Embedding, e.Rows, e.Dim));
                    break;
                case RmsNorm n:
                    sites.Add(new AdaptableModule(n.Path, ModuleKind.Norm, n.Features, n.Features));
                    break;
                case LayerNorm n:
                    sites.Add(new AdaptableModule(n.Path, ModuleKind.Norm, n.Features, n.Features, n.Bias is not null));
                    break;
            }
        }
        return sites;
    }
}
