namespace KernelTune.QuickstartText;

/// <summary>Questions about the world and their answers, apart by person: who is asked about in training is asked about nowhere else.</summary>
public sealed class Questions(World world, SeededRandom random)
{
    /// <summary>Every person's every relation, asked in <paramref name="phrasings"/> of the ways there are.</summary>
    public IEnumerable<Question> About(IEnumerable<Person> people, int phrasings)
    {
        ArgumentNullException.ThrowIfNull(people);
        return random.Shuffled(
            from person in people
            from relation in Enumerable.Range(0, world.Relations.Count)
            from text in random.Shuffled(world.Relations[relation].Questions).Take(phrasings)
            select new Question(
                world.Relations[relation].Key,
                person.Say(text, ""),
                person.Say(world.Relations[relation].Answer, person.Facts[relation])));
    }
}

/// <summary>A question and its only right answer.</summary>
public sealed record Question(string Relation, string Text, string Answer);
