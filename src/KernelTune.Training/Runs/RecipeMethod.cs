using KernelTune.Checkpoints;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Runs;

/// <summary>A recipe's method, put on its model.</summary>
public static class RecipeMethod
{
    /// <summary>The model's configuration with what the method wants of it; to be asked before the model is built.</summary>
    /// <exception cref="MethodException">The model cannot be built so.</exception>
    public static JsonSettings Amend(Recipe recipe, JsonSettings config, JsonSettings? adapter) =>
        adapter is not null ? AdapterMethods.Amend(config, adapter) : recipe.Method == MethodKind.BitFit ? recipe.BitFit.Amend(config) : config;

    /// <summary>How many virtual tokens the method puts in front of every text.</summary>
    /// <exception cref="CheckpointException">The adapter that the recipe starts from cannot be used.</exception>
    public static int VirtualTokens(Recipe recipe)
    {
        if (recipe.Adapter is { } adapter)
            return AdapterMethods.VirtualTokens(JsonSettings.Read(Path.Combine(adapter, AdapterFolder.ConfigName)));
        return recipe.Method switch
        {
            MethodKind.Prompt => recipe.Prompt.NumVirtualTokens,
            MethodKind.Prefix => recipe.Prefix.NumVirtualTokens,
            _ => 0,
        };
    }

    /// <summary>The recipe whose adapter trains a module whole and holds it (PEFT's modules_to_save), unless it names it already; a method without an adapter is left as it is.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="path">The module's path.</param>
    public static Recipe TrainingWhole(Recipe recipe, string path)
    {
        return recipe.Method switch
        {
            MethodKind.Lora => recipe with { Lora = recipe.Lora with { Config = recipe.Lora.Config with { ModulesToSave = With(recipe.Lora.Config.ModulesToSave) } } },
            MethodKind.Ia3 => recipe with { Ia3 = recipe.Ia3 with { ModulesToSave = With(recipe.Ia3.ModulesToSave) } },
            MethodKind.BitFit => recipe with { BitFit = recipe.BitFit with { ModulesToSave = With(recipe.BitFit.ModulesToSave) } },
            _ => recipe,
        };

        IReadOnlyList<string> With(IReadOnlyList<string>? names) => TrainsWhole(names, path) ? names! : [.. names ?? [], path];
    }

    /// <summary>The recipe whose LoRA trains rows of the token table, and of a head with a table of its own, unless it trains those whole; another method is left as it is.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="model">Its model, with those rows.</param>
    /// <param name="tokens">The rows: new tokens' ids.</param>
    public static Recipe TrainingRows(Recipe recipe, CausalLanguageModel model, IReadOnlyList<int> tokens)
    {
        if (recipe.Method != MethodKind.Lora)
            return recipe;
        var config = recipe.Lora.Config;
        string[] tables = [.. new[] { model.TokenTable.Path, model.Head.Path }.Take(model.IsTied ? 1 : 2).Where(path => !TrainsWhole(config.ModulesToSave, path))];
        return recipe with { Lora = recipe.Lora with { Config = config.AlsoTraining(tokens, model.TokenTable.Path, tables, byTable: !model.IsTied) } };
    }

    // PEFT compares the ends of paths, that of the module and those above it.
    private static bool TrainsWhole(IReadOnlyList<string>? names, string path) =>
        names?.Any(name => path.EndsWith(name, StringComparison.Ordinal) || path.Contains(name + ".", StringComparison.Ordinal)) == true;

    /// <summary>Attaches the method, before the base is loaded.</summary>
    /// <param name="recipe">Names the method.</param>
    /// <param name="model">The model.</param>
    /// <param name="adapter">adapter_config.json of an adapter to start from; null: a fresh one.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <exception cref="MethodException">The method does not suit the model, or the adapter is another method's.</exception>
    public static IMethod Attach(Recipe recipe, IPretrainedModel model, JsonSettings? adapter, Action<string>? note = null)
    {
        if (adapter is not null)
        {
            string found = AdapterFolder.MethodOf(adapter), wanted = PeftTypeOf(recipe.Method);
            if (found != wanted && AdapterMethods.PeftTypes.Contains(found))
                throw new MethodException($"{adapter.File}: the adapter is {found}, and the recipe's method: {RecipeWords.Of(RecipeWords.Methods, recipe.Method)} is {wanted}");
            return AdapterMethods.Attach(model.Root, model.ModelType, adapter, note, training: true);
        }
        return recipe.Method switch
        {
            MethodKind.Full => FullTuning.Attach(model.Root),
            MethodKind.HeadOnly => HeadTuning.Attach(model.Root, model.Head),
            MethodKind.Lora => Lora.Attach(model.Root, model.ModelType, recipe.Lora.Config),
            MethodKind.Prompt => PromptTuning.Attach(model.Root, recipe.Prompt, text => TextTools.Open(Path.GetDirectoryName(model.Config.File)!).Tokenizer.EncodeIds(text)),
            MethodKind.Prefix => PrefixTuning.Attach(model.Root, recipe.Prefix),
            MethodKind.Adapter => Bottleneck.Attach(model.Root, recipe.Bottleneck),
            MethodKind.Ia3 => Ia3.Attach(model.Root, model.ModelType, recipe.Ia3),
            MethodKind.BitFit => BitFit.Attach(model.Root, recipe.BitFit),
            _ => throw new ArgumentOutOfRangeException(nameof(recipe), recipe.Method, "a method that is not built"),
        };
    }

    private static string PeftTypeOf(MethodKind method) => method switch
    {
        MethodKind.Lora => "LORA",
        MethodKind.Prompt => PromptTuningConfig.PeftType,
        MethodKind.Prefix => PrefixTuningConfig.PeftType,
        MethodKind.Adapter => BottleneckConfig.PeftType,
        MethodKind.Ia3 => Ia3Config.PeftType,
        MethodKind.BitFit => BitFitConfig.PeftType,
        _ => "none",
    };
}
