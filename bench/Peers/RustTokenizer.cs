using System.Diagnostics;
using System.Globalization;
using Tokenizers.DotNet;

namespace KernelTune.Peers;

/// <summary>Hugging Face's tokenizers, whose Rust Tokenizers.DotNet wraps, over every paragraph of a folder of texts: one pass a line.</summary>
internal static class RustTokenizer
{
    public static void Serve(string model, string texts)
    {
        using var tokenizer = new Tokenizer(Path.Combine(model, "tokenizer.json"));
        string[] paragraphs = [.. Directory.GetFiles(texts, "*.txt").Order(StringComparer.Ordinal).SelectMany(f => File.ReadAllText(f).Split("\n\n", StringSplitOptions.RemoveEmptyEntries))];
        Console.WriteLine("ready");
        while (Console.ReadLine() == "step")
        {
            TimeSpan begin = Environment.CpuUsage.TotalTime;
            foreach (string paragraph in paragraphs)
                tokenizer.Encode(paragraph);
            Console.WriteLine((Environment.CpuUsage.TotalTime - begin).TotalMilliseconds.ToString("F3", CultureInfo.InvariantCulture));
        }
        Console.WriteLine("{}");
    }
}
