namespace KernelTune.Evaluation.Generation;

/// <summary>The beams of one prompt: those that go on, and the best answers that have ended.</summary>
internal sealed class PromptBeams
{
    private readonly Search search;
    private readonly int prompt, beams, vocabulary;
    private readonly TopScores candidates, survivors, top;
    private readonly TokenChance[]?[] alternatives;
    private readonly List<Answer> answers = [];
    private Beam[] running, spare;
    private int length;

    public PromptBeams(Search search, int prompt)
    {
        (this.search, this.prompt) = (search, prompt);
        (beams, vocabulary, length) = (search.Settings.NumBeams, search.Model.VocabularySize, search.Start.Length);
        candidates = new TopScores(Math.Max(2, 1 + search.Settings.EndTokens.Count) * beams);
        survivors = new TopScores(beams);
        top = new TopScores(search.Settings.TopLogProbabilities);
        alternatives = new TokenChance[beams][];
        (running, spare) = (new Beam[beams], new Beam[beams]);
        for (int i = 0; i < beams; i++)
            (running[i], spare[i]) = (new Beam(search.Begin(prompt)), new Beam(search.Begin(prompt)));
        Running = 1;
    }

    /// <summary>How many beams go on: the first ones. 0: the search for this prompt is over.</summary>
    public int Running { get; private set; }

    /// <summary>The beam that a beam goes on from, and its last token; for one that does not go on itself and a filler.</summary>
    public (int Origin, int Token) Continuation(int beam) => beam < Running ? (running[beam].Origin, running[beam].Last!.Token) : (beam, search.Pad);

    /// <summary>Processes the log-probabilities of the running beams' next tokens, [beams, vocabulary], in place, and chooses the beams that go on.</summary>
    /// <exception cref="GenerationException">No token is left, or a score is NaN.</exception>
    public void Advance(Span<float> scores, int step, CancellationToken cancellation)
    {
        if (Running == 0)
            return;
        Array.Clear(alternatives);
        candidates.Clear();
        for (int beam = 0; beam < Running; beam++)
        {
            Span<float> own = scores.Slice(beam * vocabulary, vocabulary);
            search.Chain.Process(new LogitsContext(running[beam].Ids.AsSpan(0, length), search.Start.Padding[prompt], prompt), own);
            if (search.Settings.DoSample)
                Draw(own, beam, step);
            else
                candidates.Offer(own, running[beam].Score, beam * vocabulary);
        }
        if (candidates.Count == 0)
            throw Sampler.NothingLeft();

        survivors.Clear();
        for (int i = 0; i < candidates.Count; i++)
        {
            var (beam, token) = (candidates.Place(i) / vocabulary, candidates.Place(i) % vocabulary);
            double score = running[beam].Score + scores[candidates.Place(i)];
            if (search.Ended(running[beam].With(token, length), prompt, cancellation) is not { } reason)
                survivors.Offer(score, i);
            else if (i < beams)
                AddAnswer(score, reason, Follow(beam, token, scores));
        }
        length++;
        Survive(scores);
        if (Running > 0 && IsOver())
            Running = 0;
    }

    /// <summary>The best answers, as many as are asked for.</summary>
    public IEnumerable<GeneratedRow> Answers() => answers.Take(search.Settings.NumReturnSequences).Select(a => a.Last.Answer(prompt, a.Reason, a.Score));

    private int Generated => length - search.Start.Length;

    // A draw without replacement from e^score is the order of the scores with Gumbel noise.
    private void Draw(ReadOnlySpan<float> scores, int beam, int step)
    {
        for (int token = 0; token < scores.Length; token++)
        {
            if (float.IsNaN(scores[token]))
                throw Sampler.NotANumber(token);
            int place = (beam * vocabulary) + token;
            double noise = -Math.Log(-Math.Log(Sampler.Uniform(search.Settings.Seed, (uint)(search.FirstPrompt + prompt), (uint)step, (uint)place)));
            candidates.Offer(running[beam].Score + scores[token] + noise, place);
        }
    }

    // All that end in one step take part, however many there were before.
    private void AddAnswer(double sum, FinishReason reason, BeamToken last)
    {
        double score = sum / Math.Pow(Generated + 1, search.Settings.LengthPenalty);
        int at = answers.Count;
        while (at > 0 && answers[at - 1].Score < score)
            at--;
        answers.Insert(at, new Answer(score, reason, last));
        if (answers.Count > beams)
            answers.RemoveAt(beams);
    }

    private void Survive(ReadOnlySpan<float> scores)
    {
        for (int i = 0; i < survivors.Count; i++)
        {
            int place = candidates.Place(survivors.Place(i));
            spare[i].Follow(running[place / vocabulary], place / vocabulary, survivors.Score(i), length, Follow(place / vocabulary, place % vocabulary, scores));
        }
        Running = survivors.Count;
        (running, spare) = (spare, running);
    }

    private bool IsOver()
    {
        if (answers.Count < beams)
            return false;
        var settings = search.Settings;
        if (settings.EarlyStopping == EarlyStopping.Yes)
            return true;
        bool hopes = settings.EarlyStopping == EarlyStopping.Never && settings.LengthPenalty > 0;
        int reach = hopes ? search.MaxLength - search.Start.Length : Generated;
        return running[0].Score / Math.Pow(reach, settings.LengthPenalty) <= answers[^1].Score;
    }

    private BeamToken Follow(int beam, int token, ReadOnlySpan<float> scores)
    {
        ReadOnlySpan<float> own = scores.Slice(beam * vocabulary, vocabulary);
        if (search.Settings.TopLogProbabilities > 0)
            alternatives[beam] ??= search.Alternatives(top, own, 0);
        return new BeamToken(running[beam].Last, token, own[token], (prompt * beams) + beam, alternatives[beam]);
    }

    private readonly record struct Answer(double Score, FinishReason Reason, BeamToken Last);

    /// <summary>A sequence that goes on.</summary>
    private sealed class Beam(int[] ids)
    {
        public int[] Ids { get; private set; } = ids;

        /// <summary>The sum of its log-probabilities.</summary>
        public double Score { get; private set; }

        /// <summary>The beam that it was a step ago.</summary>
        public int Origin { get; private set; }

        public BeamToken? Last { get; private set; }

        /// <summary>Its ids with another one behind them.</summary>
        public ReadOnlySpan<int> With(int token, int length)
        {
            MakeRoom(length + 1);
            Ids[length] = token;
            return Ids.AsSpan(0, length + 1);
        }

        public void Follow(Beam other, int origin, double score, int length, BeamToken last)
        {
            MakeRoom(length);
            other.Ids.AsSpan(0, length - 1).CopyTo(Ids);
            Ids[length - 1] = last.Token;
            (Origin, Score, Last) = (origin, score, last);
        }

        private void MakeRoom(int length)
        {
            if (Ids.Length >= length)
                return;
            int[] longer = new int[2 * length];
            Ids.CopyTo(longer, 0);
            Ids = longer;
        }
    }
}

/// <summary>A token of a beam, with the way back to the first one: beams that part share what came before.</summary>
/// <param name="Before">The token before; null: the first new one.</param>
/// <param name="Token">The token.</param>
/// <param name="LogProbability">As the search adds it up.</param>
/// <param name="BeamRow">The row of all beams from which it came.</param>
/// <param name="Alternatives">The likeliest tokens in its place; null: not asked for.</param>
internal sealed record BeamToken(BeamToken? Before, int Token, double LogProbability, int BeamRow, TokenChance[]? Alternatives)
{
    /// <summary>The answer that ends here.</summary>
    public GeneratedRow Answer(int prompt, FinishReason reason, double score)
    {
        var way = new List<BeamToken>();
        for (BeamToken? at = this; at is not null; at = at.Before)
            way.Add(at);
        way.Reverse();
        return new GeneratedRow(prompt, [.. way.Select(t => t.Token)], reason, [.. way.Select(t => t.LogProbability)])
        {
            Score = score,
            BeamIndices = [.. way.Select(t => t.BeamRow)],
            Alternatives = [.. way.Where(t => t.Alternatives is not null).Select(t => t.Alternatives!)],
        };
    }
}
