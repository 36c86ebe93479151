using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Methods;

/// <summary>Fresh values for what a method brings: functions of the seed and the parameter's path alone.</summary>
internal static class FreshValues
{
    public static void Fill(Device device, Parameter parameter, float value)
    {
        var numbers = new float[parameter.Shape.Elements];
        Array.Fill(numbers, value);
        parameter.Load(device, numbers);
    }

    /// <summary>Uniform in ±<paramref name="bound"/>.</summary>
    public static void Uniform(Device device, Parameter parameter, ulong seed, double bound)
    {
        var numbers = new float[parameter.Shape.Elements];
        var stream = new Stream(seed, parameter.Path);
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (float)(((2 * ((stream.Next() + 0.5) / 4294967296.0)) - 1) * bound);
        parameter.Load(device, numbers);
    }

    /// <summary>Normal with mean 0, drawn again beyond ±<paramref name="limit"/> deviations.</summary>
    public static void Normal(Device device, Parameter parameter, ulong seed, double deviation, double limit = double.PositiveInfinity)
    {
        var numbers = new float[parameter.Shape.Elements];
        var stream = new Stream(seed, parameter.Path);
        for (int i = 0; i < numbers.Length; i++)
        {
            double z;
            do
                z = stream.Normal();
            while (Math.Abs(z) > limit);
            numbers[i] = (float)(deviation * z);
        }
        parameter.Load(device, numbers);
    }

    /// <summary>Whole numbers below <paramref name="end"/>.</summary>
    public static int[] Below(int end, int count, ulong seed, string name)
    {
        var stream = new Stream(seed, name);
        return [.. Enumerable.Range(0, count).Select(_ => (int)((ulong)stream.Next() * (ulong)end >> 32))];
    }

    private sealed class Stream(ulong seed, string name)
    {
        private readonly RandomPlace place = new(seed, StableHash.Site(name + "/init"), 0, 0);
        private readonly uint[] words = new uint[4];
        private uint block;
        private int have;

        public uint Next()
        {
            if (have == 0)
            {
                Philox.Block(place, block++, out U32 a, out var b, out var c, out var d);
                (words[0], words[1], words[2], words[3], have) = (a.Value, b.Value, c.Value, d.Value, 4);
            }
            return words[4 - have--];
        }

        // Box and Muller's transform, one of its two numbers; u in (0, 1], so that the logarithm is finite.
        public double Normal()
        {
            double radius = Math.Sqrt(-2 * Math.Log((Next() + 1.0) / 4294967296.0));
            return radius * Math.Cos(2 * Math.PI * Next() / 4294967296.0);
        }
    }
}
