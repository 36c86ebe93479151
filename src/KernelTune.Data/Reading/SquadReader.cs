using System.Text.Json;

namespace KernelTune.Data.Reading;

/// <summary>SQuAD's JSON (Rajpurkar et al., 2016; 2018): articles of paragraphs of questions, as rows of <c>id</c>, <c>title</c>, <c>context</c>, <c>question</c> and <c>answers</c>.</summary>
internal sealed class SquadReader(string path, int longestArticle) : RecordReader
{
    private readonly JsonListReader _articles = new(path, "data", longestArticle);
    private readonly Queue<Record> _rows = new();
    private long _questions;

    public override string Kind => "SQuAD's JSON";

    public override bool TryRead(out Record record)
    {
        while (!_rows.TryDequeue(out record))
        {
            if (!_articles.TryRead(out Record article)) return false;
            if (article.Problem is not null) _rows.Enqueue(article);
            else Flatten(article);
        }

        return true;
    }

    protected override void Close() => _articles.Dispose();

    private void Flatten(Record article)
    {
        try
        {
            foreach (JsonElement paragraph in List(article.Row, "paragraphs", article.Place))
            {
                if (paragraph.ValueKind != JsonValueKind.Object) throw Wrong(article.Place, "a paragraph", "an object", paragraph);
                foreach (JsonElement question in List(paragraph, "qas", article.Place))
                {
                    if (question.ValueKind != JsonValueKind.Object) throw Wrong(article.Place, "a question", "an object", question);
                    _rows.Enqueue(new Record(new Place(++_questions, "question"), RecordJson.Make(writer =>
                    {
                        if (article.Row.TryGetProperty("title", out JsonElement title)) Write(writer, "title", title);
                        if (paragraph.TryGetProperty("context", out JsonElement context)) Write(writer, "context", context);
                        foreach (JsonProperty field in question.EnumerateObject())
                            if (field.Name is "id" or "question" or "answers") Write(writer, field.Name, field.Value);
                    })));
                }
            }
        }
        catch (DataException e)
        {
            _rows.Enqueue(new Record(article.Place, default, e));
        }
    }

    private static void Write(Utf8JsonWriter writer, string name, JsonElement value)
    {
        writer.WritePropertyName(name);
        value.WriteTo(writer);
    }

    private JsonElement.ArrayEnumerator List(JsonElement of, string name, Place place) => !of.TryGetProperty(name, out JsonElement list)
        ? throw new DataException(path, $"{name} is missing, a list wanted", place.Number, unit: place.Unit)
        : list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : throw Wrong(place, name, "a list", list);

    private DataException Wrong(Place place, string what, string wanted, JsonElement found) =>
        new(path, $"{what} is {RecordJson.Kind(found)}, {wanted} wanted", place.Number, unit: place.Unit);
}
