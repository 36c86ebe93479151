using KernelTune.Data.Reading;

namespace KernelTune.Data;

/// <summary>Examples out of a file of any kind, one at a time.</summary>
public static class ExampleFile
{
    /// <summary>
    /// The examples of <paramref name="path"/> in the file's order; what the file is, is told from its content. <paramref name="account"/> is filled in on the way and complete at the end.
    /// </summary>
    /// <exception cref="DataException">
    /// The file cannot be read, is of no kind that is known, or holds no example; a record is too long, not UTF-8, not valid, or lacks what its format needs (unless SkipBad).
    /// </exception>
    public static IEnumerable<Example> Read(string path, ReadOptions options, ReadAccount account)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(account);
        return Examples(path, options, account);
    }

    private static IEnumerable<Example> Examples(string path, ReadOptions options, ReadAccount account)
    {
        using RecordReader reader = FileDetection.Open(path, options);
        account.Kind = reader.Kind;
        account.Format = options.Format;
        if (options.Format != ExampleFormat.Auto) account.FormatReason = "the recipe says so";
        RowShape? shape = null;
        ExampleRange rows = options.Rows ?? new ExampleRange(0, null);
        long number = 0;
        while ((rows.End is not { } end || number < end) && reader.TryRead(out Record record))
        {
            account.Lines++;
            account.Kind = reader.Kind;
            Example? example = Parse(path, record, ref shape, options, account);
            if (example is null) continue;
            if (number++ < rows.Start) continue;
            account.Examples++;
            yield return example;
        }

        account.Lines += reader.BlankLines;
        account.BlankLines = reader.BlankLines;
        if (account.Examples > 0) yield break;
        throw new DataException(path, number > 0
            ? $"{number} examples were found, rows {rows} leave none of them"
            : account.Skipped > 0 ? $"all {account.Skipped} rows were skipped as bad (the first: {account.Messages[0]})" : "the file is empty, at least one row wanted");
    }

    private static Example? Parse(string path, Record record, ref RowShape? shape, ReadOptions options, ReadAccount account)
    {
        try
        {
            if (record.Problem is not null) throw record.Problem;
            var row = ChatMarkup.Of(record.Row, renamesRoles: true);
            if (shape is null)
            {
                RowShape found = RowShape.Of(path, row, record.Place, options.Format, options.Columns);
                shape = found;
                account.Format = found.Format;
                account.Columns = found.Used;
                account.Unused = [.. row.EnumerateObject().Select(p => p.Name).Where(n => !found.Used.Contains(n))];
                if (options.Format == ExampleFormat.Auto) account.FormatReason = shape.Reason;
            }

            Example example = RowParser.Parse(new RowFields(path, row, record.Place, shape.Columns), shape.Format);
            return record.Place.Unit == example.Unit ? example : example with { Unit = record.Place.Unit };
        }
        catch (DataException e) when (options.SkipBad)
        {
            account.Skipped++;
            if (account.Messages.Count < 10) account.Messages.Add(e.Message);
            return null;
        }
    }
}
