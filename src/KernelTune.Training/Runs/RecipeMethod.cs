using KernelTune.Checkpoints;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Runs;

/// <summary>A recipe's method, put on its model.</summary>
public static class RecipeMethod
{
    /// <summary>Attaches the method, before the base is loaded.</summary>
    /// <param name="recipe">Names the method.</param>
    /// <param name="model">The model.</param>
    /// <param name="adapter">adapter_config.json of an adapter to start from; null: a fresh one.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <exception cref="MethodException">The method does not suit the model.</exception>
    public static IMethod Attach(Recipe recipe, IPretrainedModel model, JsonSettings? adapter, Action<string>? note = null)
    {
        if (adapter is not null)
            return AdapterMethods.Attach(model.Root, model.ModelType, adapter, note, training: true);
        return recipe.Method switch
        {
            MethodKind.Full => FullTuning.Attach(model.Root),
            MethodKind.HeadOnly => HeadTuning.Attach(model.Root, model.Head),
            MethodKind.Lora => Lora.Attach(model.Root, model.ModelType, recipe.Lora.Config),
            _ => throw new ArgumentOutOfRangeException(nameof(recipe), recipe.Method, "a method that is not built"),
        };
    }
}
