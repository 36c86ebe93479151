using System.Text.Json;
using KernelTune.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Data.Tests.Golden;

/// <summary>SmolLM2's chats: the text of its template, and its ids.</summary>
public class RealChatTests
{
    [Test]
    public void ChatsAndTheirIdsAreThoseOfTheGoldens()
    {
        string file = Path.Combine(SharedFolders.Goldens(Path.Combine("real", "smollm2_tokenizer")), "chat.jsonl");
        Tokenizer tokenizer = Tokenizer.Load(SharedFolders.Models("smollm2-135m-instruct"));
        ChatTemplate template = ChatTemplate.Of(tokenizer.Config)!;
        string[] lines = File.ReadAllText(file).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(10));
        foreach (string line in lines)
        {
            using JsonDocument one = JsonDocument.Parse(line);
            ChatMessage[] messages = one.RootElement.GetProperty("messages").EnumerateArray().Select(ChatMessage.FromJson).ToArray();
            string text = template.Render(messages, addGenerationPrompt: one.RootElement.GetProperty("add_generation_prompt").GetBoolean()).Text;
            Assert.That(text, Is.EqualTo(one.RootElement.GetProperty("rendered").GetString()));
            Assert.That(tokenizer.EncodeIds(text, addSpecialTokens: false), Is.EqualTo(one.RootElement.GetProperty("ids").EnumerateArray().Select(e => e.GetInt32())));
        }
    }
}
