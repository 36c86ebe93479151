using KernelTune.Conformance.Checks;
using KernelTune.Conformance.Families;
using KernelTune.Evaluation.Generation;

namespace KernelTune.Conformance.Tests.Checks;

/// <summary>The greedy searches with the stored logits in the model's place: the generator must choose, fill up and stop as the library did.</summary>
public sealed class GreedyReplayTests
{
    /// <summary>Gives the stored logits of one case after another, and checks what it is fed.</summary>
    private sealed class Replay(GoldenTensors tensors) : INextLogits
    {
        private int number = -1;
        private int step;
        private int prompt;

        public int VocabularySize => tensors["0.logits"].Shape[^1];

        public int ContextLength => 128;

        public int? StartToken => null;

        public ReadOnlySpan<float> Prefill(TokenBatch prompts, int copies = 1)
        {
            number++;
            step = 0;
            prompt = prompts.Length;
            Assert.That(prompts.Ids.ToArray(), Is.EqualTo(tensors["inputs.input_ids"].Integers()));
            Assert.That(prompts.Padding.ToArray(), Is.EqualTo(tensors["inputs.attention_mask"].IdRows().Select(r => r.Count(m => m == 0))));
            return Logits();
        }

        public ReadOnlySpan<float> Step(ReadOnlySpan<int> tokens)
        {
            int[] wanted = [.. tensors[$"{number}.sequences"].IdRows().Select(r => r[prompt + step])];
            Assert.That(tokens.ToArray(), Is.EqualTo(wanted), $"case {number}, step {step}");
            step++;
            return Logits();
        }

        public void Reorder(ReadOnlySpan<int> rows) => Assert.Fail("rows change places in beam search only");

        private float[] Logits()
        {
            GoldenTensor all = tensors[$"{number}.logits"];
            (int rows, int steps, int vocabulary) = (all.Shape[0], all.Shape[1], all.Shape[2]);
            float[] values = all.Floats();
            return [.. Enumerable.Range(0, rows).SelectMany(r => values.Skip(((r * steps) + step) * vocabulary).Take(vocabulary))];
        }
    }

    [TestCase("greedy_llama")]
    [TestCase("greedy_llama_batch")]
    [TestCase("greedy_llama_tied")]
    [TestCase("greedy_llama_tied_batch")]
    public void Stored_logits_lead_to_the_stored_tokens_and_scores(string name)
    {
        string folder = Path.Combine(Goldens.Folder, "generation");
        if (!Directory.Exists(folder))
            Assert.Ignore($"{folder} is absent: no searches to replay");
        var tensors = new GoldenTensors(Path.Combine(folder, name + ".safetensors"));
        var family = new GenerationFamily((_, _) => new Replay(tensors));
        Finding finding = family.Run(folder, name, "cpu").Single();
        Assert.That(finding.Outcome, Is.EqualTo(Outcome.Pass), finding.Detail);
    }
}
