using System.Text.Json.Nodes;

namespace KernelTune.Cli.Tests;

/// <summary>Runs the command in this process and keeps what it wrote.</summary>
internal sealed record CommandLine(int Code, string Out, string Error)
{
    public static CommandLine Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = Application.Run(arguments, new Terminal(output, error));
        return new CommandLine(code, output.ToString(), error.ToString());
    }

    public JsonNode Json => JsonNode.Parse(Out)!;
}
