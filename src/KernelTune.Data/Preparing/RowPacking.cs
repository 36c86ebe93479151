namespace KernelTune.Data;

/// <summary>Several examples in one row of at most max_length tokens, as TRL's pack_dataset does: 1000 examples at a time.</summary>
public static class RowPacking
{
    private const int ExamplesAtATime = 1000;

    /// <summary>Packed rows. BestFit and BestFitSplit give each row the lengths of the examples in it; Wrapped keeps no boundaries.</summary>
    public static IEnumerable<TokenRow> Pack(IEnumerable<TokenRow> rows, int maxLength, Packing packing)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        foreach (TokenRow[] some in rows.Chunk(ExamplesAtATime))
        {
            IEnumerable<TokenRow> packed = packing switch
            {
                Packing.BestFit => BestFit(some.Select(r => Part(r, 0, Math.Min(r.Ids.Length, maxLength))), maxLength),
                Packing.BestFitSplit => BestFit(some.SelectMany(r => Cut(r, maxLength)), maxLength),
                Packing.Wrapped => Wrapped(some, maxLength),
                _ => some,
            };
            foreach (TokenRow row in packed) yield return row;
        }
    }

    /// <summary>Everything joined and cut to rows of <paramref name="blockSize"/>; the short rest is dropped.</summary>
    public static IEnumerable<TokenRow> Blocks(IEnumerable<TokenRow> rows, int blockSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockSize, 1);
        int[] ids = rows.SelectMany(r => r.Ids).ToArray();
        for (int i = 0; i + blockSize <= ids.Length; i += blockSize)
            yield return new TokenRow(0, ids[i..(i + blockSize)], ids[i..(i + blockSize)]);
    }

    /// <summary>
    /// Best fit decreasing (Ding et al., 2024): examples by falling length, equal ones in their order, each into the open row with the least room that still
    /// holds it, of those the row that came to that room first; empty examples are left out.
    /// </summary>
    private static IEnumerable<TokenRow> BestFit(IEnumerable<TokenRow> examples, int maxLength)
    {
        TokenRow[] sorted = [.. examples.Where(e => e.Ids.Length > 0).OrderByDescending(e => e.Ids.Length)];
        var bins = new List<List<TokenRow>>();
        var byRoom = new Dictionary<int, Queue<int>>();
        var rooms = new SortedSet<int>();
        foreach (TokenRow example in sorted)
        {
            int length = example.Ids.Length, room = maxLength, bin;
            using (SortedSet<int>.Enumerator fitting = rooms.GetViewBetween(length, maxLength).GetEnumerator())
            {
                if (fitting.MoveNext()) room = fitting.Current;
            }

            if (room < maxLength)
            {
                bin = byRoom[room].Dequeue();
                if (byRoom[room].Count == 0) rooms.Remove(room);
            }
            else
            {
                bin = bins.Count;
                bins.Add([]);
            }

            bins[bin].Add(example);
            room -= length;
            if (room == 0) continue;
            if (!byRoom.TryGetValue(room, out Queue<int>? queue)) byRoom[room] = queue = new Queue<int>();
            queue.Enqueue(bin);
            rooms.Add(room);
        }

        return bins.Select(b => new TokenRow(
            b.Count == 1 ? b[0].Line : 0,
            [.. b.SelectMany(e => e.Ids)],
            [.. b.SelectMany(e => e.Labels)],
            [.. b.Select(e => e.Ids.Length)]));
    }

    private static IEnumerable<TokenRow> Cut(TokenRow row, int maxLength)
    {
        for (int i = 0; i < row.Ids.Length; i += maxLength) yield return Part(row, i, Math.Min(row.Ids.Length, i + maxLength));
    }

    private static IEnumerable<TokenRow> Wrapped(TokenRow[] rows, int maxLength)
    {
        int[] ids = [.. rows.SelectMany(r => r.Ids)], labels = [.. rows.SelectMany(r => r.Labels)];
        for (int i = 0; i < ids.Length; i += maxLength)
        {
            int end = Math.Min(ids.Length, i + maxLength);
            yield return new TokenRow(0, ids[i..end], labels[i..end]);
        }
    }

    private static TokenRow Part(TokenRow row, int start, int end) =>
        start == 0 && end == row.Ids.Length ? row : new TokenRow(row.Line, row.Ids[start..end], row.Labels[start..end]);
}
