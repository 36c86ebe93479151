using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Data.Pictures;
using KernelTune.Models;

namespace KernelTune.Training.Tasks;

/// <summary>The names of classes: those of a folder, of a recipe and of a model.</summary>
public static class ImageLabels
{
    /// <summary>The classes in the order that numbers them.</summary>
    /// <param name="folder">The pictures' folder.</param>
    /// <param name="wanted">Those that the recipe lists; null: all of the folder.</param>
    /// <param name="kept">A model whose classifier is kept: its classes must be the same ones, and its order counts. Null: the classifier is new.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <exception cref="DataException">The folder has no classes, or they are not the model's.</exception>
    public static IReadOnlyList<string> Of(string folder, IReadOnlyList<string>? wanted, ImageClassifier? kept, Action<string> note)
    {
        IReadOnlyList<string> found = PictureFolder.List(folder, wanted).Classes;
        if (kept is null)
            return found;
        IReadOnlyList<string> own = kept.LabelNames;
        if (found.ToHashSet(StringComparer.Ordinal).SetEquals(own))
            return own;
        if (found.Count == own.Count && !kept.Config.Has("id2label"))
        {
            note($"{kept.Config.File} names no classes: those of {folder} are taken in their order");
            return found;
        }
        throw new DataException(folder, $"the classes {Listed(found)} were found and the model's are {Listed(own)}: `head: {{}}` starts a new classifier, data.classes chooses among the folders");
    }

    /// <summary>The configuration with these classes as id2label and label2id, and as many outputs.</summary>
    public static JsonSettings In(JsonSettings config, IReadOnlyList<string> classes)
    {
        var json = JsonNode.Parse(config.Root.GetRawText())!.AsObject();
        var (names, numbers) = (new JsonObject(), new JsonObject());
        for (int i = 0; i < classes.Count; i++)
        {
            names[i.ToString(CultureInfo.InvariantCulture)] = classes[i];
            numbers[classes[i]] = i;
        }
        (json["id2label"], json["label2id"]) = (names, numbers);
        json.Remove("num_labels");
        if (json.ContainsKey("num_classes"))
            json["num_classes"] = classes.Count;
        return JsonSettings.Parse(config.File, Encoding.UTF8.GetBytes(json.ToJsonString()));
    }

    private static string Listed(IReadOnlyList<string> names) => string.Join(", ", names.Take(12)) + (names.Count > 12 ? $" … ({names.Count})" : "");
}
