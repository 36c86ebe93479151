using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using KernelTune.QuickstartText;

const string Usage = "usage: KernelTune.QuickstartText --out FOLDER [--seed 7] [--documents 24000] [--people 240] [--towns 48] [--vocabulary 1536] [--embed PRETRAINED]";
string? folder = null, pretrained = null;
int seed = 7, documents = 24_000, people = 240, towns = 48, vocabulary = 1536;
for (int i = 0; i < args.Length; i++)
{
    string option = args[i];
    if (i + 1 >= args.Length) return Wrong($"{option} needs a value");
    string value = args[++i];
    if (option == "--out") folder = value;
    else if (option == "--embed") pretrained = value;
    else if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return Wrong($"{option}: found {value}, wanted a whole number");
    else if (option == "--seed") seed = number;
    else if (option == "--documents") documents = number;
    else if (option == "--people") people = number;
    else if (option == "--towns") towns = number;
    else if (option == "--vocabulary") vocabulary = number;
    else return Wrong($"unknown option {option}");
}
if (folder is null) return Wrong("--out is missing");
if (people is < 20 or > 1000 || towns is < 4 or > 200 || documents < 10 || vocabulary is < 300 or > 65_536) return Wrong("20 to 1000 people, 4 to 200 towns, at least 10 documents and 300 tokens make a world");

// One generator of random numbers a file: asking for more documents changes none of the questions.
var world = new World(people, towns, new SeededRandom((ulong)seed));
string data = folder;
if (pretrained is not null)
{
    // What the command embeds: the trained model and the questions, without the text that it was trained on.
    EmbeddedFiles.Write(pretrained, Path.Combine(folder, "model"));
    data = Path.Combine(folder, "data");
}
Directory.CreateDirectory(data);
if (pretrained is null)
{
    string[] pretraining = [.. new Documents(world, new SeededRandom((ulong)seed + 1)).Write(documents)];
    WriteLines("pretrain.jsonl", pretraining.Select(Text));
    WriteLines("pretrain-validation.jsonl", new Documents(world, new SeededRandom((ulong)seed + 2)).Write(Math.Max(10, documents / 60)).Select(Text));
    ModelFolder.Write(Path.Combine(folder, "model"), pretraining, vocabulary);
}

var questions = new Questions(world, new SeededRandom((ulong)seed + 3));
int train = people * 55 / 100, validation = people / 10;
WriteLines("train.jsonl", questions.About(world.People.Take(train), 2).Select(Chat));
WriteLines("validation.jsonl", questions.About(world.People.Skip(train).Take(validation), 1).Select(Chat));
WriteLines("test.jsonl", questions.About(world.People.Skip(train + validation), 1).Select(Chat));
return 0;

static string Quote(string text) => "\"" + JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping) + "\"";

static string Text(string document) => $"{{\"text\": {Quote(document)}}}";

static string Chat(Question q) =>
    $"{{\"messages\": [{{\"role\": \"user\", \"content\": {Quote(q.Text)}}}, {{\"role\": \"assistant\", \"content\": {Quote(q.Answer)}}}]}}";

void WriteLines(string name, IEnumerable<string> lines)
{
    string path = Path.Combine(data, name);
    string[] all = [.. lines];
    File.WriteAllText(path, string.Join('\n', all) + "\n", new UTF8Encoding(false));
    Console.WriteLine($"{path}: {all.Length} lines, {new FileInfo(path).Length} bytes");
}

static int Wrong(string message)
{
    Console.Error.WriteLine(message);
    Console.Error.WriteLine(Usage);
    return 2;
}
