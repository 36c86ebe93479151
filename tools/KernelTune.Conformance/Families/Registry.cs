namespace KernelTune.Conformance.Families;

/// <summary>The families that the tool knows, in the order in which they run.</summary>
public static class Registry
{
    public static IReadOnlyList<IFamily> All { get; } =
    [
        new OpsFamily(),
        new ModelsFamily(),
        new AdaptersFamily(),
        new TrainingFamily(),
        new RealFamily(),
        new ChatFamily(),
        new TokenizerFamily(),
        new DataFamily(),
        new QuantizationFamily(),
        new GenerationFamily(OpenedDecoder.Open),
        new ScheduleFamily(),
        new MetricsFamily(),
        new ImagesFamily(),
    ];
}
