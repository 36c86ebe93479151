using System.Reflection;

namespace KernelTune.Kernels.Gpu.Inspection;

/// <summary>One kernel on one architecture.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Architecture">As sm_80.</param>
/// <param name="Usage">What it takes.</param>
public sealed record KernelReport(GpuKernel Kernel, string Architecture, KernelUsage Usage)
{
    /// <summary>How much of it fits on a multiprocessor; null where the architecture's limits are not known.</summary>
    public Occupancy? Occupancy => Inspection.Occupancy.Of(Usage, Kernel.GroupSize, Architecture);
}

/// <summary>Kernels as tools show them: what they run, their code, what they take of a multiprocessor.</summary>
public sealed class KernelInspector : IDisposable
{
    private readonly OfflineCompiler _compiler = new();

    /// <summary>The architectures that the project's table of registers is kept for.</summary>
    public static IReadOnlyList<string> Architectures { get; } = ["sm_80", "sm_90"];

    /// <summary>The PTX, with the launch's group size as the limit that registers are allotted for.</summary>
    /// <exception cref="InspectionException">ILGPU refuses the kernel, or the architecture is unknown.</exception>
    public string Ptx(GpuKernel kernel, string architecture) => _compiler.Ptx(kernel.Entry, architecture, kernel.GroupSize);

    /// <summary>The OpenCL C.</summary>
    /// <exception cref="InspectionException">ILGPU refuses the kernel.</exception>
    public string OpenCL(GpuKernel kernel) => _compiler.OpenCL(kernel.Entry, kernel.GroupSize);

    /// <summary>What kernels take on architectures, in their order. Compilation is one at a time (ILGPU's rule), assembly on all processors.</summary>
    /// <exception cref="InspectionException">One does not compile or assemble.</exception>
    public IReadOnlyList<KernelReport> Assemble(Ptxas ptxas, IReadOnlyList<GpuKernel> kernels, IReadOnlyList<string> architectures)
    {
        ArgumentNullException.ThrowIfNull(ptxas);
        (GpuKernel Kernel, string Architecture)[] work = [.. kernels.SelectMany(k => architectures.Select(a => (k, a)))];
        try
        {
            return [.. work.AsParallel().AsOrdered().Select(w => new KernelReport(w.Kernel, w.Architecture, Assemble(ptxas, w.Kernel, w.Architecture)))];
        }
        catch (AggregateException e) when (e.InnerExceptions[0] is InspectionException first)
        {
            throw new InspectionException(first.Message, first);
        }
    }

    /// <summary>What one kernel takes.</summary>
    /// <exception cref="InspectionException">It does not compile or assemble: the message begins with its name.</exception>
    public KernelUsage Assemble(Ptxas ptxas, GpuKernel kernel, string architecture)
    {
        ArgumentNullException.ThrowIfNull(ptxas);
        try
        {
            return ptxas.Assemble(Ptx(kernel, architecture), architecture);
        }
        catch (InspectionException e)
        {
            throw new InspectionException($"{kernel.Name} on {architecture}: {e.Message}", e);
        }
    }

    /// <summary>The C# that a kernel is, as MapKernel&lt;Unary&lt;Silu, None&gt;, None&gt;; its method is named where it is not Run.</summary>
    public static string Source(GpuKernel kernel)
    {
        MethodInfo entry = kernel.Entry;
        string type = Name(entry.DeclaringType!), method = entry.IsGenericMethod ? $"{entry.Name}<{Names(entry.GetGenericArguments())}>" : entry.Name;
        return method == "Run" ? type : $"{type}.{method}";
    }

    /// <summary>
    /// PTX for reading: without the empty functions that ILGPU writes for every operation of <see cref="GpuMath"/> (their calls are instructions, and the
    /// assembler drops them).
    /// </summary>
    public static string ForReading(string ptx)
    {
        ArgumentNullException.ThrowIfNull(ptx);
        int functions = ptx.IndexOf(".visible .func", StringComparison.Ordinal), entry = ptx.IndexOf(".visible .entry", StringComparison.Ordinal);
        return functions < 0 || entry < functions ? ptx : ptx[..functions] + ptx[entry..];
    }

    public void Dispose() => _compiler.Dispose();

    private static string Name(Type type) => type switch
    {
        _ when type == typeof(uint) => "uint",
        _ when type == typeof(float) => "float",
        { IsGenericType: true } => $"{type.Name.Split('`')[0]}<{Names(type.GetGenericArguments())}>",
        _ => type.Name,
    };

    private static string Names(Type[] types) => string.Join(", ", types.Select(Name));
}
