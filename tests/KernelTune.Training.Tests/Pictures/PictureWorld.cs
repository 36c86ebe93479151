using KernelTune.Data;
using System.Text.Json.Nodes;
using KernelTune.Data.Pictures;
using KernelTune.Training.Recipes;
using KernelTune.Training.Schedules;
using SkiaSharp;

namespace KernelTune.Training.Tests.Pictures;

/// <summary>A folder with what a run on pictures needs: a ResNet of two small stages, and pictures of 16 × 16 whose classes are told apart by where they are bright.</summary>
internal sealed class PictureWorld : IDisposable
{
    public PictureWorld()
    {
        Folder = Directory.CreateTempSubdirectory("kerneltune-pictures-").FullName;
        Directory.CreateDirectory(Model);
        File.WriteAllText(Path.Combine(Model, "config.json"), """
            {"architectures":["ResNetForImageClassification"],"model_type":"resnet","num_channels":3,"embedding_size":8,"hidden_sizes":[8,16],"depths":[1,1],"layer_type":"basic",
             "hidden_act":"relu","downsample_in_first_stage":false,"id2label":{"0":"LABEL_0","1":"LABEL_1"},"label2id":{"LABEL_0":0,"LABEL_1":1}}
            """);
        File.WriteAllText(Path.Combine(Model, PreprocessorConfig.FileName), """
            {"image_processor_type":"ViTImageProcessor","do_resize":true,"size":{"height":16,"width":16},"resample":2,"do_rescale":true,"do_normalize":true,"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5]}
            """);
        Draw("train", 12, "left", "right");
        Draw("held", 6, "left", "right");
    }

    public string Folder { get; }

    public string Model => Path.Combine(Folder, "model");

    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>From random weights: ten steps of six pictures, changed and shuffled, judged every fourth step.</summary>
    public Recipe Recipe(string output) => new()
    {
        Model = Model,
        Init = Initialization.Random,
        Task = TaskKind.ImageClassification,
        Method = MethodKind.Full,
        Data = new DataSettings
        {
            Train = [new DataFile(this["train"])],
            Validation = [new DataFile(this["held"])],
            Augmentation = new PictureAugmentation { CropPadding = 1 },
        },
        Optimizer = new OptimizerSettings { LearningRate = 5e-3 },
        Schedule = new ScheduleSettings { Type = "cosine", WarmupSteps = 2 },
        Training = new TrainingSettings { MaxSteps = 10, BatchSize = 5, GradientAccumulationSteps = 2 },
        Evaluation = new EvaluationSettings { Every = 4, Metrics = ["loss", "accuracy"] },
        Checkpoint = new CheckpointSettings { Every = 4, Keep = 2 },
        Output = this[output],
    };

    /// <summary>Grey PNG files: bright in the half (left, right, top, bottom) that the class is called after, else noise.</summary>
    public void Draw(string name, int count, params string[] classes)
    {
        foreach (string kind in classes)
        {
            Directory.CreateDirectory(Path.Combine(Folder, name, kind));
            for (int i = 0; i < count; i++)
            {
                byte[] pixels = new byte[256];
                uint state = (uint)((i * 977) + kind.Length + name.Length + kind[0]);
                for (int at = 0; at < 256; at++)
                {
                    state = (state * 1664525) + 1013904223;
                    int x = at % 16, y = at / 16;
                    bool bright = kind switch { "left" => x < 8, "right" => x >= 8, "top" => y < 8, _ => y >= 8 };
                    pixels[at] = (byte)((state >> 25) + (bright ? 120u : 0));
                }

                using SKImage image = SKImage.FromPixelCopy(new SKImageInfo(16, 16, SKColorType.Gray8, SKAlphaType.Opaque), pixels);
                using SKData data = image.Encode(SKEncodedImageFormat.Png, 100);
                File.WriteAllBytes(Path.Combine(Folder, name, kind, $"{i:00}.png"), data.ToArray());
            }
        }
    }

    /// <summary>A JSON file of a run's folder.</summary>
    public JsonObject Json(string path) => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, path)))!.AsObject();

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
