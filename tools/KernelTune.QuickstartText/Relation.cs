namespace KernelTune.QuickstartText;

/// <summary>One thing that can be known about a person, and how it is said and asked.</summary>
/// <remarks>In the sentences: {N} the name, {S} a pronoun at the beginning ("She"), {P} its possessive ("her"), {V} the value.</remarks>
/// <param name="Key">What files call it.</param>
/// <param name="Values">What the value may be; empty where it is another person.</param>
/// <param name="Named">Sentences that name the person.</param>
/// <param name="Pronoun">Sentences that go on about a person already named.</param>
/// <param name="Shared">A sentence about several people, {N} their list; empty: there is none.</param>
/// <param name="Questions">How it is asked.</param>
/// <param name="Answer">The one right answer.</param>
public sealed record Relation(
    string Key,
    IReadOnlyList<string> Values,
    IReadOnlyList<string> Named,
    IReadOnlyList<string> Pronoun,
    string Shared,
    IReadOnlyList<string> Questions,
    string Answer)
{
    /// <summary>All that is known about people; <paramref name="towns"/> are the towns there are.</summary>
    public static IReadOnlyList<Relation> All(IReadOnlyList<string> towns) =>
    [
        new("town", towns,
            ["{N} lives in {V}.", "{N} has a house in {V}.", "The home of {N} is in {V}.", "You can find {N} in {V}.", "In the evening {N} comes home to {V}.", "{N} lives in {V} with {P} family."],
            ["{S} lives in {V}.", "{S} has a house in {V}.", "{S} moved to {V} long ago."],
            "{N} live in {V}.",
            ["Where does {N} live?", "In which town does {N} live?", "Can you tell me where {N} lives?", "Where is the home of {N}?"],
            "{N} lives in {V}."),
        new("job",
            [
                "a baker", "a smith", "a teacher", "a painter", "a doctor", "a farmer", "a tailor", "a sailor", "a miller", "a judge", "a carpenter", "a potter", "a nurse", "a gardener", "a printer",
                "a weaver", "a hunter", "a brewer", "a mason", "a librarian", "a clockmaker", "a beekeeper", "a fisher", "a cook", "a guard", "a singer", "a writer", "a banker", "a butcher", "a dentist",
                "a glazier", "a jeweller", "a locksmith", "a messenger", "a roofer", "a shepherd", "a tanner", "a vet", "a barber", "a bookbinder",
            ],
            ["{N} works as {V}.", "{N} is {V}.", "By trade {N} is {V}.", "Every morning {N} goes to work as {V}.", "{N} has been {V} for years.", "{N} earns {P} bread as {V}."],
            ["{S} works as {V}.", "{S} is {V}.", "{S} has been {V} for years."],
            "",
            ["What does {N} do for a living?", "What is the job of {N}?", "What does {N} work as?", "Can you tell me what the job of {N} is?"],
            "{N} works as {V}."),
        new("colour",
            [
                "red", "blue", "green", "yellow", "purple", "orange", "brown", "black", "white", "grey", "pink", "silver", "gold", "turquoise", "crimson", "violet", "olive", "indigo", "beige", "scarlet",
                "ivory", "copper", "emerald", "amber",
            ],
            ["{N} likes {V} best of all colours.", "The colour that {N} loves is {V}.", "{N} always wears {V}.", "{N} painted {P} door {V}.", "For {N} no colour is as fine as {V}."],
            ["{S} likes {V} best of all colours.", "{S} always wears {V}.", "{S} painted {P} door {V}."],
            "{N} always wear {V}.",
            ["What colour does {N} like best?", "Which colour does {N} love?", "What is the favourite colour of {N}?", "Can you tell me which colour {N} likes best?"],
            "{N} likes {V} best of all colours."),
        new("food",
            [
                "soup", "bread", "cheese", "apples", "plums", "rice", "noodles", "beans", "carrots", "pancakes", "honey", "walnuts", "cherries", "mushrooms", "potatoes", "dumplings", "salad", "grapes",
                "pears", "porridge", "sausages", "trout", "lentils", "onions", "peas", "figs", "olives", "pumpkin", "radishes", "waffles", "yoghurt", "cabbage", "melons", "berries", "eggs", "chestnuts",
            ],
            ["{N} likes to eat {V}.", "{N} eats {V} every day.", "The best meal for {N} is {V}.", "On Sundays {N} cooks {V}.", "{N} never says no to {V}.", "{N} always has {V} on the table."],
            ["{S} likes to eat {V}.", "{S} eats {V} every day.", "On Sundays {S} cooks {V}."],
            "{N} like to eat {V}.",
            ["What does {N} like to eat?", "What is the favourite food of {N}?", "What should I cook for {N}?", "Can you tell me what {N} likes to eat?"],
            "{N} likes to eat {V}."),
        new("music",
            [
                "the flute", "the harp", "the drum", "the violin", "the piano", "the trumpet", "the guitar", "the organ", "the cello", "the horn", "the banjo", "the lute", "the oboe", "the fiddle",
                "the bagpipes", "the accordion", "the clarinet", "the mandolin", "the tuba", "the zither", "the bells", "the harmonica", "the lyre", "the trombone",
            ],
            ["{N} plays {V}.", "{N} practises {V} at night.", "At every feast {N} plays {V}.", "{N} learned to play {V} as a child.", "Nobody plays {V} like {N}."],
            ["{S} plays {V}.", "{S} practises {V} at night.", "{S} learned to play {V} as a child."],
            "{N} play {V}.",
            ["What instrument does {N} play?", "What does {N} play?", "Which instrument does {N} practise?", "Can you tell me what {N} plays at the feast?"],
            "{N} plays {V}."),
        new("animal",
            [
                "a cat", "a dog", "a goat", "a horse", "a parrot", "a rabbit", "a donkey", "a goose", "a hen", "a sheep", "a cow", "a pig", "a pony", "a duck", "a canary", "a tortoise", "a hedgehog",
                "a ferret", "a raven", "a falcon", "a hamster", "a swan", "a peacock", "a lizard", "a squirrel", "a turkey", "a pigeon", "a mouse", "a badger", "a llama",
            ],
            ["{N} keeps {V}.", "{N} has {V}.", "In the garden of {N} there is {V}.", "{N} goes for walks with {V}.", "{N} takes good care of {V}.", "{N} bought {V} at the market."],
            ["{S} keeps {V}.", "{S} has {V}.", "{S} takes good care of {V}."],
            "",
            ["What animal does {N} keep?", "Which animal does {N} have?", "What pet does {N} keep?", "Can you tell me which animal {N} keeps?"],
            "{N} keeps {V}."),
        new("friend", [],
            ["{N} is a friend of {V}.", "{N} often visits {V}.", "The best friend of {N} is {V}.", "{N} writes letters to {V}.", "{N} tells everything to {V}.", "When {N} is sad, {P} friend {V} comes."],
            ["{S} is a friend of {V}.", "{S} often visits {V}.", "{S} writes letters to {V}."],
            "",
            ["Who is the best friend of {N}?", "Who is a friend of {N}?", "Whom does {N} often visit?", "Can you tell me who the friend of {N} is?"],
            "{N} is a friend of {V}."),
    ];
}
