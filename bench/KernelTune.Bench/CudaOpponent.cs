using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using KernelTune.Devices.Gpu;

namespace KernelTune.Bench;

/// <summary>NVIDIA's own copy and product on the same GPU, through ILGPU's bindings, in a context of its own.</summary>
internal sealed class CudaOpponent : IDisposable
{
    private readonly Context context;
    private readonly CudaAccelerator accelerator;
    private MemoryBuffer1D<float, Stride1D.Dense>? from, to;

    private CudaOpponent(Context context, CudaAccelerator accelerator) => (this.context, this.accelerator) = (context, accelerator);

    /// <summary>Null where the device is not CUDA's.</summary>
    public static CudaOpponent? Open(GpuDevice device)
    {
        string[] name = device.Name.Split(':');
        if (name[0] != "cuda")
            return null;
        Context context = Context.Create(builder => builder.Cuda().EnableAlgorithms());
        int index = name.Length > 1 ? int.Parse(name[1], System.Globalization.CultureInfo.InvariantCulture) : 0;
        return new CudaOpponent(context, context.CreateCudaAccelerator(index));
    }

    /// <summary>Queues a copy of so many floats within the GPU's memory.</summary>
    public void Copy(int elements)
    {
        if (from is null || from.Length != elements)
        {
            from?.Dispose();
            to?.Dispose();
            (from, to) = (accelerator.Allocate1D<float>(elements), accelerator.Allocate1D<float>(elements));
        }
        from.View.AsContiguous().CopyTo(accelerator.DefaultStream, to!.View.AsContiguous());
    }

    /// <summary>Until everything that was queued is done.</summary>
    public void Wait() => accelerator.DefaultStream.Synchronize();

    /// <summary>cuBLAS; null and the reason where its library is not installed.</summary>
    public Blas? OpenBlas(out string why)
    {
        try
        {
            why = "";
            return new Blas(accelerator, new CuBlas(accelerator));
        }
        catch (Exception e) when (e is DllNotFoundException or NotSupportedException or CuBlasException)
        {
            why = e.Message;
            return null;
        }
    }

    public void Dispose()
    {
        from?.Dispose();
        to?.Dispose();
        accelerator.Dispose();
        context.Dispose();
    }

    /// <summary>C = A·B in fp32 by cuBLAS.</summary>
    internal sealed class Blas(CudaAccelerator accelerator, CuBlas library) : IDisposable
    {
        private MemoryBuffer1D<float, Stride1D.Dense>? a, b, c;
        private int m, n, k;

        /// <summary>Operands of a shape.</summary>
        public void Prepare(int rows, int columns, int depth)
        {
            Free();
            (m, n, k) = (rows, columns, depth);
            (a, b, c) = (accelerator.Allocate1D<float>((long)m * k), accelerator.Allocate1D<float>((long)k * n), accelerator.Allocate1D<float>((long)m * n));
            a.MemSetToZero();
            b.MemSetToZero();
        }

        /// <summary>Queues the product. cuBLAS is column-major: the transposes' product, Bᵀ·Aᵀ, is C row-major.</summary>
        public void Multiply() => library.Gemm(
            CuBlasOperation.NonTranspose, CuBlasOperation.NonTranspose, n, m, k, 1f, b!.View.AsContiguous(), n, a!.View.AsContiguous(), k, 0f, c!.View.AsContiguous(), n);

        public void Dispose()
        {
            Free();
            library.Dispose();
        }

        private void Free()
        {
            a?.Dispose();
            b?.Dispose();
            c?.Dispose();
        }
    }
}
