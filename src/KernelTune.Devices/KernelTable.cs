namespace KernelTune.Devices;

/// <summary>An operation as data: views and settings. Each call is a small readonly record struct in a file of its own.</summary>
public interface ICall
{
    /// <summary>The operation's name in errors, profiles and tables, such as "rms_norm".</summary>
    static abstract string Name { get; }

    /// <summary>Floating-point operations of the call, a fused multiply-add counted as two.</summary>
    long Flops { get; }

    /// <summary>Bytes that must move at least: operands read once, results written once.</summary>
    long Bytes { get; }

    /// <summary>Runs the call on <paramref name="device"/> out of simpler calls. A primitive has none and throws.</summary>
    void Compose(Device device);
}

/// <summary>A device's own code for one kind of call.</summary>
public interface IKernel<TCall>
    where TCall : struct, ICall
{
    /// <summary>False where this call is better composed: a rare option, a layout that the kernel does not read.</summary>
    bool Suits(in TCall call);

    /// <summary>Bytes of scratch memory that <see cref="Run"/> needs. Depends on shapes only.</summary>
    long Workspace(in TCall call, int threads);

    /// <summary>Runs the call; <paramref name="workspace"/> is the address of the scratch memory, 0 where none is needed.</summary>
    void Run(in TCall call, nint workspace);
}

/// <summary>Watches the calls of a device: profiles, traces, the test that every call has a case.</summary>
public interface ICallObserver
{
    void Begin<TCall>(Device device, in TCall call)
        where TCall : struct, ICall;

    void End<TCall>(Device device, in TCall call)
        where TCall : struct, ICall;
}

/// <summary>The kernels of a device by the type of their call.</summary>
public sealed class KernelTable
{
    private readonly Dictionary<Type, object> kernels = [];

    /// <summary>The types of call for which there is a kernel.</summary>
    public IReadOnlyCollection<Type> Calls => kernels.Keys;

    /// <summary>Adds a kernel; a second one for the same call replaces the first.</summary>
    public void Add<TCall>(IKernel<TCall> kernel)
        where TCall : struct, ICall => kernels[typeof(TCall)] = kernel;

    /// <summary>The kernel for a call, or null.</summary>
    public IKernel<TCall>? Find<TCall>()
        where TCall : struct, ICall => kernels.TryGetValue(typeof(TCall), out var kernel) ? (IKernel<TCall>)kernel : null;
}
