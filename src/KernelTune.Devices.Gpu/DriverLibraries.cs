using System.Runtime.InteropServices;
using ILGPU;

namespace KernelTune.Devices.Gpu;

/// <summary>
/// Where the drivers' libraries are. ILGPU asks for "OpenCL" and "cuda", whose files without a version come with development packages only: here the loader gets
/// the names that drivers install.
/// </summary>
internal static class DriverLibraries
{
    // Once a process, before ILGPU's first call into a driver.
    static DriverLibraries()
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, (name, assembly, path) =>
                FileOf(name) is { } file && NativeLibrary.TryLoad(file, assembly, path, out nint handle) ? handle : 0);
        }
        catch (InvalidOperationException)
        {
            // The embedding program has a resolver for ILGPU already: it knows where its drivers are.
        }
    }

    /// <summary>The CUDA driver's file.</summary>
    public static string Cuda { get; } = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";

    /// <summary>The OpenCL loader's file.</summary>
    public static string OpenCL { get; } = OperatingSystem.IsWindows() ? "OpenCL.dll" : "libOpenCL.so.1";

    /// <summary>True where the file can be loaded.</summary>
    public static bool IsPresent(string file) => NativeLibrary.TryLoad(file, out _);

    private static string? FileOf(string name) => name.ToUpperInvariant() switch
    {
        "CUDA" or "NVCUDA" => Cuda,
        "OPENCL" => OpenCL,
        _ => null,
    };
}
