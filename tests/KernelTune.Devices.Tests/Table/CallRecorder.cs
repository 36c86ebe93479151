namespace KernelTune.Devices.Tests.Table;

/// <summary>The types of the calls that ran, a generic one with its parameters and without.</summary>
internal sealed class CallRecorder : ICallObserver
{
    public HashSet<Type> Types { get; } = [];

    public void Begin<TCall>(Device device, in TCall call)
        where TCall : struct, ICall
    {
        Types.Add(typeof(TCall));
        if (typeof(TCall).IsGenericType)
            Types.Add(typeof(TCall).GetGenericTypeDefinition());
    }

    public void End<TCall>(Device device, in TCall call)
        where TCall : struct, ICall
    {
    }
}
