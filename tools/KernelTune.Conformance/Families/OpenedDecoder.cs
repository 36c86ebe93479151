using KernelTune.Evaluation.Generation;
using KernelTune.Training.Generation;

namespace KernelTune.Conformance.Families;

/// <summary>A model folder opened for generation on a device of its own.</summary>
internal sealed class OpenedDecoder : INextLogits, IDisposable
{
    private readonly ModelOnDevice model;
    private readonly CachedDecoder decoder;

    private OpenedDecoder(ModelOnDevice model) => (this.model, decoder) = (model, new CachedDecoder(model.Model, model.Device));

    public int VocabularySize => decoder.VocabularySize;

    public int ContextLength => decoder.ContextLength;

    /// <summary>Opens a folder; null: its architecture, or the device, is not built.</summary>
    public static OpenedDecoder? Open(string folder, string device)
    {
        try
        {
            return new OpenedDecoder(ModelOnDevice.Open(folder, device));
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    public int? StartToken => decoder.StartToken;

    public ReadOnlySpan<float> Prefill(TokenBatch prompts, int copies = 1) => decoder.Prefill(prompts, copies);

    public ReadOnlySpan<float> Step(ReadOnlySpan<int> tokens) => decoder.Step(tokens);

    public void Reorder(ReadOnlySpan<int> rows) => decoder.Reorder(rows);

    public void Dispose()
    {
        decoder.Dispose();
        model.Dispose();
    }
}
