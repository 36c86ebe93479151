namespace KernelTune.Checkpoints.Tests;

/// <summary>Faults 14, 19, 20 and 22 to 25: weights that are not finite, pickles, model folders.</summary>
public sealed class HuggingFaceFolderTests
{
    private ScratchFolder _scratch = null!;

    [SetUp]
    public void SetUp() => _scratch = new ScratchFolder();

    [TearDown]
    public void TearDown() => _scratch.Dispose();

    private string Weights(string relative, params string[] names)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_scratch[relative])!);
        SafetensorsWriter.Save(_scratch[relative], names.Select(n => TensorToSave.Of(n, [1], new float[1])));
        return _scratch[relative];
    }

    private static string Message(string path, Func<string, string?>? environment = null) =>
        Assert.Throws<CheckpointException>(() => HuggingFaceFolder.Open(path, environment: environment ?? (_ => null)).Dispose())!.Message;

    [Test]
    public void A_folder_a_file_in_it_and_the_cache_name_the_same_model()
    {
        var hub = _scratch["hub"];
        const string snapshot = "hub/models--org--name/snapshots/abc123";
        Weights("hub/models--org--name/blobs/weights", "w");
        _scratch.Write("hub/models--org--name/blobs/config", "{\"model_type\":\"llama\"}");
        _scratch.Write("hub/models--org--name/refs/main", "abc123\n");
        Directory.CreateDirectory(_scratch[snapshot]);
        File.CreateSymbolicLink(_scratch[snapshot + "/model.safetensors"], "../../blobs/weights");
        File.CreateSymbolicLink(_scratch[snapshot + "/config.json"], "../../blobs/config");
        _scratch.Write(snapshot + "/tokenizer.json", "{}");
        _scratch.Write(snapshot + "/generation_config.json", "{\"eos_token_id\":[1,2]}");

        foreach (var (path, variable, value) in new[]
        {
            (_scratch[snapshot], "", ""), (_scratch[snapshot + "/model.safetensors"], "", ""), ("org/name", "HF_HUB_CACHE", hub),
        })
        {
            using var model = HuggingFaceFolder.Open(path, environment: v => v == variable ? value : null);
            Assert.That(model.Weights.Names, Is.EqualTo(new[] { "w" }));
            Assert.That(model.Config.String("model_type"), Is.EqualTo("llama"));
            Assert.That(model.GenerationConfig!.Ints("eos_token_id"), Is.EqualTo(new[] { 1, 2 }));
        }

        Directory.CreateDirectory(_scratch["home"]);
        Directory.Move(hub, _scratch["home/hub"]);
        using (var model = HuggingFaceFolder.Open("org/name", environment: v => v == "HF_HOME" ? _scratch["home"] : null))
            Assert.That(model.Location, Is.EqualTo("org/name"));
        Assert.That(Message("org/other", v => v == "HF_HOME" ? _scratch["home"] : null), Is.EqualTo($"org/other: no such folder or file, and no model of this name in the Hugging Face cache {_scratch["home/hub"]}"));
        Assert.That(Message(_scratch["nowhere"]), Is.EqualTo($"{_scratch["nowhere"]}: no such folder or file"));
        Assert.That(
            Assert.Throws<CheckpointException>(() => HuggingFaceFolder.Open("org/name", "v2", v => v == "HF_HOME" ? _scratch["home"] : null))!.Message,
            Does.EndWith("the cache has no snapshot of revision \"v2\""));
    }

    [Test]
    public void Fault14_nan_and_infinity_load_and_are_counted()
    {
        var values = new float[3_000_000];
        values[5] = values[2_999_999] = float.NaN;
        values[1_048_576] = float.NegativeInfinity;
        SafetensorsWriter.Save(_scratch["x"], [TensorToSave.Of("bad", [1000, 3000], values, Kernels.Numerics.DType.BF16), TensorToSave.Of("good", [7], new float[7])]);
        using var file = SafetensorsFile.Open(_scratch["x"]);
        Assert.That(file.ReadF32("bad")[5], Is.NaN);
        var found = WeightScan.NonFinite(file);
        Assert.That(found, Is.EqualTo(new[] { new NonFiniteWeight("bad", 2, 1) }));
        Assert.That(found[0].ToString(), Is.EqualTo("tensor \"bad\": 2 NaN and 1 infinite values"));
        Assert.That(WeightScan.NonFinite(file, ["good"]), Is.Empty);
    }

    [TestCase("pytorch_model.bin")]
    [TestCase("model.pt")]
    public void Fault19_pickles_are_refused_by_name(string name)
    {
        var path = _scratch.Write("m/" + name, "\u0080\u0002}q");
        _scratch.Write("m/config.json", "{}");
        const string said = "a pickle was found, which is a program; safetensors or GGUF wanted (save_pretrained(…, safe_serialization=True) converts it)";
        Assert.That(Message(_scratch["m"]), Is.EqualTo($"{path}: {said}"));
        Assert.That(Message(path), Is.EqualTo($"{path}: {said}"));
    }

    [Test]
    public void Fault20_config_absent_or_no_config()
    {
        Weights("m/model.safetensors", "w");
        Assert.That(Message(_scratch["m"]), Is.EqualTo($"{_scratch["m"]}: no config.json was found beside the weights"));
        _scratch.Write("m/config.json", "[1]");
        Assert.That(Message(_scratch["m"]), Does.EndWith("config.json: an array was found, a JSON object wanted"));
        _scratch.Write("m/config.json", "{\n \"a\": 1,,}");
        Assert.That(Message(_scratch["m"]), Does.Contain("config.json: not valid JSON at line 2, column 9"));
        _scratch.Write("m/config.json", "{\"a\":1,\"a\":2}");
        Assert.That(Message(_scratch["m"]), Does.Contain("config.json: not valid JSON"));
        _scratch.Write("m/config.json", [(byte)'{', 0xFF, (byte)'}']);
        Assert.That(Message(_scratch["m"]), Does.EndWith("config.json: bytes that are not UTF-8 were found, JSON wanted"));
    }

    [Test]
    public void Fault20_values_of_the_wrong_type_name_the_key()
    {
        var settings = JsonSettings.Parse("config.json", "{\"a\":\"x\",\"b\":1.5,\"c\":[1,\"x\"],\"d\":{\"e\":null,\"f\":true},\"g\":64.0,\"h\":1e400}"u8.ToArray());
        Assert.That(Assert.Throws<CheckpointException>(() => settings.Int("a"))!.Message, Is.EqualTo("config.json: key \"a\": \"x\" was found, an integer wanted"));
        Assert.That(Assert.Throws<CheckpointException>(() => settings.Int("b"))!.Message, Is.EqualTo("config.json: key \"b\": \"1.5\" was found, an integer wanted"));
        Assert.That(Assert.Throws<CheckpointException>(() => settings.Int("z"))!.Message, Is.EqualTo("config.json: key \"z\": absent, an integer wanted"));
        Assert.That(Assert.Throws<CheckpointException>(() => settings.Ints("c"))!.Message, Is.EqualTo("config.json: key \"c\": \"x\" was found, integers wanted"));
        Assert.That(Assert.Throws<CheckpointException>(() => settings.Object("d")!.Int("f"))!.Message, Is.EqualTo("config.json: key \"d.f\": true was found, an integer wanted"));
        Assert.That(Assert.Throws<CheckpointException>(() => settings.Double("h"))!.Message, Is.EqualTo("config.json: key \"h\": \"1e400\" was found, a finite number wanted"));
        Assert.That(settings.Object("d")!.IntOrNull("e"), Is.Null);
        Assert.That(settings.Int("g"), Is.EqualTo(64));
    }

    [Test]
    public void Fault22_shards_that_are_missing_elsewhere_or_not_listed()
    {
        Weights("m/s1.safetensors", "a", "b");
        Weights("m/s2.safetensors", "c");
        Weights("outside.safetensors", "d");
        _scratch.Write("m/config.json", "{}");
        File.CreateSymbolicLink(_scratch["m/link.safetensors"], _scratch["outside.safetensors"]);
        string With(string map)
        {
            _scratch.Write("m/model.safetensors.index.json", $"{{\"weight_map\":{map}}}");
            return Message(_scratch["m"]);
        }

        Assert.That(With("{\"a\":\"s1.safetensors\",\"b\":\"s3.safetensors\"}"), Does.EndWith("s3.safetensors: no such file, named by model.safetensors.index.json"));
        Assert.That(With("{\"a\":\"s1.safetensors\",\"b\":\"s2.safetensors\"}"), Does.EndWith("s2.safetensors, tensor \"b\": it is not there, model.safetensors.index.json lists it"));
        Assert.That(With("{\"a\":\"s1.safetensors\"}"), Does.EndWith("s1.safetensors, tensor \"b\": model.safetensors.index.json does not list it for this file"));
        Assert.That(With("{\"d\":\"../outside.safetensors\"}"), Does.EndWith("it names the file \"../outside.safetensors\", a plain name inside its folder wanted"));
        Assert.That(With("{\"d\":\"/etc/passwd\"}"), Does.Contain("a plain name inside its folder wanted"));
        Assert.That(With("{\"d\":\"link.safetensors\"}"), Does.Contain("link.safetensors: a link out of its folder, to \"").And.Contain("outside.safetensors"));
        Assert.That(With("{\"d\":7}"), Does.EndWith("key \"weight_map.d\": a file name wanted"));
        Assert.That(With("7"), Does.EndWith("key \"weight_map\": \"7\" was found, an object wanted"));

        _scratch.Write("m/model.safetensors.index.json", "{\"weight_map\":{\"a\":\"s1.safetensors\",\"b\":\"s1.safetensors\",\"c\":\"s2.safetensors\"}}");
        using var model = HuggingFaceFolder.Open(_scratch["m"]);
        Assert.That(model.Weights.Names, Is.EqualTo(new[] { "a", "b", "c" }));
    }

    [Test]
    public void Fault23_missing_is_an_error_extra_a_warning_tied_is_fine()
    {
        using var file = SafetensorsFile.Open(Weights("x", "embed", "layer", "extra", "buffer"));
        var tied = new Dictionary<string, string> { ["head"] = "embed" };
        var optional = new HashSet<string> { "buffer", "new_head" };
        Assert.That(StrictKeys.Check(["embed", "layer", "head", "new_head"], optional, tied, file), Is.EqualTo(new[] { "extra" }));
        Assert.That(
            Assert.Throws<CheckpointException>(() => StrictKeys.Check(["embed", "z", "y", "head"], optional, tied, file))!.Message,
            Is.EqualTo($"{_scratch["x"]}, tensor \"y\": it is missing, and 1 more of the 4 that the model has"));
        Assert.That(
            Assert.Throws<CheckpointException>(() => StrictKeys.Check(["head2"], optional, new Dictionary<string, string> { ["head2"] = "embed2" }, file))!.Message,
            Does.EndWith("tensor \"head2\": it is missing"));
        Assert.That(
            Assert.Throws<CheckpointException>(() => StrictKeys.CheckShape(file, "embed", [2, 3]))!.Message,
            Is.EqualTo($"{_scratch["x"]}, tensor \"embed\": its shape is [1], [2, 3] wanted"));
    }

    [Test]
    public void Fault24_a_model_that_brings_its_own_code_is_refused()
    {
        Weights("m/model.safetensors", "w");
        _scratch.Write("m/config.json", "{\"auto_map\":{\"AutoModel\":\"modeling_x.X\"}}");
        Assert.That(Message(_scratch["m"]), Does.EndWith("config.json: key \"auto_map\": the model brings code of its own, which is never executed; an architecture that is built in wanted"));
    }

    [Test]
    public void Fault25_a_dangling_snapshot_link()
    {
        Directory.CreateDirectory(_scratch["m"]);
        File.CreateSymbolicLink(_scratch["m/model.safetensors"], "../../blobs/gone");
        _scratch.Write("m/config.json", "{}");
        Assert.That(Message(_scratch["m"]), Is.EqualTo($"{_scratch["m/model.safetensors"]}: a link to \"../../blobs/gone\" was found, and nothing is there"));
    }

    [Test]
    public void Folders_that_hold_something_else_are_named()
    {
        Directory.CreateDirectory(_scratch["empty"]);
        Assert.That(Message(_scratch["empty"]), Does.EndWith("no weights were found; model.safetensors, model.safetensors.index.json or one .gguf file wanted"));
        _scratch.Write("adapter/adapter_config.json", "{}");
        Assert.That(Message(_scratch["adapter"]), Does.EndWith("an adapter was found, a model wanted (its adapter_config.json names its base)"));
        _scratch.Write("two/a.gguf", "x");
        _scratch.Write("two/b.gguf", "x");
        Assert.That(Message(_scratch["two"]), Does.EndWith("2 .gguf files were found; name the one that is meant"));
        Assert.That(Message(_scratch.Write("x.txt", "x")), Does.EndWith("a file was found, a folder, a .gguf or .safetensors file or org/name wanted"));
    }
}
