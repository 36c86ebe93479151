using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Models;

namespace KernelTune.Training.Tests.Methods;

/// <summary>Gradients held to what the loss does when all parameters move together along a drawn direction.</summary>
internal static class FiniteDifferences
{
    private const double Step = 1e-6;

    /// <summary>Computes a loss and its gradients, then (loss(θ + hd) − loss(θ − hd)) / 2h, and compares the latter with the gradients' component along d. Every parameter must be reached, by a gradient that is not 0.</summary>
    /// <param name="gradients">Of what trains.</param>
    /// <param name="loss">The loss; given the store, its gradients too.</param>
    /// <param name="tolerance">Relative, from 1 on.</param>
    public static void Check(GradientStore gradients, Func<GradientStore?, double> loss, double tolerance)
    {
        loss(gradients);
        double along = 0;
        var directions = new Dictionary<Parameter, double[]>();
        foreach (Parameter p in gradients.Parameters)
        {
            Assert.That(gradients.Reached(p), Is.True, p.Path);
            double[] gradient = Numbers(gradients.Of(p)), direction = Array.ConvertAll(Drawn(p, 3, 1), d => (double)d);
            Assert.That(gradient.Any(g => g != 0), Is.True, p.Path);
            directions[p] = direction;
            along += gradient.Zip(direction).Sum(x => x.First * x.Second);
        }

        Move(directions, Step);
        double above = loss(null);
        Move(directions, -2 * Step);
        double below = loss(null);
        Assert.That((above - below) / (2 * Step), Is.EqualTo(along).Within(tolerance * Math.Max(1, Math.Abs(along))));
    }

    /// <summary>Normal numbers for a parameter, which its path and the seed decide.</summary>
    public static float[] Drawn(Parameter p, ulong seed, double deviation)
    {
        var numbers = new float[p.Shape.Elements];
        new RandomStream(seed, p.Path).Fill(numbers, FreshWeight.Normal(deviation));
        return numbers;
    }

    /// <summary>What a device holds.</summary>
    public static double[] Numbers(in View view)
    {
        var numbers = new double[view.Elements];
        view.Device.Read<double>(view, numbers);
        return numbers;
    }

    private static void Move(Dictionary<Parameter, double[]> directions, double step)
    {
        foreach (var (parameter, direction) in directions)
        {
            double[] numbers = Numbers(parameter.Value.View);
            for (int i = 0; i < numbers.Length; i++)
                numbers[i] += step * direction[i];
            parameter.Device.Write<double>(parameter.Value.View, numbers);
        }
    }
}
