using System.Diagnostics;
using System.Globalization;
using KernelTune.Peers;
using TorchSharp;

// A training step in TorchSharp (libtorch with MKL), served line by line for paired timing as torch_step.py serves it: "step" is answered by milliseconds, "quit" by the peak of resident memory.
// "Peers tokenize --model FOLDER --text FOLDER" serves passes of Hugging Face's tokenizers (Rust) over the paragraphs of texts instead.
// usage: Peers --model smollm2-135m|gpt2 --method full|lora|ia3|prompt|prefix --batch 4 --length 128 --threads 2
string Option(string name, string absent) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : absent;
int Number(string name, int absent) => int.Parse(Option(name, absent.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

if (args is ["tokenize", ..])
{
    RustTokenizer.Serve(Option("--model", ""), Option("--text", ""));
    return;
}
torch.set_num_threads(Number("--threads", 2));
torch.random.manual_seed(0);
int batch = Number("--batch", 4), length = Number("--length", 128);
var decoder = new Decoder(DecoderShape.Of(Option("--model", "smollm2-135m")), Option("--method", "lora"), Number("--rank", 8), length);
var ids = torch.randint(0, decoder.Shape.Vocabulary, [batch, length], torch.int64);
var optimizer = torch.optim.AdamW(decoder.Trained, lr: 1e-4);

double Step()
{
    var clock = Stopwatch.StartNew();
    using (torch.NewDisposeScope())
    {
        optimizer.zero_grad();
        decoder.Loss(ids).backward();
        torch.nn.utils.clip_grad_norm_(decoder.Trained, 1.0);
        optimizer.step();
    }
    return clock.Elapsed.TotalMilliseconds;
}

Step();
Step();
Console.WriteLine("ready");
while (Console.ReadLine()?.Trim() is { } line && line != "quit")
{
    if (line == "step")
        Console.WriteLine(Step().ToString("F3", CultureInfo.InvariantCulture));
}
string peak = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
Console.WriteLine($"{{\"peak_bytes\": {1024 * long.Parse(peak, CultureInfo.InvariantCulture)}}}");
