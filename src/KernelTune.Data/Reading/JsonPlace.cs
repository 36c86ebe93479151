using System.Text.Json;

namespace KernelTune.Data.Reading;

/// <summary>Finds where a value stands in a JSON text, for messages.</summary>
internal static class JsonPlace
{
    /// <summary>The byte at which the value begins that <paramref name="place"/> (property names and list indices) leads to; 0 if there is none.</summary>
    public static int Offset(ReadOnlySpan<byte> json, ReadOnlySpan<object> place)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 64 });
        if (!reader.Read()) return 0;
        foreach (object step in place)
        {
            if (step is string name)
            {
                if (reader.TokenType != JsonTokenType.StartObject) return 0;
                while (true)
                {
                    reader.Read();
                    if (reader.TokenType != JsonTokenType.PropertyName) return 0;
                    bool found = reader.ValueTextEquals(name);
                    reader.Read();
                    if (found) break;
                    reader.Skip();
                }
            }
            else
            {
                if (reader.TokenType != JsonTokenType.StartArray) return 0;
                reader.Read();
                for (int i = 0; i < (int)step; i++)
                {
                    reader.Skip();
                    reader.Read();
                }
            }
        }

        return (int)reader.TokenStartIndex;
    }
}
