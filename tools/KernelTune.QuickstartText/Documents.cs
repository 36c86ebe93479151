namespace KernelTune.QuickstartText;

/// <summary>The text that the model is pretrained on: statements about the world's people in many words and orders, never a question.</summary>
public sealed class Documents(World world, SeededRandom random)
{
    /// <summary><paramref name="count"/> documents. Each person is the subject of as many as any other, give or take one.</summary>
    public IEnumerable<string> Write(int count)
    {
        Queue<Person> queue = new();
        Person Subject()
        {
            if (queue.Count == 0) queue = new Queue<Person>(random.Shuffled(world.People));
            return queue.Dequeue();
        }

        for (int i = 0; i < count; i++)
        {
            int kind = random.Below(100);
            yield return kind switch
            {
                < 45 => Profile(Subject()),
                < 70 => Remark(Subject()),
                < 92 => Meeting(Subject(), Subject()),
                _ => Gathering(),
            };
        }
    }

    /// <summary>Three to seven things about one person.</summary>
    private string Profile(Person person)
    {
        int[] order = random.Shuffled(Enumerable.Range(0, world.Relations.Count));
        int length = 3 + random.Below(world.Relations.Count - 2);
        List<string> sentences = [];
        foreach (int relation in order.Take(length)) sentences.Add(Fact(person, relation, pronoun: sentences.Count > 0 && random.Chance(30)));
        return Join(sentences);
    }

    /// <summary>One or two things.</summary>
    private string Remark(Person person)
    {
        int[] order = random.Shuffled(Enumerable.Range(0, world.Relations.Count));
        return Join([.. order.Take(1 + random.Below(2)).Select(relation => Fact(person, relation, pronoun: false))]);
    }

    /// <summary>Two people and some of what is true of each, turn by turn: a name is the only clue to whom a fact belongs.</summary>
    private string Meeting(Person a, Person b)
    {
        if (a == b) return Profile(a);
        string opening = random.Pick(Openings).Replace("{A}", a.Name, StringComparison.Ordinal).Replace("{B}", b.Name, StringComparison.Ordinal);
        List<string> sentences = [opening];
        Queue<int> ofA = new(random.Shuffled(Enumerable.Range(0, world.Relations.Count))), ofB = new(random.Shuffled(Enumerable.Range(0, world.Relations.Count)));
        int turns = 3 + random.Below(4);
        for (int i = 0; i < turns; i++) sentences.Add(random.Chance(50) ? Fact(a, ofA.Dequeue(), pronoun: false) : Fact(b, ofB.Dequeue(), pronoun: false));
        return Join(sentences);
    }

    /// <summary>Some of the people who share something.</summary>
    private string Gathering()
    {
        while (true)
        {
            int relation = random.Below(world.Relations.Count);
            if (world.Relations[relation].Shared.Length == 0) continue;
            string value = random.Pick(world.People).Facts[relation];
            string[] names = [.. random.Shuffled(world.People.Where(p => p.Facts[relation] == value)).Take(4).Select(p => p.Name)];
            if (names.Length < 2) continue;
            string list = string.Join(", ", names[..^1]) + " and " + names[^1];
            return world.Relations[relation].Shared.Replace("{N}", list, StringComparison.Ordinal).Replace("{V}", value, StringComparison.Ordinal);
        }
    }

    private string Fact(Person person, int relation, bool pronoun)
    {
        Relation about = world.Relations[relation];
        return person.Say(random.Pick(pronoun ? about.Pronoun : about.Named), person.Facts[relation]);
    }

    // Names stand after a space and at the beginning of a line: two tokens, and the model must know that both are the same person.
    private string Join(List<string> sentences) => sentences.Aggregate((text, next) => text + (random.Chance(40) ? "\n" : " ") + next);

    private static readonly string[] Openings =
    [
        "{A} met {B} at the market.", "{A} and {B} sat by the river.", "One day {A} asked {B} to come along.", "{A} talked with {B} all night.", "It rained, and {A} waited with {B} under a tree.",
        "{B} knocked at the door of {A}.",
    ];
}
