using System.Globalization;
using System.Runtime.InteropServices;
using ILGPU;

namespace KernelTune.Devices.Gpu;

/// <summary>
/// Where the drivers' libraries are. ILGPU asks for "OpenCL" and "cuda", whose files without a version come with development packages only: here the loader gets
/// the names that drivers install.
/// </summary>
internal static class DriverLibraries
{
    // CL_PLATFORM_NOT_FOUND_KHR.
    private const int PlatformNotFound = -1001;

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

    /// <summary>Why there is no CUDA device, in the driver's words.</summary>
    public static unsafe string WhyNoCuda()
    {
        if (!NativeLibrary.TryLoad(Cuda, out nint driver))
            return $"the driver's library {Cuda} was not found";
        if (!NativeLibrary.TryGetExport(driver, "cuInit", out nint init) || !NativeLibrary.TryGetExport(driver, "cuGetErrorName", out nint nameOf)
            || !NativeLibrary.TryGetExport(driver, "cuGetErrorString", out nint wordsOf))
            return $"{Cuda} is no CUDA driver: it lacks cuInit or cuGetErrorName";
        int code = ((delegate* unmanaged<uint, int>)init)(0);
        if (code == 0)
            return "the driver is here but has no device of compute capability 3.0 or later";
        nint name = 0, words = 0;
        _ = ((delegate* unmanaged<int, nint*, int>)nameOf)(code, &name);
        _ = ((delegate* unmanaged<int, nint*, int>)wordsOf)(code, &words);
        return string.Create(CultureInfo.InvariantCulture, $"cuInit gives {code}, {Marshal.PtrToStringUTF8(name)}: {Marshal.PtrToStringUTF8(words)}");
    }

    /// <summary>Why there is no OpenCL device, as far as the loader says.</summary>
    public static unsafe string WhyNoOpenCL()
    {
        if (!NativeLibrary.TryLoad(OpenCL, out nint loader))
            return $"the loader's library {OpenCL} was not found";
        if (!NativeLibrary.TryGetExport(loader, "clGetPlatformIDs", out nint platforms))
            return $"{OpenCL} is no OpenCL loader: it lacks clGetPlatformIDs";
        uint count = 0;
        int code = ((delegate* unmanaged<uint, nint*, uint*, int>)platforms)(0, null, &count);
        return code switch
        {
            0 when count > 0 => string.Create(CultureInfo.InvariantCulture, $"the loader finds {count} platform{(count == 1 ? "" : "s")}, none with a device"),
            0 or PlatformNotFound => "the loader is here but no vendor's driver is registered with it (CL_PLATFORM_NOT_FOUND_KHR)",
            _ => string.Create(CultureInfo.InvariantCulture, $"clGetPlatformIDs gives {code}"),
        };
    }

    private static string? FileOf(string name) => name.ToUpperInvariant() switch
    {
        "CUDA" or "NVCUDA" => Cuda,
        "OPENCL" => OpenCL,
        _ => null,
    };
}
