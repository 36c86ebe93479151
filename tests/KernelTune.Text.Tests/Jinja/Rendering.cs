using KernelTune.Text.Jinja;

namespace KernelTune.Text.Tests.Jinja;

/// <summary>Renders a template with variables given as pairs, at a fixed time.</summary>
internal static class Rendering
{
    public static DateTime Now { get; } = new(2024, 7, 26, 13, 5, 9, DateTimeKind.Utc);

    public static string Of(string template, params (string Name, object? Value)[] variables) =>
        Template.Compile(template).Render(variables.ToDictionary(v => v.Name, v => v.Value), Now).Text;

    public static TemplateException Error(string template, params (string Name, object? Value)[] variables)
    {
        try
        {
            string text = Of(template, variables);
            Assert.Fail($"rendered as '{text}'");
            throw new InvalidOperationException();
        }
        catch (TemplateException e)
        {
            return e;
        }
    }
}
