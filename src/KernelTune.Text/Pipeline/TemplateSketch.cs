using System.Globalization;

namespace KernelTune.Text.Pipeline;

/// <summary>A TemplateProcessing that is to be written. A place is written as the library's own short form has it: "$A", "$B:1", "[SEP]", "[SEP]:1"; the number is the segment.</summary>
internal static class TemplateSketch
{
    /// <summary>The tokens before and after each text, and whether there are such.</summary>
    public static (string? Json, bool Begins, bool Ends) Around(AddedToken? begin, AddedToken? end)
    {
        if (begin is null && end is null) return default;
        string[] Place(string sequence, string type) => [.. new[] { begin?.Content, sequence, end?.Content }.OfType<string>().Select(p => p + type)];
        return (Json(Place("$A", ""), [.. Place("$A", ""), .. Place("$B", ":1")], new[] { begin, end }.OfType<AddedToken>()), begin is not null, end is not null);
    }

    public static string Json(IReadOnlyList<string> single, IReadOnlyList<string> pair, IEnumerable<AddedToken> special)
    {
        var used = single.Concat(pair).Select(p => Split(p).Name).Where(n => n is not ("$A" or "$B")).ToHashSet(StringComparer.Ordinal);
        string tokens = string.Join(',', special.Where(t => used.Contains(t.Content)).DistinctBy(t => t.Content)
            .Select(t => string.Create(CultureInfo.InvariantCulture, $$"""{{TokenizerSketch.Quoted(t.Content)}}:{"id":{{TokenizerSketch.Quoted(t.Content)}},"ids":[{{t.Id}}],"tokens":[{{TokenizerSketch.Quoted(t.Content)}}] }""")));
        return $$$"""{"type":"TemplateProcessing","single":[{{{string.Join(',', single.Select(Place))}}}],"pair":[{{{string.Join(',', pair.Select(Place))}}}],"special_tokens":{""" + tokens + "}}";
    }

    private static string Place(string place)
    {
        var (name, type) = Split(place);
        return name is "$A" or "$B" ? $$"""{"Sequence":{"id":"{{name[1]}}","type_id":{{type}} } }""" : $$"""{"SpecialToken":{"id":{{TokenizerSketch.Quoted(name)}},"type_id":{{type}} } }""";
    }

    private static (string Name, char Type) Split(string place) => place.Length > 2 && place[^2] == ':' && char.IsAsciiDigit(place[^1]) ? (place[..^2], place[^1]) : (place, '0');
}
