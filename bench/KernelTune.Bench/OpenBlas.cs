using System.Runtime.InteropServices;

namespace KernelTune.Bench;

/// <summary>The opponent, where it is installed: cblas_sgemm of the library that the run names, or of the system's libopenblas.</summary>
internal sealed unsafe class OpenBlas
{
    private readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> sgemm;
    private readonly delegate* unmanaged<int, void> setThreads;

    private OpenBlas(nint library, string prefix, string suffix)
    {
        sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)
            NativeLibrary.GetExport(library, $"{prefix}cblas_sgemm{suffix}");
        setThreads = (delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, $"{prefix}openblas_set_num_threads{suffix}");
        Core = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<byte*>)NativeLibrary.GetExport(library, $"{prefix}openblas_get_corename{suffix}"))()) ?? "?";
        Configuration = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<byte*>)NativeLibrary.GetExport(library, $"{prefix}openblas_get_config{suffix}"))()) ?? "?";
    }

    /// <summary>The processor that the library took this one for.</summary>
    public string Core { get; }

    public string Configuration { get; }

    public static OpenBlas? Find(string? path)
    {
        string[] names = path is null ? ["libopenblas.so.0", "libopenblas.so", "libopenblas"] : [path];
        foreach (var name in names)
            if (NativeLibrary.TryLoad(name, out var library) && NativeLibrary.TryGetExport(library, "openblas_get_corename", out _))
                return new OpenBlas(library, "", "");
        return null;
    }

    /// <summary>Row-major C [m, n] = op(A)·op(B).</summary>
    public void Multiply(int threads, bool transposeA, bool transposeB, int m, int n, int k, float* a, int ldA, float* b, int ldB, float* c, int ldC)
    {
        const int RowMajor = 101, Straight = 111, Transposed = 112;
        setThreads(threads);
        sgemm(RowMajor, transposeA ? Transposed : Straight, transposeB ? Transposed : Straight, m, n, k, 1, a, ldA, b, ldB, 0, c, ldC);
    }
}
