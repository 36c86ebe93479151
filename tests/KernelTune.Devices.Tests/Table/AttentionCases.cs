using KernelTune.Devices.Calls;

namespace KernelTune.Devices.Tests.Table;

/// <summary>Attention and its gradient: each option alone, and sizes beside the edges of tiles.</summary>
internal static class AttentionCases
{
    private static readonly AttentionOptions Plain = new(0.3), Causal = new(0.3, Causality.BottomRight);

    public static IEnumerable<CallCase> All =>
    [
        .. Both("plain", new(2, 5, 6, 2, 2, 16, 16), Plain),
        .. Both("causal", new(2, 7, 7, 2, 2, 16, 16), Causal),
        .. Both("causal, longer keys", new(1, 5, 11, 2, 2, 16, 16), Causal),
        .. Both("causal, more queries than keys", new(1, 9, 5, 2, 2, 16, 16), Causal),
        .. Both("top left", new(1, 5, 9, 2, 2, 16, 16), new(0.3, Causality.TopLeft)),
        .. Both("top left, more queries", new(1, 9, 5, 2, 2, 16, 16), new(0.3, Causality.TopLeft, 2)),
        .. Both("one query", new(2, 1, 70, 4, 2, 64, 64), Causal),
        .. Both("one key", new(2, 5, 1, 2, 2, 16, 16), Plain),
        .. Both("grouped", new(2, 9, 9, 6, 2, 24, 24), Causal),
        .. Both("one key head", new(2, 9, 9, 4, 1, 16, 16), Causal),
        .. Both("values of another width", new(2, 5, 6, 2, 2, 16, 24), Plain),
        .. Both("narrow heads", new(1, 9, 9, 2, 1, 8, 8), Causal),
        .. Both("heads of 40", new(1, 17, 17, 2, 1, 40, 40), Causal),
        .. Both("heads of 128", new(1, 17, 17, 2, 1, 128, 128), Causal),
        .. Both("longer than a tile", new(1, 67, 131, 2, 1, 64, 64), Causal),
        .. Both("longer than several tiles", new(1, 300, 300, 1, 1, 32, 32), Causal),
        .. Both("window", new(1, 70, 70, 2, 2, 16, 16), new(0.3, Causality.BottomRight, 9)),
        .. Both("window of both sides", new(1, 13, 13, 2, 2, 16, 16), new(0.3, Causality.None, 2, 3)),
        .. Both("capped", new(2, 7, 7, 2, 2, 16, 16), new(0.3, Causality.BottomRight, Softcap: 2)),
        .. Both("keys padded", new(2, 6, 8, 2, 2, 16, 16), Plain, b => new(KeyMask: b.Integers(new Shape(2, 8), 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1))),
        .. Both("keys padded, an empty example", new(2, 3, 3, 2, 2, 16, 16), Causal, b => new(KeyMask: b.Integers(new Shape(2, 3), 0, 0, 0, 0, 1, 1))),
        .. Both("full mask", new(2, 2, 3, 2, 2, 16, 16), Plain, b => new(FullMask: b.Integers(new Shape(2, 1, 2, 3), 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 1, 1))),
        .. Both("bias a head", new(2, 5, 6, 2, 2, 16, 16), Plain, b => new(Bias: b.In(1, 2, 5, 6))),
        .. Both("bias an example", new(2, 5, 6, 2, 2, 16, 16), Plain, b => new(Bias: b.In(2, 1, 1, 6))),
        .. Both("slopes", new(2, 6, 9, 2, 2, 16, 16), Causal, b => new(Slopes: b.Given(new Shape(2), 0.5, 0.25))),
        .. Both("sinks", new(2, 7, 7, 2, 1, 16, 16), Causal, b => new(Sinks: b.In(2))),
        .. Both("packed", new(1, 9, 9, 2, 2, 16, 16), Plain, Packed),
        .. Both("packed and causal", new(1, 9, 9, 2, 1, 16, 16), Causal, Packed),
        .. Both("packed, window", new(1, 9, 9, 2, 2, 16, 16), new(0.3, Causality.BottomRight, 1), Packed),
        .. Both("packed, other keys", new(1, 9, 8, 2, 2, 16, 16), Causal, b => new(CuSeqlensQ: b.Integers(new Shape(4), 0, 4, 4, 9), CuSeqlensK: b.Integers(new Shape(4), 0, 2, 3, 8))),
        .. Both("many packed", new(1, 150, 150, 2, 1, 32, 32), Causal, b =>
        {
            var starts = b.Integers(new Shape(5), 0, 1, 66, 70, 150);
            return new(CuSeqlensQ: starts, CuSeqlensK: starts);
        }),
        .. Both("tiles, key mask", Tiles, Causal, b => new(KeyMask: Mask(b, 2, 75))),
        .. Both("tiles, nothing visible", Tiles, Plain, b => new(KeyMask: b.Integers(new Shape(2, 75), new long[150]))),
        .. Both("tiles, full mask", Tiles, Plain, b => new(FullMask: Mask(b, 1, 1, 70, 75))),
        .. Both("tiles, bias and sinks", Tiles, Plain, b => new(Bias: b.In(1, 6, 70, 75), Sinks: b.In(6))),
        .. Both("tiles, sinks", Tiles, Causal, b => new(Sinks: b.In(6))),
        .. Both("tiles, slopes and window", Tiles, new(0.3, Causality.BottomRight, 20), b => new(Slopes: b.Between(0.1, 0.5, 6))),
        .. Both("tiles, capped", Tiles, new(0.3, Causality.BottomRight, Softcap: 2)),
        .. Both("tiles, top left", Tiles, new(0.3, Causality.TopLeft, 30)),
        .. Both("tiles, window of both sides", Tiles, new(0.3, Causality.None, 9, 12)),
        .. Both("tiles, wide values", new(2, 70, 75, 6, 2, 24, 48), Causal),
        .. Both("tiles, packed", new(1, 70, 75, 6, 2, 24, 24), Causal, b => new(CuSeqlensQ: b.Integers(new Shape(5), 0, 3, 40, 40, 70), CuSeqlensK: b.Integers(new Shape(5), 0, 5, 41, 42, 75))),
        new(typeof(AttentionGradCall), "queries alone", b => Gradient(b, new(2, 7, 7, 4, 2, 16, 16), Causal, default, wants: "q")),
        new(typeof(AttentionGradCall), "keys and values alone", b => Gradient(b, new(2, 7, 7, 4, 2, 16, 16), Causal, default, wants: "kv")),
        new(typeof(AttentionCall), "heads before positions", b => b.Run(new AttentionCall(b.In(2, 4, 7, 16).Transpose(1, 2), b.In(2, 2, 7, 16).Transpose(1, 2), b.In(2, 2, 7, 16).Transpose(1, 2),
            b.Out(2, 4, 7, 16).Transpose(1, 2), b.Out(2, 4, 7), Causal, default))),
    ];

    // Beside the edges of tiles, three heads to a key head.
    private static readonly Sizes Tiles = new(2, 70, 75, 6, 2, 24, 24);

    private sealed record Sizes(int B, int Tq, int Tk, int H, int Hkv, int D, int Dv);

    private static IEnumerable<CallCase> Both(string name, Sizes s, AttentionOptions options, Func<CallBench, AttentionMasks>? masks = null) =>
    [
        new(typeof(AttentionCall), name, b =>
        {
            var (q, k, v) = Inputs(b, s);
            b.Run(new AttentionCall(q, k, v, b.Out(s.B, s.Tq, s.H, s.Dv), b.Out(s.B, s.H, s.Tq), options, masks?.Invoke(b) ?? default));
        }),
        new(typeof(AttentionGradCall), name, b => Gradient(b, s, options, masks?.Invoke(b) ?? default, "qkv")),
    ];

    private static void Gradient(CallBench b, Sizes s, AttentionOptions options, AttentionMasks masks, string wants)
    {
        var (q, k, v) = Inputs(b, s);
        var (y, lse) = (b.Out(s.B, s.Tq, s.H, s.Dv), b.Out(s.B, s.H, s.Tq));
        b.Device.Run(new AttentionCall(q, k, v, y, lse, options, masks));
        bool wantsQ = wants.Contains('q'), wantsKeys = wants.Contains('k');
        b.Run(new AttentionGradCall(q, k, v, y, lse, b.In(s.B, s.Tq, s.H, s.Dv), wantsQ ? b.Out(s.B, s.Tq, s.H, s.D) : default,
            wantsKeys ? b.Out(s.B, s.Tk, s.Hkv, s.D) : default, wantsKeys ? b.Out(s.B, s.Tk, s.Hkv, s.Dv) : default, options, masks,
            masks.Bias.Exists ? b.Out(masks.Bias.Shape.ToArray()) : default, masks.Sinks.Exists ? b.Out(masks.Sinks.Shape.ToArray()) : default));
    }

    private static (View Q, View K, View V) Inputs(CallBench b, Sizes s) => (b.In(s.B, s.Tq, s.H, s.D), b.In(s.B, s.Tk, s.Hkv, s.D), b.In(s.B, s.Tk, s.Hkv, s.Dv));

    // Two of three are visible.
    private static View Mask(CallBench b, params int[] shape) =>
        b.Integers(new Shape(shape), [.. Enumerable.Range(0, shape.Aggregate(1, (product, n) => product * n)).Select(i => i * 2654435761 % 1000 < 667 ? 1L : 0)]);

    // Of four sequences the second is empty.
    private static AttentionMasks Packed(CallBench b)
    {
        var starts = b.Integers(new Shape(5), 0, 3, 3, 4, 9);
        return new(CuSeqlensQ: starts, CuSeqlensK: starts);
    }
}
