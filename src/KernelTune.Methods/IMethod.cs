using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;

namespace KernelTune.Methods;

/// <summary>A fine-tuning method put on a model: what it trains, how that begins, how it is saved, and what merging makes of the base.</summary>
/// <remarks>It is attached before the base is loaded, so that frozen weights may be packed; <see cref="Initialize"/> and <see cref="Load"/> come after the base.</remarks>
public interface IMethod
{
    /// <summary>The method and what is worth knowing of it, for panels and cards: "lora, rank 8, alpha 16".</summary>
    string Description { get; }

    /// <summary>True where what it trains is saved alone, as an adapter; false where the whole model is saved.</summary>
    bool IsAdapter { get; }

    /// <summary>
    /// How many products of its weights a token of a training step costs: 1 forward only (a trained head over a frozen body), 2 with the gradient of the inputs (adapters), 3 with
    /// the gradient of the weights. What model FLOPs count.
    /// </summary>
    int Passes { get; }

    /// <summary>The library whose layout an adapter is saved in: "peft", "adapters" (adapter-hub's), or our own name.</summary>
    string Library => "peft";

    /// <summary>What it trains, in the order of the model.</summary>
    IReadOnlyList<Parameter> Trainable { get; }

    /// <summary>What a user should know, a sentence each.</summary>
    IReadOnlyList<string> Warnings { get; }

    /// <summary>Draws fresh values: a function of seed and paths alone.</summary>
    void Initialize(Device device, ulong seed);

    /// <summary>Loads an adapter's tensors, strictly by name and shape.</summary>
    /// <returns>Names in the file that the method does not know.</returns>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape.</exception>
    IReadOnlyList<string> Load(Device device, AdapterFolder folder);

    /// <summary>Writes the adapter's files, in its library's layout. Not called where <see cref="IsAdapter"/> is false.</summary>
    /// <param name="folder">A folder that is being saved.</param>
    /// <param name="baseName">base_model_name_or_path.</param>
    /// <param name="taskType">"CAUSAL_LM" …, where the adapter's own settings name none; null: the task has no such name.</param>
    void Save(AtomicFolder folder, string baseName, string? taskType);

    /// <summary>Why it cannot be merged into the base; null where it can.</summary>
    string? WhyUnmergeable { get; }

    /// <summary>True where merging changes this parameter of this module. A tied parameter is asked for under each of its modules.</summary>
    bool Changes(Parameter parameter, string modulePath);

    /// <summary>True where merging changes a tied parameter alike under all its modules, so that it stays tied.</summary>
    bool ChangesAlike(Parameter parameter) => false;

    /// <summary>The numbers of a parameter that merging changes, in the checkpoint's order.</summary>
    float[] Merged(Parameter parameter, string modulePath);
}
