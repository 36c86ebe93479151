namespace KernelTune.Devices.Tests.Table;

/// <summary>The types of the calls that ran, a generic one without its parameters.</summary>
internal sealed class CallRecorder : ICallObserver
{
    public HashSet<Type> Types { get; } = [];

    public void Begin<TCall>(Device device, in TCall call)
        where TCall : struct, ICall => Types.Add(typeof(TCall).IsGenericType ? typeof(TCall).GetGenericTypeDefinition() : typeof(TCall));

    public void End<TCall>(Device device, in TCall call)
        where TCall : struct, ICall
    {
    }
}
