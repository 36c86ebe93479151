namespace KernelTune.Cli.Tests.Verbs;

public sealed class DoctorTests
{
    [Test]
    public void Doctor_names_processor_memory_and_devices()
    {
        CommandLine run = CommandLine.Run("doctor", "--quick");
        Assert.That((run.Code, run.Error), Is.EqualTo((0, "")));
        foreach (string word in (string[])["processor", "threads", "features", "memory", "cpu        yes", "reference  yes", "simulated  yes", "cuda  ", "opencl  ", "ptxas  "])
            Assert.That(run.Out, Does.Contain(word));
    }

    [Test]
    public void JSON_has_the_devices()
    {
        var json = CommandLine.Run("doctor", "--json", "--quick").Json;
        Assert.That((int?)json["threads"], Is.EqualTo(Environment.ProcessorCount));
        Assert.That(json["devices"]!.AsArray().Select(d => (string?)d!["name"]), Is.SupersetOf(new[] { "reference", "cpu", "cuda", "opencl", "simulated" }));
        Assert.That(json["devices"]!.AsArray().Select(d => (string?)d!["why"]), Has.None.Null.Or.Empty, "each says what it is, or why it is missing");
    }

    [Test]
    public void Peaks_are_measured()
    {
        var peaks = MeasuredPeaks.Measure(1, KernelTune.Kernels.Numerics.InstructionSets.Best).ToJson();
        Assert.That((double)peaks["flops_per_second"]!["one_thread"]!, Is.InRange(1e9, 1e12));
        Assert.That((double)peaks["copy_bytes_per_second"]!["one_thread"]!, Is.InRange(1e8, 1e12));
        Assert.That((double)peaks["read_bytes_per_second"]!["all_threads"]!, Is.InRange(1e8, 1e12));
    }
}
