using System.Globalization;
using System.Text;

namespace KernelTune.Training.Runs;

/// <summary>The README.md of a checkpoint: what it is, how it came about, how to load it.</summary>
internal static class ModelCard
{
    public static string Text(TrainableModel model, string modelName, RunState state)
    {
        var text = new StringBuilder();
        bool adapter = model.Method.IsAdapter;
        text.Append("---\nlibrary_name: ").Append(adapter ? model.Method.Library : "transformers").Append("\nbase_model: ").Append(Line(modelName)).Append("\ntags: [kerneltune]\n---\n\n");
        text.Append("# ").Append(adapter ? "Adapter" : "Fine-tuned model").Append("\n\n");
        text.Append(CultureInfo.InvariantCulture, $"Architecture {model.Model.Architecture}, {model.TrainableElements:N0} of {model.TotalElements:N0} parameters trained, {state.Step} of {state.Steps} steps.\n");
        if (state.LastEvaluation is { } loss)
            text.Append(CultureInfo.InvariantCulture, $"Validation loss {loss:F4} (before training {state.FirstEvaluation:F4}).\n");
        text.Append(CultureInfo.InvariantCulture, $"\nMethod: {model.Method.Description}.\n");
        text.Append("\nMade with KernelTune. The top of this folder is what ").Append(adapter ? model.Method.Library switch { "peft" => "PEFT", "adapters" => "adapter-hub's adapters", _ => "KernelTune" } : "Transformers").Append(" loads; `trainer/`, where it is there, is what a resume needs.\n");
        return text.ToString();
    }

    // Names come from outside: nothing in one may end the line.
    private static string Line(string text) => Checkpoints.CheckpointException.Quote(text);
}
