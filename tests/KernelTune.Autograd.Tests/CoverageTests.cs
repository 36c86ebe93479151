using System.Reflection;
using KernelTune.Autograd.Ops;

namespace KernelTune.Autograd.Tests;

/// <summary>No operation is without a case.</summary>
public sealed class CoverageTests
{
    [TestCaseSource(nameof(Operations))]
    public void Operation_has_a_case(Type operation) =>
        Assert.That(OperationCases.All.Where(c => c.Operation == operation).Select(c => c.Name), Is.Not.Empty, $"{operation.Name} has no case in {nameof(OperationCases)}");

    [Test]
    public void Names_of_cases_differ() => Assert.That(OperationCases.All.Select(c => c.Name), Is.Unique);

    // An operation is a static class of Ops whose Apply gives tensors.
    private static IEnumerable<TestCaseData> Operations() =>
        from type in typeof(Unary).Assembly.GetExportedTypes()
        where type.Namespace == typeof(Unary).Namespace && type is { IsAbstract: true, IsSealed: true }
        where type.GetMethods(BindingFlags.Public | BindingFlags.Static).Any(m => m.Name == "Apply" && (m.ReturnType == typeof(Tensor) || m.ReturnType == typeof(Tensor[])))
        select new TestCaseData(type).SetArgDisplayNames(type.Name);
}
