using KernelTune.QuickstartText;

namespace KernelTune.Cli.Tests.QuickstartText;

public sealed class WorldTests
{
    private static World Small() => new(60, 12, new SeededRandom(7));

    [Test]
    public void The_same_seed_gives_the_same_text()
    {
        string[] first = [.. new Documents(Small(), new SeededRandom(8)).Write(200)], second = [.. new Documents(Small(), new SeededRandom(8)).Write(200)];
        Assert.That(second, Is.EqualTo(first));
        Assert.That(new Documents(Small(), new SeededRandom(9)).Write(200), Is.Not.EqualTo(first));
    }

    [Test]
    public void Numbers_of_the_seed_are_fixed_for_ever()
    {
        var random = new SeededRandom(7);
        Assert.That(Enumerable.Range(0, 8).Select(_ => random.Below(1000)), Is.EqualTo(new[] { 389, 16, 900, 582, 452, 249, 467, 328 }));
    }

    [Test]
    public void Names_differ_in_two_letters_or_more()
    {
        string[] names = InventedNames.People(240, new SeededRandom(7));
        Assert.That(names, Is.Unique);
        foreach (string a in names)
            foreach (string b in names.Where(b => b != a && b.Length == a.Length))
                Assert.That(a.Zip(b).Count(pair => char.ToLowerInvariant(pair.First) != char.ToLowerInvariant(pair.Second)), Is.GreaterThan(1), $"{a} {b}");
    }

    [Test]
    public void Text_has_statements_and_no_questions()
    {
        string text = string.Join('\n', new Documents(Small(), new SeededRandom(8)).Write(2000));
        Assert.That(text, Does.Not.Contain("?").And.Not.Contain("{"));
    }

    [Test]
    public void Every_fact_is_told_often()
    {
        World world = Small();
        string[] documents = [.. new Documents(world, new SeededRandom(8)).Write(6000)];
        foreach (Person person in world.People)
            for (int i = 0; i < world.Relations.Count; i++)
            {
                string value = person.Facts[i];
                int told = documents.Count(d => d.Contains(person.Name, StringComparison.Ordinal) && d.Contains(value, StringComparison.Ordinal));
                Assert.That(told, Is.GreaterThan(20), $"{person.Name}: {value}");
            }
    }

    [Test]
    public void Each_person_is_asked_everything_and_the_answer_is_the_fact()
    {
        World world = Small();
        Person person = world.People[3];
        Question[] asked = [.. new Questions(world, new SeededRandom(9)).About([person], 1)];
        Assert.That(asked.Select(q => q.Relation), Is.EquivalentTo(world.Relations.Select(r => r.Key)));
        foreach (Question question in asked)
        {
            int relation = world.Relations.ToList().FindIndex(r => r.Key == question.Relation);
            Assert.That(question.Text, Does.Contain(person.Name).And.EndsWith("?"));
            Assert.That(question.Answer, Is.EqualTo(world.Relations[relation].Answer.Replace("{N}", person.Name, StringComparison.Ordinal).Replace("{V}", person.Facts[relation], StringComparison.Ordinal)));
        }
    }
}
