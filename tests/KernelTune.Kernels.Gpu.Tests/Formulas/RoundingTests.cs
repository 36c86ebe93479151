namespace KernelTune.Kernels.Gpu.Tests.Formulas;

/// <summary>The reader of PTX finds what it is there to find.</summary>
public sealed class RoundingTests
{
    [TestCase("mul.f32 %f1, %f2, %f3;")]
    [TestCase("@%p1 add.f32 %f1, %f2, %f3;")]
    [TestCase("mad.f32 %f1, %f2, %f3, %f4;")]
    [TestCase("sqrt.approx.f32 %f1, %f2;")]
    [TestCase("ex2.approx.ftz.f32 %f1, %f2;")]
    [TestCase("add.rn.ftz.f32 %f1, %f2, %f3;")]
    [TestCase("mul.f64 %fd1, %fd2, %fd3;")]
    public void An_instruction_that_rounds_otherwise_is_a_fault(string line) => Assert.That(Rounding.Faults($"\t{line}\n"), Has.Count.GreaterThanOrEqualTo(1));

    [TestCase("mul.rn.f32 %f1, %f2, %f3;")]
    [TestCase("fma.rn.f32 %f1, %f2, %f3, %f4;")]
    [TestCase("mul.lo.s32 %r1, %r2, %r3;")]
    [TestCase("sub.f64 %fd8, 0d3FF0000000000000, %fd1;")]
    [TestCase("cvt.rn.f32.f64 %f1, %fd2;")]
    public void One_that_rounds_right_is_none(string line) => Assert.That(Rounding.Faults($"\t{line}\n"), Is.Empty);
}
