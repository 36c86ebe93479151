using KernelTune.Data;

namespace KernelTune.Cli.Recipes;

/// <summary>The keys of recipes, and what to say about the others.</summary>
internal static class RecipeKeys
{
    /// <summary>Every key that a recipe may have, dotted.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        "version", "model", "init", "task", "method", "adapter", "tokenizer", "tokenizer.add_tokens", "tokenizer.pad_to_multiple_of", "tokenizer.init", "device", "memory_limit", "output",
        "lora", "lora.r", "lora.lora_alpha", "lora.lora_dropout", "lora.target_modules", "lora.exclude_modules", "lora.use_rslora", "lora.rank_pattern",
        "lora.alpha_pattern", "lora.layers_to_transform", "lora.layers_pattern", "lora.bias", "lora.modules_to_save", "lora.trainable_token_indices", "lora.fan_in_fan_out",
        "lora.init_lora_weights", "lora.loraplus_lr_ratio", "lora.loraplus_lr_embedding",
        "quantization", "quantization.type", "quantization.double", "quantization.block_size",
        "prompt", "prompt.num_virtual_tokens", "prompt.prompt_tuning_init", "prompt.prompt_tuning_init_text", "prompt.modules_to_save",
        "prefix", "prefix.num_virtual_tokens", "prefix.prefix_projection", "prefix.encoder_hidden_size", "prefix.init_weights", "prefix.modules_to_save",
        "bottleneck", "bottleneck.config", "bottleneck.mh_adapter", "bottleneck.output_adapter", "bottleneck.reduction_factor", "bottleneck.non_linearity",
        "bottleneck.original_ln_before", "bottleneck.original_ln_after", "bottleneck.ln_before", "bottleneck.ln_after", "bottleneck.residual_before_ln",
        "bottleneck.adapter_residual_before_ln", "bottleneck.init_weights", "bottleneck.is_parallel", "bottleneck.scaling", "bottleneck.leave_out", "bottleneck.dropout",
        "bottleneck.stochastic_depth",
        "ia3", "ia3.target_modules", "ia3.exclude_modules", "ia3.feedforward_modules", "ia3.init_ia3_weights", "ia3.modules_to_save",
        "bitfit", "bitfit.add_biases", "bitfit.modules_to_save",
        "data", "data.train", "data.validation", "data.test", "data.format", "data.max_length", "data.packing", "data.shuffle", "data.rows", "data.loss_on",
        "data.columns", .. ExampleColumns.Names.Select(n => $"data.columns.{n}"),
        "data.classes", "data.augmentation", "data.augmentation.crop_padding", "data.augmentation.horizontal_flip", "head",
        "objective", "objective.type",
        "optimizer", "optimizer.type", "optimizer.learning_rate", "optimizer.weight_decay", "optimizer.betas", "optimizer.eps", "optimizer.groups",
        "optimizer.momentum", "optimizer.dampening", "optimizer.nesterov", "optimizer.min_8bit_size",
        "schedule", "schedule.type", "schedule.warmup_ratio", "schedule.warmup_steps",
        "training", "training.num_epochs", "training.max_steps", "training.batch_size", "training.gradient_accumulation_steps", "training.max_grad_norm",
        "training.precision", "training.activation_checkpointing", "training.seed", "training.early_stopping",
        "training.early_stopping.metric", "training.early_stopping.patience",
        "evaluation", "evaluation.every", "evaluation.metrics", "checkpoint", "checkpoint.every", "checkpoint.keep",
    ];

    /// <summary>Keys of the recipes' page, and of PEFT's LoRA, that this version does not know how to do.</summary>
    public static readonly IReadOnlySet<string> NotBuilt = new HashSet<string>
    {
        "head.hidden", "head.activation", "head.dropout", "freeze", "progressive", "ln", "dora", "adalora", "p-tuning", "p_tuning", "vera",
        "bottleneck.use_gating", "bottleneck.phm_layer", "bottleneck.inv_adapter", "bottleneck.cross_adapter",
        "lora.use_dora", "lora.lora_bias", "lora.layer_replication", "lora.loftq_config", "lora.eva_config", "lora.target_parameters",
        "lora.use_qalora", "lora.corda_config", "lora.runtime_config", "lora.megatron_config",
    };

    // The names that axolotl, LLaMA-Factory, TRL, Transformers and torchtune have for what a recipe calls otherwise.
    private static readonly (string Theirs, string Tool, string Ours)[] Foreign =
    [
        ("base_model", "axolotl", "model"), ("model_name_or_path", "LLaMA-Factory and TRL", "model"), ("checkpointer", "torchtune", "model"),
        ("adapter_name_or_path", "LLaMA-Factory", "adapter"), ("lora_model_dir", "axolotl", "adapter"),
        ("finetuning_type", "LLaMA-Factory", "method"), ("use_peft", "TRL", "method: lora"), ("stage", "LLaMA-Factory", "objective.type"), ("rl", "axolotl", "objective.type"),
        ("lora_r", "axolotl and TRL", "lora.r"), ("lora_rank", "LLaMA-Factory and torchtune", "lora.r"), ("rank", "torchtune", "lora.r"), ("alpha", "torchtune", "lora.lora_alpha"),
        ("lora_alpha", "axolotl, LLaMA-Factory and TRL", "lora.lora_alpha"), ("lora_dropout", "axolotl, LLaMA-Factory and TRL", "lora.lora_dropout"),
        ("dropout", "torchtune", "lora.lora_dropout"),
        ("lora_target", "LLaMA-Factory", "lora.target_modules"), ("lora_target_modules", "axolotl and TRL", "lora.target_modules"),
        ("lora_target_linear", "axolotl", "lora.target_modules: all-linear"), ("lora_attn_modules", "torchtune", "lora.target_modules"),
        ("apply_lora_to_mlp", "torchtune", "lora.target_modules"), ("apply_lora_to_output", "torchtune", "lora.target_modules"),
        ("lora_modules_to_save", "axolotl", "lora.modules_to_save"), ("additional_target", "LLaMA-Factory", "lora.modules_to_save"),
        ("peft_use_rslora", "axolotl", "lora.use_rslora"), ("use_rslora", "LLaMA-Factory and TRL", "lora.use_rslora"),
        ("peft_layers_to_transform", "axolotl", "lora.layers_to_transform"), ("loraplus_lr_ratio", "axolotl and LLaMA-Factory", "lora.loraplus_lr_ratio"),
        ("loraplus_lr_embedding", "axolotl and LLaMA-Factory", "lora.loraplus_lr_embedding"),
        ("datasets", "axolotl", "data.train"), ("dataset", "LLaMA-Factory and torchtune", "data.train"), ("dataset_dir", "LLaMA-Factory", "data.train"),
        ("dataset_name", "TRL", "data.train"), ("train_file", "Transformers", "data.train"), ("dataset_prepared_path", "axolotl", "data.train"),
        ("test_datasets", "axolotl", "data.validation"), ("eval_dataset", "LLaMA-Factory", "data.validation"), ("val_set_size", "axolotl", "data.validation"),
        ("val_size", "LLaMA-Factory", "data.validation"), ("validation_file", "Transformers", "data.validation"), ("dataset_val", "torchtune", "data.validation"),
        ("sequence_len", "axolotl", "data.max_length"), ("cutoff_len", "LLaMA-Factory", "data.max_length"), ("max_seq_length", "TRL", "data.max_length"),
        ("max_seq_len", "torchtune", "data.max_length"), ("sample_packing", "axolotl", "data.packing"), ("packed", "torchtune", "data.packing"),
        ("neat_packing", "LLaMA-Factory", "data.packing"), ("shuffle_merged_datasets", "axolotl", "data.shuffle"), ("max_samples", "LLaMA-Factory", "data.rows"),
        ("train_on_inputs", "axolotl", "data.loss_on"), ("train_on_input", "torchtune", "data.loss_on"), ("train_on_prompt", "LLaMA-Factory", "data.loss_on"),
        ("roles_to_train", "axolotl", "data.loss_on"), ("assistant_only_loss", "TRL", "data.loss_on: assistant"),
        ("completion_only_loss", "TRL", "data.loss_on: completion"), ("chat_template", "axolotl and TRL", "model, whose tokenizer_config.json has the chat template"),
        ("template", "LLaMA-Factory", "model, whose tokenizer_config.json has the chat template"),
        ("add_tokens", "LLaMA-Factory", "tokenizer.add_tokens"), ("new_special_tokens", "LLaMA-Factory", "tokenizer.add_tokens"),
        ("resize_vocab", "LLaMA-Factory", "tokenizer.add_tokens"), ("optim", "TRL and LLaMA-Factory", "optimizer.type"), ("lr", "torchtune", "optimizer.learning_rate"), ("adam_beta1", "Transformers", "optimizer.betas"),
        ("adam_beta2", "Transformers", "optimizer.betas"), ("adam_epsilon", "Transformers", "optimizer.eps"),
        ("lr_scheduler", "axolotl and torchtune", "schedule.type"), ("lr_scheduler_type", "TRL and LLaMA-Factory", "schedule.type"),
        ("num_warmup_steps", "torchtune", "schedule.warmup_steps"),
        ("num_train_epochs", "TRL and LLaMA-Factory", "training.num_epochs"), ("epochs", "torchtune", "training.num_epochs"),
        ("max_steps_per_epoch", "torchtune", "training.max_steps"),
        ("micro_batch_size", "axolotl", "training.batch_size"), ("per_device_train_batch_size", "TRL and LLaMA-Factory", "training.batch_size"),
        ("auto_find_batch_size", "TRL", "training.batch_size"), ("gradient_accumulation", "mlx-lm", "training.gradient_accumulation_steps"),
        ("gradient_clipping", "axolotl", "training.max_grad_norm"), ("clip_grad_norm", "torchtune", "training.max_grad_norm"),
        ("bf16", "axolotl, TRL and LLaMA-Factory", "training.precision"), ("fp16", "axolotl, TRL and LLaMA-Factory", "training.precision"),
        ("tf32", "axolotl and TRL", "training.precision"), ("dtype", "torchtune", "training.precision"), ("torch_dtype", "Transformers", "training.precision"),
        ("gradient_checkpointing", "axolotl, TRL and LLaMA-Factory", "training.activation_checkpointing"),
        ("enable_activation_checkpointing", "torchtune", "training.activation_checkpointing"), ("data_seed", "Transformers", "training.seed"),
        ("early_stopping_patience", "axolotl", "training.early_stopping.patience"), ("metric_for_best_model", "Transformers", "training.early_stopping.metric"),
        ("eval_steps", "axolotl, TRL and LLaMA-Factory", "evaluation.every"), ("evals_per_epoch", "axolotl", "evaluation.every"), ("eval_strategy", "Transformers", "evaluation.every"),
        ("run_val_every_n_steps", "torchtune", "evaluation.every"), ("compute_metrics", "Transformers", "evaluation.metrics"),
        ("save_steps", "axolotl, TRL and LLaMA-Factory", "checkpoint.every"), ("saves_per_epoch", "axolotl", "checkpoint.every"), ("save_strategy", "Transformers", "checkpoint.every"),
        ("save_total_limit", "axolotl, TRL and LLaMA-Factory", "checkpoint.keep"),
        ("output_dir", "axolotl, TRL, LLaMA-Factory and torchtune", "output"),
        ("load_in_4bit", "axolotl and TRL", "quantization"), ("load_in_8bit", "axolotl and TRL", "quantization"), ("quantization_bit", "LLaMA-Factory", "quantization"),
        ("quantize_base", "torchtune", "quantization"), ("no_cuda", "Transformers", "device"), ("use_cpu", "Transformers", "device"),
        ("overwrite_output_dir", "Transformers", "output, which must be a new folder, or --resume"),
        ("resume_from_checkpoint", "axolotl, TRL, LLaMA-Factory and torchtune", "the option --resume"), ("auto_resume_from_checkpoints", "axolotl", "the option --resume"),
    ];

    /// <summary>What is wrong with the key <paramref name="name"/> below <paramref name="parent"/> ("" at the top), and what was probably meant.</summary>
    public static string Explain(string parent, string name)
    {
        string path = parent.Length == 0 ? name : $"{parent}.{name}";
        if (NotBuilt.Contains(path)) return "not built yet in this version";
        foreach (var (theirs, tool, ours) in Foreign)
            if (theirs == name)
                return $"unknown key: {tool}'s name for {ours}" + (NotBuilt.Contains(ours) ? ", which is not built yet in this version" : "");
        if (All.FirstOrDefault(key => key.EndsWith("." + name, StringComparison.Ordinal) || key == name) is { } elsewhere) return $"unknown key: it belongs at {elsewhere}";

        string[] siblings = [.. Children(parent)];
        string? nearest = siblings.MinBy(key => EditDistance.Between(key, name));
        if (nearest is not null && EditDistance.Between(nearest, name) <= Math.Max(1, Math.Min(name.Length, nearest.Length) / 2))
            return $"unknown key; did you mean {nearest}?";
        string farther = All.MinBy(key => EditDistance.Between(key[(key.LastIndexOf('.') + 1)..], name))!;
        return EditDistance.Between(farther[(farther.LastIndexOf('.') + 1)..], name) <= 2
            ? $"unknown key; did you mean {farther}?"
            : $"unknown key; {(parent.Length == 0 ? "a recipe has" : parent + " has")} {string.Join(", ", siblings)}";
    }

    /// <summary>The names directly below <paramref name="parent"/>.</summary>
    public static IEnumerable<string> Children(string parent) => All
        .Where(key => parent.Length == 0 || key.StartsWith(parent + ".", StringComparison.Ordinal))
        .Select(key => parent.Length == 0 ? key : key[(parent.Length + 1)..])
        .Where(key => !key.Contains('.', StringComparison.Ordinal));
}
