using System.Reflection;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Autograd.Tests;

/// <summary>Every formula's derivative agrees with its forward run on dual numbers.</summary>
public sealed class FormulaTests
{
    // Between the corners of |x|, max and the limits; far out too, where a derivative may overflow or cancel.
    private static readonly double[] Points = [-30, -9.7, -3.1, -1.9, -0.71, -1e-3, 1e-4, 0.37, 1.01, 2.6, 6.5, 12.3, 40];

    private static readonly ScaleParams Factor = new(-1.7);

    private static readonly AffineParams Affine = new(-1.7, 0.3);

    private static readonly ClampedParams Clamped = new(2, 1.702);

    [TestCaseSource(nameof(Formulas), new object[] { typeof(IUnaryOp<>) })]
    public void Derivative_of_one_input(Type op, Type parameters) => Check(nameof(One), op, parameters);

    [TestCaseSource(nameof(Formulas), new object[] { typeof(IBinaryOp<>) })]
    public void Derivatives_of_two_inputs(Type op, Type parameters) => Check(nameof(Two), op, parameters);

    [Test]
    public void Slopes_at_corners()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Abs.Derivative(new F64(0), default).Value, Is.Zero, "abs at 0");
            Assert.That(Relu.Derivative(new F64(0), default).Value, Is.Zero, "relu at 0");
            Maximum.Derivative(new F64(2), new F64(2), default, out F64 da, out F64 db);
            Assert.That((da.Value, db.Value), Is.EqualTo((0.5, 0.5)), "maximum at a tie");
            ClampedSwiGlu.Derivative(new F64(2), new F64(-2), Clamped, out da, out db);
            ClampedSwiGlu.Derivative(new F64(2 - 1e-9), new F64(-2 + 1e-9), Clamped, out F64 below, out F64 above);
            Assert.That(da.Value, Is.EqualTo(below.Value).Within(1e-6), "the gate on its limit");
            Assert.That(db.Value, Is.EqualTo(above.Value).Within(1e-6), "up on its limit");
        }
    }

    private static IEnumerable<TestCaseData> Formulas(Type kind) =>
        from type in typeof(Silu).Assembly.GetExportedTypes()
        where type is { IsValueType: true, IsGenericType: false }
        from i in type.GetInterfaces()
        where i.IsGenericType && i.GetGenericTypeDefinition() == kind
        select new TestCaseData(type, i.GetGenericArguments()[0]).SetArgDisplayNames(type.Name);

    private static void Check(string method, Type op, Type parameters)
    {
        object p = parameters == typeof(None) ? default(None)
            : parameters == typeof(ScaleParams) ? Factor
            : parameters == typeof(AffineParams) ? Affine
            : parameters == typeof(ClampedParams) ? Clamped
            : throw new AssertionException($"{op.Name} has parameters of type {parameters.Name}: give them values here");
        typeof(FormulaTests).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(op, parameters).Invoke(null, [p]);
    }

    private static void One<TOp, P>(P p)
        where TOp : struct, IUnaryOp<P>
        where P : struct
    {
        int defined = 0;
        foreach (double x in Points)
        {
            var y = TOp.Forward(new Dual(x, 1), p);
            if (!double.IsFinite(y.Tangent))
                continue;
            defined++;
            double ours = TOp.Derivative(new F64(TOp.DerivativeReadsOutput ? y.Value : x), p).Value;
            Assert.That(ours, Is.EqualTo(y.Tangent).Within(1e-12 * Math.Max(1, Math.Abs(y.Tangent))), $"{typeof(TOp).Name}′({x})");
        }
        Assert.That(defined, Is.GreaterThanOrEqualTo(6), "points at which the formula is defined");
    }

    private static void Two<TOp, P>(P p)
        where TOp : struct, IBinaryOp<P>
        where P : struct
    {
        int defined = 0;
        foreach (double a in Points)
        {
            foreach (double b in Points.Where(b => b != a))
            {
                double expectedA = TOp.Forward(new Dual(a, 1), new Dual(b, 0), p).Tangent, expectedB = TOp.Forward(new Dual(a, 0), new Dual(b, 1), p).Tangent;
                if (!double.IsFinite(expectedA) || !double.IsFinite(expectedB))
                    continue;
                defined++;
                TOp.Derivative(new F64(a), new F64(b), p, out F64 da, out F64 db);
                Assert.That(da.Value, Is.EqualTo(expectedA).Within(1e-12 * Math.Max(1, Math.Abs(expectedA))), $"∂{typeof(TOp).Name}/∂a({a}, {b})");
                Assert.That(db.Value, Is.EqualTo(expectedB).Within(1e-12 * Math.Max(1, Math.Abs(expectedB))), $"∂{typeof(TOp).Name}/∂b({a}, {b})");
            }
        }
        Assert.That(defined, Is.GreaterThanOrEqualTo(36), "points at which the formula is defined");
    }
}
