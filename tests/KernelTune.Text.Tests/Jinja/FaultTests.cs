using System.Diagnostics;
using KernelTune.Text.Jinja;

namespace KernelTune.Text.Tests.Jinja;

/// <summary>FAULTS 33: a template is a program that came with a download.</summary>
public class FaultTests
{
    [TestCase("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "stopped after 10000000 steps")]
    [TestCase("{% set x = range(100000) | list %}{% for a in x %}{{ x | sum }}{% endfor %}", "stopped after 10000000 steps")]
    [TestCase("{% for a in range(100000) %}{{ range(100000) | select('odd') | list | length }}{% endfor %}", "stopped after 10000000 steps")]
    public void Fault33_ATemplateThatLoopsABillionTimesIsStopped(string template, string message)
    {
        var watch = Stopwatch.StartNew();
        TemplateException e = Rendering.Error(template);
        Assert.That(e.Kind, Is.EqualTo(TemplateErrorKind.Limit));
        Assert.That(e.Detail, Is.EqualTo(message));
        Assert.That(e.Message, Does.StartWith("chat template, line 1: "));
        Assert.That(watch.Elapsed.TotalSeconds, Is.LessThan(60));
    }

    [Test]
    public void Fault33_ATemplateThatPrintsTenMegabytesIsStopped()
    {
        TemplateException e = Rendering.Error("\n{% for a in range(10000) %}{{ 'x' * 1024 }}{% endfor %}");
        Assert.That(e.Kind, Is.EqualTo(TemplateErrorKind.Limit));
        Assert.That(e.Detail, Is.EqualTo("stopped: more than 4194304 characters printed"));
        Assert.That(e.Line, Is.EqualTo(2));
    }

    [TestCase("{{ 'x' * 1000000000 }}")]
    [TestCase("{{ [0] * 1000000000 }}")]
    [TestCase("{% set ns = namespace(x='x') %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [TestCase("{{ 'x'.center(2000000000) }}")]
    [TestCase("{{ '%2000000000d' | format(1) }}")]
    [TestCase("{{ '{:2000000000}'.format(1) }}")]
    [TestCase("{{ ('x' * 100000).replace('', 'y' * 100000) }}")]
    [TestCase("{{ (['x'] * 1000000) | join('y' * 1000) }}")]
    [TestCase("{{ '\t'.expandtabs(2000000000) }}")]
    [TestCase("{{ [1] | batch(2000000000, 0) | list }}")]
    public void Fault33_ATemplateThatEatsMemoryIsStopped(string template)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        TemplateException e = Rendering.Error(template);
        Assert.That(e.Detail, Is.EqualTo("stopped: strings and lists of more than 134217728 characters and items in all"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1L << 31));
    }

    [Test]
    public void Fault33_ARangeIsAsLongAsJinjasSandboxAllows()
    {
        TemplateException e = Rendering.Error("{{ range(100001) }}");
        Assert.That(e.Kind, Is.EqualTo(TemplateErrorKind.Overflow));
        Assert.That(e.Detail, Is.EqualTo("Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000)."));
    }

    [TestCase("{{ 2 ** 1000000000 }}", "an integer of more than 65536 bits")]
    [TestCase("{{ 10 ** 1000 ** 1000 }}", "an integer of more than 65536 bits")]
    public void Fault33_AnIntegerStaysBounded(string template, string message) => Assert.That(Rendering.Error(template).Detail, Is.EqualTo(message));

    [Test]
    public void Fault33_AMacroThatCallsItselfIsStopped()
    {
        TemplateException e = Rendering.Error("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
        Assert.That(e.Detail, Is.EqualTo("stopped at 200 nested calls"));
    }

    [Test]
    public void Fault33_DeepNestingIsRefusedAndDoesNotOverflowTheStack()
    {
        Assert.That(Rendering.Error("{{ " + new string('(', 5000) + "1" + new string(')', 5000) + " }}").Detail, Is.EqualTo("more than 200 levels of nesting"));
        Assert.That(Rendering.Error(string.Concat(Enumerable.Repeat("{% if 1 %}", 5000))).Detail, Is.EqualTo("more than 200 levels of nesting"));
        Assert.That(Rendering.Error("{{ 1" + string.Concat(Enumerable.Repeat("+1", 400_000)) + " }}").Kind, Is.EqualTo(TemplateErrorKind.Limit));
        Assert.That(Rendering.Error("{{ " + string.Concat(Enumerable.Repeat("not ", 5000)) + "1 }}").Detail, Is.EqualTo("more than 200 levels of nesting"));
    }

    [TestCase("{{ ''.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe.")]
    [TestCase("{{ [].append(1) }}", "access to attribute 'append' of 'list' object is unsafe.")]
    [TestCase("{{ {}.update(x=1) }}", "access to attribute 'update' of 'dict' object is unsafe.")]
    [TestCase("{{ (''|attr('__class__')).x }}", "access to attribute '__class__' of 'str' object is unsafe.")]
    [TestCase("{{ '{0.__class__.__mro__}'.format(1) }}", "access to attribute '__class__' of 'int' object is unsafe.")]
    [TestCase("{{ range.__globals__['os'] }}", "access to attribute '__globals__' of 'function' object is unsafe.")]
    public void Fault33_ATemplateReachesNoAttributes(string template, string message)
    {
        TemplateException e = Rendering.Error(template);
        Assert.That(e.Kind, Is.EqualTo(TemplateErrorKind.Security));
        Assert.That(e.Detail, Is.EqualTo(message));
    }

    [TestCase("{% include 'x' %}")]
    [TestCase("{% import 'x' as y %}")]
    [TestCase("{% extends 'x' %}")]
    [TestCase("{% from 'x' import y %}")]
    public void Fault33_ATemplateLoadsNothing(string template) => Assert.That(Rendering.Error(template).Detail, Is.EqualTo("no loader for this environment specified"));

    [TestCase("a\n\n{{ 1 + }}", 3, "unexpected 'end of print statement'")]
    [TestCase("a\n{# open", 2, "Missing end of comment tag")]
    [TestCase("{% raw %}\nx", 1, "Missing end of raw directive")]
    [TestCase("{% if 1 %}\n\n{% endfor %}", 3, "Encountered unknown tag 'endfor'. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'.")]
    [TestCase("\n{{ 'x' | nosuch }}", 2, "No filter named 'nosuch'.")]
    [TestCase("{% for m in [1] %}\n{{ m.x.y }}\n{% endfor %}", 2, "'int object' has no attribute 'x'")]
    [TestCase("{{ a\n  ? b }}", 2, "unexpected char '?' at 7")]
    [TestCase("{{ 'x", 1, "unexpected char \"'\" at 3")]
    [TestCase("{{ (1] }}", 1, "unexpected ']', expected ')'")]
    public void AnErrorNamesItsLine(string template, int line, string message)
    {
        TemplateException e = Rendering.Error(template);
        Assert.That(e.Detail, Is.EqualTo(message));
        Assert.That(e.Line, Is.EqualTo(line));
        Assert.That(e.Message, Is.EqualTo($"chat template, line {line}: {message}"));
    }
}
