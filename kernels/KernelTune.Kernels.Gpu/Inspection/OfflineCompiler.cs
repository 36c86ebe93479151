using System.Reflection;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace KernelTune.Kernels.Gpu.Inspection;

/// <summary>What ILGPU makes of a kernel, on a machine without a GPU: PTX for an architecture, or OpenCL C.</summary>
public sealed class OfflineCompiler : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Context _context;
    private readonly Dictionary<string, PTXBackend> _ptx = new(StringComparer.Ordinal);
    private CLBackend? _openCL;

    public OfflineCompiler()
    {
        _context = Context.Create(_ => { });
        GpuIntrinsics.Register(_context);
    }

    /// <summary>The PTX of a kernel. ILGPU targets sm_80 at most: for a newer one only the assembler differs.</summary>
    /// <param name="kernel">A closed static method of one struct of arguments, launched with explicit groups.</param>
    /// <param name="architecture">sm_80, sm_90 …</param>
    /// <param name="groupSize">The threads of a group that registers are allotted for; 0: not said.</param>
    /// <exception cref="InspectionException">ILGPU refuses the kernel, or there is no such architecture.</exception>
    public string Ptx(MethodInfo kernel, string architecture, int groupSize = 0)
    {
        lock (_gate)
        {
            if (!_ptx.TryGetValue(architecture, out PTXBackend? backend))
                _ptx[architecture] = backend = PtxBackend(architecture);
            return ((PTXCompiledKernel)Compile(backend, kernel, groupSize)).PTXAssembly;
        }
    }

    /// <summary>The OpenCL C 2.0 of a kernel, for a device with doubles and 64-bit atomics.</summary>
    /// <exception cref="InspectionException">ILGPU refuses the kernel.</exception>
    public string OpenCL(MethodInfo kernel, int groupSize = 0)
    {
        lock (_gate)
        {
            _openCL ??= new CLBackend(
                _context,
                new CLCapabilityContext(float16: false, float64: true, int64_Atomics: true, subGroups: false, genericAddressSpace: true),
                CLDeviceVendor.Other,
                CLBackend.MinimumVersion);
            return ((CLCompiledKernel)Compile(_openCL, kernel, groupSize)).Source;
        }
    }

    public void Dispose()
    {
        foreach (PTXBackend backend in _ptx.Values)
            backend.Dispose();
        _openCL?.Dispose();
        _context.Dispose();
    }

    private PTXBackend PtxBackend(string architecture)
    {
        if (architecture is not ['s', 'm', '_', .. string digits] || !int.TryParse(digits, out int number) || number is < 50 or > 120)
            throw new InspectionException($"architecture {architecture}: unknown; wanted sm_50 to sm_120, as sm_80");
        var wanted = new CudaArchitecture(number / 10, number % 10);
        return new PTXBackend(_context, new CudaCapabilityContext(wanted), wanted, new CudaInstructionSet(8, 4), null);
    }

    private static CompiledKernel Compile(Backend backend, MethodInfo kernel, int groupSize)
    {
        try
        {
            KernelSpecialization specialization = groupSize > 0 ? new KernelSpecialization(groupSize, null) : KernelSpecialization.Empty;
            return backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), specialization);
        }
        catch (Exception e) when (e is InternalCompilerException or NotSupportedException or ArgumentException)
        {
            throw new InspectionException($"ILGPU refuses {kernel.DeclaringType?.Name}.{kernel.Name}: {(e.InnerException ?? e).Message}", e);
        }
    }
}

/// <summary>A kernel cannot be looked at: ILGPU or the assembler refuses it.</summary>
public sealed class InspectionException(string message, Exception? inner = null) : Exception(message, inner);
