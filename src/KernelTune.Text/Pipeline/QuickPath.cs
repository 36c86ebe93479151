using KernelTune.Text.Models;

namespace KernelTune.Text.Pipeline;

/// <summary>Ids without places.</summary>
internal sealed class QuickPath
{
    private QuickPath()
    {
    }

    public static QuickPath? For(TokenizerParts parts) => parts.Model is BpeModel ? null : null;

    public bool TryAppend(string text, OrdinaryParts ordinary, List<int> ids) => false;
}
