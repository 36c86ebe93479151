using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Reference;
using KernelTune.Evaluation.Generation;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Modules;
using KernelTune.Training.Generation;
using static KernelTune.Training.Tests.Methods.FiniteDifferences;

namespace KernelTune.Training.Tests.Methods;

/// <summary>Methods that are not LoRA on whole models: gradients agree with finite differences, a saved adapter comes back, merging keeps the logits, generation over a cache equals the whole.</summary>
public sealed class SiteMethodsTests
{
    private static readonly long[] Ids = [1, 7, 30, 4, 9, 12, 5, 25, 3, 3, 17, 22];

    private static readonly string[] Models = ["llama", "gpt2"];

    private static IEnumerable<TestCaseData> Methods()
    {
        foreach (string model in Models)
        {
            TestCaseData Case(string name, Func<Module, IMethod> attach) => new TestCaseData(model, attach).SetName("{m}: " + name + " on " + model);
            yield return Case("ia3", m => Ia3.Attach(m, model, new Ia3Config()));
            yield return Case("ia3 of inputs, by expressions", m => Ia3.Attach(m, model, new Ia3Config
            {
                TargetModules = ModuleSelection.Matching(@".*\.(q_proj|o_proj|up_proj|c_fc|c_proj)"), FeedforwardModules = ModuleSelection.Matching(@".*(o_proj|mlp\.c_proj)"),
            }));
            yield return Case("ia3 beside a whole norm", m => Ia3.Attach(m, model, new Ia3Config { TargetModules = ModuleSelection.Matching("all-linear"), FeedforwardModules = ModuleSelection.Of(), ModulesToSave = [model == "llama" ? "model.norm" : "ln_f"] }));
            yield return Case("bitfit", m => BitFit.Attach(m, new BitFitConfig()));
            yield return Case("houlsby", m => Bottleneck.Attach(m, BottleneckConfig.Named("houlsby") with { ReductionFactor = 4 }));
            yield return Case("pfeiffer in some layers, with norms of its own", m => Bottleneck.Attach(m, BottleneckConfig.Named("pfeiffer") with
            {
                ReductionFactors = [new("1", 2), new("default", 8)], LnBefore = true, LnAfter = true, NonLinearity = "LeakyReLU", LeaveOut = [7],
            }));
            yield return Case("a residual before the norm, scaled by channel", m => Bottleneck.Attach(m, BottleneckConfig.Named("pfeiffer") with
            {
                ReductionFactor = 0.5, LnAfter = true, AdapterResidualBeforeLn = true, ResidualBeforeLn = false, OriginalLnAfter = false, ScalingKind = BottleneckScaling.Channel, NonLinearity = "gelu",
            }));
            yield return Case("parallel", m => Bottleneck.Attach(m, BottleneckConfig.Named("parallel") with { MhAdapter = true, NonLinearity = "tanh" }));
            yield return Case("parallel with a learned scale", m => Bottleneck.Attach(m, BottleneckConfig.Named("scaled_parallel") with { NonLinearity = "swish" }));
            yield return Case("a soft prompt", m => PromptTuning.Attach(m, new PromptTuningConfig { NumVirtualTokens = 3 }));
            yield return Case("a prefix", m => PrefixTuning.Attach(m, new PrefixTuningConfig { NumVirtualTokens = 3 }));
            yield return Case("a projected prefix", m => PrefixTuning.Attach(m, new PrefixTuningConfig { NumVirtualTokens = 5, PrefixProjection = true, EncoderHiddenSize = 7 }));
        }
    }

    [TestCaseSource(nameof(Methods))]
    public void Gradients_agree_with_finite_differences(string architecture, Func<Module, IMethod> attach)
    {
        using var device = new ReferenceDevice();
        var (model, method) = Adapted(architecture, attach, device);
        using var gradients = new GradientStore(device, method.Trainable);
        long before = device.Outstanding;
        FiniteDifferences.Check(gradients, g => Loss(model, device, g), 2e-7);
        Assert.That(device.Outstanding, Is.EqualTo(before));
    }

    [TestCaseSource(nameof(Methods))]
    public void A_saved_adapter_comes_back(string architecture, Func<Module, IMethod> attach)
    {
        using var device = new ReferenceDevice();
        var (model, method) = Adapted(architecture, attach, device);
        string folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, Guid.NewGuid().ToString("N"));
        try
        {
            using (var target = AtomicFolder.Begin(folder))
            {
                method.Save(target, "base", "CAUSAL_LM");
                target.Commit();
            }
            using AdapterFolder files = AdapterFolder.Open(folder);
            foreach (bool training in (bool[])[true, false])
            {
                CausalLanguageModel other = TinyModel.Of(architecture);
                IMethod again = AdapterMethods.Attach(other, architecture, files.Config, note => Assert.Fail(note), training);
                TinyModel.Draw(other, device);
                Assert.That(again.Load(device, files), Is.Empty);
                Assert.That(Logits(other, device), Is.EqualTo(Logits(model, device)).Within(2e-5));
                if (training)
                    Assert.That(again.Trainable.Select(p => p.Path), Is.EqualTo(method.Trainable.Select(p => p.Path)));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestCaseSource(nameof(Methods))]
    public void Merging_keeps_the_logits_or_is_refused(string architecture, Func<Module, IMethod> attach)
    {
        using var device = new ReferenceDevice();
        var (model, method) = Adapted(architecture, attach, device);
        if (method.WhyUnmergeable is { } why)
        {
            Assert.That(method, Is.InstanceOf<Bottleneck>().Or.InstanceOf<PromptTuning>().Or.InstanceOf<PrefixTuning>());
            Assert.That(why, Does.Contain("cannot be merged into the base's weights"));
            return;
        }
        CausalLanguageModel plain = TinyModel.Of(architecture);
        TinyModel.Draw(plain, device);
        var byPath = plain.BaseParameters().ToDictionary(p => p.Path);
        foreach (Parameter p in model.BaseParameters())
        {
            string module = p.Path[..p.Path.LastIndexOf('.')];
            byPath[p.Path].Load(device, method.Changes(p, module) ? method.Merged(p, module) : Array.ConvertAll(Numbers(p.Value.View), v => (float)v));
        }
        Assert.That(Logits(plain, device), Is.EqualTo(Logits(model, device)).Within(2e-5));
    }

    [TestCaseSource(nameof(Methods))]
    public void Generation_over_a_cache_equals_the_whole_sequence(string architecture, Func<Module, IMethod> attach)
    {
        using var device = new CpuDevice(2);
        var (model, _) = Adapted(architecture, attach, device);
        int[][] rows = [[4, 9], [1, 7, 30, 4, 9, 12], [25, 3, 17]];
        using var decoder = new CachedDecoder(model, device, expectedNewTokens: 1);
        Check(decoder.Prefill(new TokenBatch(rows, padToken: 0)), rows);
        for (int step = 0; step < 5; step++)
        {
            int[] next = [((step * 7) + 3) % 31, ((step * 5) + 1) % 31, ((step * 11) + 2) % 31];
            rows = [.. rows.Select((r, i) => (int[])[.. r, next[i]])];
            Check(decoder.Step(next), rows);
        }

        void Check(ReadOnlySpan<float> logits, int[][] rows)
        {
            for (int row = 0; row < rows.Length; row++)
            {
                double[] alone = Logits(model, device, rows[row]);
                double[] last = alone[^model.VocabularySize..];
                Assert.That(Array.ConvertAll(logits.Slice(row * last.Length, last.Length).ToArray(), v => (double)v), Is.EqualTo(last).Within(5e-5));
            }
        }
    }

    [TestCase("prompt tuning")]
    [TestCase("prefix tuning")]
    public void Virtual_tokens_refuse_packed_sequences(string name)
    {
        using var device = new ReferenceDevice();
        var (model, _) = Adapted("llama", m => name == "prompt tuning" ? PromptTuning.Attach(m, new PromptTuningConfig()) : PrefixTuning.Attach(m, new PrefixTuningConfig()), device);
        using var session = new Session(device);
        var input = new TokenInput(session.Upload<long>(Ids, new Shape(1, Ids.Length), DType.I64), CuSeqlens: session.Upload<long>([0, 5, 12], new Shape(3), DType.I64));
        Assert.That(() => model.Call(input), Throws.TypeOf<MethodException>().With.Message.EqualTo(
            $"{name} puts virtual tokens in front of every sequence and cannot be used with packed sequences: set packing: false"));
    }

    [Test]
    public void The_first_token_counts_behind_a_prompt_and_not_behind_a_prefix()
    {
        using var device = new ReferenceDevice();
        var (prompted, _) = Adapted("llama", m => PromptTuning.Attach(m, new PromptTuningConfig { NumVirtualTokens = 2 }), device);
        double[] logits = Logits(prompted, device);
        Assert.That(logits, Has.Length.EqualTo((2 + Ids.Length) * 31));
        double sum = 0;
        for (int t = 0; t < Ids.Length; t++)
        {
            double[] row = logits[((t + 1) * 31)..((t + 2) * 31)];
            sum += Math.Log(row.Sum(Math.Exp)) - row[Ids[t]];
        }
        Assert.That(Loss(prompted, device, null), Is.EqualTo(sum / Ids.Length).Within(1e-9));
        var (prefixed, _) = Adapted("llama", m => PrefixTuning.Attach(m, new PrefixTuningConfig { NumVirtualTokens = 2 }), device);
        Assert.That(Logits(prefixed, device), Has.Length.EqualTo(Ids.Length * 31));
    }

    [Test]
    public void A_fresh_text_prompt_is_the_embeddings_of_its_tokens_over_and_over()
    {
        using var device = new CpuDevice(1);
        CausalLanguageModel model = TinyModel.Llama();
        var prompt = PromptTuning.Attach(model, new PromptTuningConfig { NumVirtualTokens = 5, Init = PromptInit.Text, InitText = "x" }, _ => [4, 9]);
        TinyModel.Draw(model, device);
        prompt.Initialize(device, 3);
        var table = new float[31 * 16];
        model.TokenTable.Weight.Read(table);
        var rows = new float[5 * 16];
        prompt.Embedding.Read(rows);
        Assert.That(rows, Is.EqualTo(((int[])[4, 9, 4, 9, 4]).SelectMany(id => table[(id * 16)..((id + 1) * 16)]).ToArray()));
    }

    [TestCaseSource(nameof(Models))]
    public void Fresh_vectors_of_ia3_leave_the_model_as_it_is(string architecture)
    {
        using var device = new ReferenceDevice();
        CausalLanguageModel plain = TinyModel.Of(architecture), scaled = TinyModel.Of(architecture);
        var method = Ia3.Attach(scaled, architecture, new Ia3Config());
        TinyModel.Draw(plain, device);
        TinyModel.Draw(scaled, device);
        method.Initialize(device, 1);
        Assert.That(Logits(scaled, device), Is.EqualTo(Logits(plain, device)).Within(1e-12));
    }

    [Test]
    public void BitFit_on_a_model_without_biases_names_the_option()
    {
        const string Config = """
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 31, "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4}
            """;
        Assert.That(() => BitFit.Attach(TinyModel.Of(Config), new BitFitConfig()), Throws.TypeOf<MethodException>().With.Message.EqualTo(
            "BitFit trains biases, and this model has none: bitfit: { add_biases: true } builds a Llama with attention_bias and mlp_bias, which start at zero"));
        var settings = JsonSettings.Parse("config.json", System.Text.Encoding.UTF8.GetBytes(Config));
        var model = ModelRegistry.CausalLanguageModel(new BitFitConfig { AddBiases = true }.Amend(settings));
        // Four projections of attention and three of the feed-forward block, in each of two layers.
        Assert.That(BitFit.Attach(model, new BitFitConfig { AddBiases = true }).Trainable, Has.Count.EqualTo(14).And.All.Property("ZeroWhereAbsent").True);
    }

    [Test]
    public void BitFit_adds_no_biases_where_the_architecture_has_no_flags() =>
        Assert.That(() => new BitFitConfig { AddBiases = true }.Amend(JsonSettings.Parse("config.json", "{\"model_type\": \"mistral\"}"u8.ToArray())),
            Throws.TypeOf<MethodException>().With.Message.Contain("models of type 'mistral' have no flags for biases"));

    private static (CausalLanguageModel Model, IMethod Method) Adapted(string architecture, Func<Module, IMethod> attach, Device device)
    {
        CausalLanguageModel model = TinyModel.Of(architecture);
        IMethod method = attach(model);
        TinyModel.Draw(model, device);
        method.Initialize(device, 11);
        // Away from the start, so that each part matters.
        foreach (Parameter p in method.Trainable)
        {
            var numbers = new float[p.Shape.Elements];
            p.Read(numbers);
            p.Load(device, [.. numbers.Zip(Drawn(p, 21, 0.3), (a, b) => a + b)]);
        }
        return (model, method);
    }

    private static double Loss(CausalLanguageModel model, Device device, GradientStore? gradients)
    {
        using var session = new Session(device, gradients);
        var shape = new Shape(1, Ids.Length);
        var input = new TokenInput(session.Upload<long>(Ids, shape, DType.I64), FirstLabels: session.Upload<long>(Ids.AsSpan(0, 1), new Shape(1, 1), DType.I64));
        Tensor loss = model.Loss(input, session.Upload<long>([.. Ids[1..], -100], shape, DType.I64));
        if (gradients is not null)
            session.Backward(loss);
        return Numbers(loss.View)[0];
    }

    private static double[] Logits(CausalLanguageModel model, Device device, int[]? ids = null)
    {
        using var session = new Session(device);
        long[] tokens = ids is null ? Ids : Array.ConvertAll(ids, i => (long)i);
        return Numbers(model.Logits(model.Call(new TokenInput(session.Upload<long>(tokens, new Shape(1, tokens.Length), DType.I64)))).View);
    }
}
