using System.Globalization;
using System.Text.Json;
using Parquet.Data;
using Parquet.Schema;

namespace KernelTune.Data.Reading;

/// <summary>One column of values of a Parquet file, and how its levels make lists and objects (Melnik et al., 2010: Dremel).</summary>
/// <param name="Field">The column.</param>
/// <param name="Path">The fields from the row down to it.</param>
internal sealed record ParquetColumn(DataField Field, ParquetColumn.Step[] Path)
{
    /// <summary>A field on the way to a column.</summary>
    /// <param name="Name">Its name within the object above it; null for the entries of a list.</param>
    /// <param name="IsList">Whether its value is a list.</param>
    /// <param name="Null">It is null where the definition level is below this.</param>
    /// <param name="Entry">A list has an entry where the definition level is not below this.</param>
    /// <param name="Repeat">A list's next entry has this repetition level.</param>
    internal readonly record struct Step(string? Name, bool IsList, int Null, int Entry, int Repeat);

    /// <summary>The column; null for kinds that no example has a use for: maps, and bytes, which pictures are kept as.</summary>
    /// <exception cref="InvalidDataException">The schema contradicts itself.</exception>
    public static ParquetColumn? Of(DataField field, ParquetSchema schema)
    {
        if (field.ClrType == typeof(ReadOnlyMemory<byte>) || field.ClrType == typeof(byte[])) return null;
        var steps = new List<Step>();
        Field? at = schema.Fields.FirstOrDefault(f => f.Name == field.Path.FirstPart) ?? throw new InvalidDataException($"the column {field.Path} is not in the schema");
        string? name = at.Name;
        while (true)
        {
            switch (at)
            {
                case ListField list:
                    steps.Add(new Step(name, true, list.MaxDefinitionLevel - 1, list.MaxDefinitionLevel, list.MaxRepetitionLevel));
                    (at, name) = (list.Item, null);
                    continue;
                case StructField structure:
                    steps.Add(new Step(name, false, structure.MaxDefinitionLevel, 0, 0));
                    at = structure.Fields.FirstOrDefault(f => field.Path.ToList().Take(f.Path.Length).SequenceEqual(f.Path.ToList())) ?? throw new InvalidDataException($"the column {field.Path} is not in the schema");
                    name = at.Name;
                    continue;
                case DataField { IsArray: true }:
                    steps.Add(new Step(name, true, field.MaxDefinitionLevel - 1, field.MaxDefinitionLevel, field.MaxRepetitionLevel));
                    steps.Add(new Step(null, false, field.MaxDefinitionLevel, 0, 0));
                    return new ParquetColumn(field, [.. steps]);
                case DataField:
                    steps.Add(new Step(name, false, field.MaxDefinitionLevel, 0, 0));
                    return new ParquetColumn(field, [.. steps]);
                default:
                    return null;
            }
        }
    }

    /// <summary>Puts the column's values where they belong in <paramref name="rows"/>.</summary>
    public void AddTo(Dictionary<string, object?>[] rows, RawColumnData data)
    {
        Func<int, object?> value = ValuesOf(data);
        ReadOnlySpan<int> definitions = Field.MaxDefinitionLevel > 0 ? data.DefinitionLevels : default, repetitions = Field.MaxRepetitionLevel > 0 ? data.RepetitionLevels : default;
        int entries = Field.MaxDefinitionLevel > 0 ? definitions.Length : Field.MaxRepetitionLevel > 0 ? repetitions.Length : rows.Length, row = -1, next = 0;
        var indices = new int[Path.Length];
        for (int e = 0; e < entries; e++)
        {
            int repetition = repetitions.IsEmpty ? 0 : repetitions[e], definition = definitions.IsEmpty ? Field.MaxDefinitionLevel : definitions[e];
            if (repetition == 0) row++;
            if ((uint)row >= (uint)rows.Length) throw new InvalidDataException($"the column {Field.Path} has more rows than its group");
            for (int s = 0; s < Path.Length; s++)
            {
                if (!Path[s].IsList) continue;
                if (repetition < Path[s].Repeat) indices[s] = 0;
                else if (repetition == Path[s].Repeat) indices[s]++;
            }

            object? own = definition == Field.MaxDefinitionLevel ? value(next++) : null;
            Put(rows[row], definition, own, indices);
        }
    }

    public static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null: writer.WriteNullValue(); break;
            case string text: writer.WriteStringValue(text); break;
            case bool truth: writer.WriteBooleanValue(truth); break;
            case double number: if (double.IsFinite(number)) writer.WriteNumberValue(number); else writer.WriteStringValue(number.ToString(CultureInfo.InvariantCulture)); break;
            case long number: writer.WriteNumberValue(number); break;
            case List<object?> list:
                writer.WriteStartArray();
                foreach (object? entry in list) Write(writer, entry);
                writer.WriteEndArray();
                break;
            case Dictionary<string, object?> fields:
                writer.WriteStartObject();
                foreach (var (name, field) in fields)
                {
                    writer.WritePropertyName(name);
                    Write(writer, field);
                }

                writer.WriteEndObject();
                break;
            default: writer.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture)); break;
        }
    }

    /// <summary>Walks down from the row, making what is not there yet, as far as the definition level says that there is something.</summary>
    private void Put(Dictionary<string, object?> row, int definition, object? value, int[] indices)
    {
        object container = row;
        int index = 0;       // into the container, where it is a list
        for (int s = 0; s < Path.Length; s++)
        {
            Step step = Path[s];
            bool last = s == Path.Length - 1;
            if (definition < step.Null)
            {
                Slot(container, step.Name, index, () => null);
                return;
            }

            if (last && !step.IsList)
            {
                Slot(container, step.Name, index, () => value);
                return;
            }

            object inner = Slot(container, step.Name, index, () => step.IsList ? new List<object?>() : new Dictionary<string, object?>(StringComparer.Ordinal))
                ?? throw new InvalidDataException($"the column {Field.Path} has values where another column has none");
            if (step.IsList && definition < step.Entry) return;
            (container, index) = (inner, step.IsList ? indices[s] : 0);
        }
    }

    private static object? Slot(object container, string? name, int index, Func<object?> make)
    {
        if (container is Dictionary<string, object?> fields)
        {
            if (!fields.TryGetValue(name!, out object? there)) fields[name!] = there = make();
            return there;
        }

        var list = (List<object?>)container;
        if (index < list.Count) return list[index];
        if (index > list.Count) throw new InvalidDataException("the entries of a list do not follow one another");
        object? made = make();
        list.Add(made);
        return made;
    }

    private static Func<int, object?> ValuesOf(RawColumnData data) => data switch
    {
        RawColumnData<ReadOnlyMemory<char>> c => i => new string(c.Values[i].Span),
        RawColumnData<bool> c => i => c.Values[i],
        RawColumnData<int> c => i => (long)c.Values[i],
        RawColumnData<long> c => i => c.Values[i],
        RawColumnData<short> c => i => (long)c.Values[i],
        RawColumnData<sbyte> c => i => (long)c.Values[i],
        RawColumnData<byte> c => i => (long)c.Values[i],
        RawColumnData<ushort> c => i => (long)c.Values[i],
        RawColumnData<uint> c => i => (long)c.Values[i],
        RawColumnData<ulong> c => i => (double)c.Values[i],
        RawColumnData<float> c => i => (double)c.Values[i],
        RawColumnData<double> c => i => c.Values[i],
        RawColumnData<decimal> c => i => (double)c.Values[i],
        RawColumnData<DateTime> c => i => c.Values[i].ToString("O", CultureInfo.InvariantCulture),
        RawColumnData<DateOnly> c => i => c.Values[i].ToString("O", CultureInfo.InvariantCulture),
        RawColumnData<Guid> c => i => c.Values[i].ToString(),
        _ => _ => null,
    };
}
