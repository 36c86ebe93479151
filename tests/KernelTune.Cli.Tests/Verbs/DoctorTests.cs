namespace KernelTune.Cli.Tests.Verbs;

public sealed class DoctorTests
{
    [Test]
    public void Doctor_names_processor_memory_and_devices()
    {
        CommandLine run = CommandLine.Run("doctor");
        Assert.That((run.Code, run.Error), Is.EqualTo((0, "")));
        foreach (string word in (string[])["processor", "threads", "features", "memory", "cpu        yes", "reference  yes", "cuda       no"])
            Assert.That(run.Out, Does.Contain(word));
    }

    [Test]
    public void JSON_has_the_devices()
    {
        var json = CommandLine.Run("doctor", "--json").Json;
        Assert.That((int?)json["threads"], Is.EqualTo(Environment.ProcessorCount));
        Assert.That(json["devices"]!.AsArray().Select(d => (string?)d!["name"]), Is.EqualTo(new[] { "reference", "cpu", "cuda", "opencl" }));
    }
}
