namespace KernelTune.Text.Tests.Jinja;

/// <summary>What stands here was rendered by Jinja 3.1.6 in Transformers' environment; the goldens hold more of it.</summary>
public class FeatureTests
{
    [TestCase("{{ 1 + 2 * 3 - 4 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 3 ** 2 }} {{ 2 ** -1 }}", "5.0 3 -4 2 64 0.5")]
    [TestCase("{{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 0.1 + 0.2 }} {{ -0.0 }} {{ 5e-324 }} {{ 1.7976931348623157e308 }}", "1e+16 1000000000000000.0 0.0001 1e-05 0.30000000000000004 -0.0 5e-324 1.7976931348623157e+308")]
    [TestCase("{{ 100000000000000000000 * 3 }} {{ (10 ** 40) // 7 }} {{ 10 ** 25 / 3 }}", "300000000000000000000 1428571428571428571428571428571428571428 3.3333333333333333e+24")]
    [TestCase("{{ '%05.2f|%-6s|%+d|%x|%%|%5.1e|%g' % (3.14159, 'ab', 5, 255, 12345.678, 0.0001) }}", "03.14|ab    |+5|ff|%|1.2e+04|0.0001")]
    [TestCase("{{ '{:>8}|{:^7}|{:08.3f}|{:,}|{:+}|{!r}|{:x}|{:.1%}'.format('ab', 'mid', 3.14159, 1234567, 5, 'q', 255, 0.256) }}", "      ab|  mid  |0003.142|1,234,567|+5|'q'|ff|25.6%")]
    [TestCase("{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.675 | round(2) }} {{ 0.125 | round(2) }} {{ 1234 | round(-2) }} {{ 7 | round(1) }}", "2.0 4.0 2.67 0.12 1200 7")]
    [TestCase("{{ 'ΑΣ'.lower() }} {{ 'ﬁn'.upper() }} {{ 'ŉ'.upper() | length }} {{ 'İ'.lower() | length }}", "ας FIN 2 2")]
    [TestCase("{{ 'a👍b'[1] }} {{ 'a👍b' | length }} {{ 'a👍b'[::-1] }} {{ 'a👍b'.find('b') }}", "👍 3 b👍a 2")]
    [TestCase("{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{% for i in [1] %}{% set x = 3 %}{% endfor %}{{ x }}", "2")]
    [TestCase("{% macro f(x) %}{{ x }}{{ y }}{% endmacro %}{% set y = 7 %}{{ f(1) }}", "17")]
    [TestCase("{% for x in [3,1,2] if x != 1 %}{{ loop.index }}{{ loop.last }}{{ x }};{% endfor %}", "1False3;2True2;")]
    [TestCase("{{ [1, 2] == (1, 2) }} {{ {'a': 1} == {'a': 1.0} }} {{ 1 == true }} {{ {1: 'x', true: 'y'} }}", "False True True {1: 'y'}")]
    [TestCase("{{ ('<b>' | e) ~ '<' }} {{ ('<b>' | e) + '<' }}", "&lt;b&gt;< &lt;b&gt;&lt;")]
    [TestCase("{% autoescape true %}{{ '<' }}{{ '<' | safe }}{% endautoescape %}{{ '<' }}", "&lt;<<")]
    [TestCase("{{ strftime_now('%d %b %Y %-d %-I %p %j %U %V %c') }}", "26 Jul 2024 26 1 PM 208 29 30 Fri Jul 26 13:05:09 2024")]
    [TestCase("{{ 'a-b c' | title }} {{ \"it's\" | title }} {{ 'aBC dEF'.swapcase() }}", "A-B C It's Abc Def")]
    public void ATemplateRendersAsInJinja(string template, string expected) => Assert.That(Rendering.Of(template), Is.EqualTo(expected));

    [TestCase("a {%- if true -%} b {%- endif -%} c", "abc")]
    [TestCase("  {% if true %}\n  b\n  {% endif %}\n  c", "  b\n  c")]
    [TestCase("a\n  {%+ if true %}b{% endif %}", "a\n  b")]
    [TestCase("  {# note #}\nx", "x")]
    [TestCase("x\n\n", "x\n")]
    [TestCase("{% for i in [1, 2, 3] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "1")]
    [TestCase("{%- raw -%} {{ x }} {%- endraw -%} y", "{{ x }}y")]
    public void WhiteSpaceIsTrimmedAsInJinja(string template, string expected) => Assert.That(Rendering.Of(template), Is.EqualTo(expected));
}
