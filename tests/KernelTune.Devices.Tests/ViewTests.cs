using FsCheck;
using FsCheck.Fluent;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests;

/// <summary>Views against a naive map from each element to its place in the block, over random chains of operations.</summary>
public sealed class ViewTests
{
    // A property's random numbers choose the shape and what is done to it.
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(14);

    private ReferenceDevice device = null!;
    private Block block = null!;

    [OneTimeSetUp]
    public void Take_a_block()
    {
        device = new ReferenceDevice();
        block = device.Allocate(new Shape(4096), DType.F64, Category.Activations).Block;
    }

    [OneTimeTearDown]
    public void Give_it_back()
    {
        block.Release();
        Assert.That(device.Outstanding, Is.Zero);
        device.Dispose();
    }

    [Test]
    public void Chains_of_views_agree_with_an_index_map() => Prop.ForAll<int[]>(choices =>
    {
        var (view, map) = Chain(choices);
        return map.Equals(view);
    }).Check(Many);

    [Test]
    public void Density_is_what_the_places_say() => Prop.ForAll<int[]>(choices =>
    {
        var (view, map) = Chain(choices);
        bool dense = map.Places.SequenceEqual(Enumerable.Range(0, map.Places.Length).Select(i => view.Offset + i));
        return view.IsDense == dense;
    }).Check(Many);

    [Test]
    public void A_reshape_succeeds_exactly_where_the_elements_are_evenly_spaced() => Prop.ForAll<int[], int>((choices, seed) =>
    {
        var (view, map) = Chain(choices);
        var shape = Regrouped(view.Shape, seed);
        bool without = view.TryReshape(shape, out var result);
        var expected = new IndexMap(shape.ToArray(), map.Places);
        return without ? expected.Equals(result) : !expected.IsEven();
    }).Check(Many);

    [Test]
    public void A_matrix_has_the_rows_that_it_says() => Prop.ForAll<int[]>(choices =>
    {
        var (view, map) = Chain(choices);
        if (view.Rank == 0 || view.Elements == 0 || !view.TryMatrix(out long rows, out long leading))
            return true;
        int columns = view.Shape[^1];
        return rows * columns == map.Places.Length
            && Enumerable.Range(0, map.Places.Length).All(i => map.Places[i] == view.Offset + (i / columns * leading) + (i % columns * (columns == 1 ? 0 : view.Stride(-1))));
    }).Check(Many);

    [Test]
    public void Places_of_a_scalar_and_of_nothing()
    {
        var scalar = new View(block, DType.F64, new Shape());
        var nothing = new View(block, DType.F64, new Shape(3, 0, 2));
        using (Assert.EnterMultipleScope())
        {
            Assert.That((scalar.Elements, scalar.Rank, scalar.IsDense), Is.EqualTo((1L, 0, true)));
            Assert.That((nothing.Elements, nothing.Bytes, nothing.Transpose(0, 2).IsDense), Is.EqualTo((0L, 0L, true)));
            Assert.That(nothing.Reshape(new Shape(0, 7)).Shape, Is.EqualTo(new Shape(0, 7)));
            Assert.That(scalar.Reshape(new Shape(1, 1)).Shape, Is.EqualTo(new Shape(1, 1)));
        }
    }

    [Test]
    public void What_does_not_fit_is_refused_with_its_shape()
    {
        var view = new View(block, DType.F64, new Shape(2, 3));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Message(() => view.Slice(1, 2, 2)), Is.EqualTo("[slice] [2, 4) of axis 1 of [2, 3]"));
            Assert.That(Message(() => view.Permute(0, 0)), Is.EqualTo("[permute] an axis of [2, 3] is named twice"));
            Assert.That(Message(() => view.Permute(0)), Is.EqualTo("[permute] 1 axes named for [2, 3]"));
            Assert.That(Message(() => view.Broadcast(new Shape(2, 4))), Is.EqualTo("[broadcast] [2, 3] to [2, 4]"));
            Assert.That(Message(() => view.Reshape(new Shape(4))), Is.EqualTo("[reshape] [2, 3] has 6 elements, [4] has 4"));
            Assert.That(Message(() => view.Transpose(0, 1).Reshape(new Shape(6))), Is.EqualTo("[reshape] F64[3, 2] strides (1, 3) to [6] needs a copy"));
            Assert.That(Message(() => Shape.Broadcast(new Shape(2, 3), new Shape(2), "add")), Is.EqualTo("[add] [2, 3] and [2] do not broadcast: 3 against 2"));
            Assert.That(Message(() => _ = new Shape(1, 2, 3, 4, 5, 6, 7)), Is.EqualTo("[shape] 7 axes; at most 6 are supported"));
            Assert.That(Message(() => _ = new Shape(1, -2)), Is.EqualTo("[shape] axis 1 has length -2"));
        }
    }

    private static string Message(Action action) => Assert.Throws<ShapeException>(() => action())!.Message;

    private (View View, IndexMap Map) Chain(int[] choices)
    {
        var random = new Choices(choices);
        int[] shape = [.. Enumerable.Range(0, random.Next(5)).Select(_ => 1 + random.Next(4))];
        var view = new View(block, DType.F64, new Shape(shape), random.Next(3));
        var map = IndexMap.Dense(shape, view.Offset);
        int steps = random.Next(6);
        for (int i = 0; i < steps; i++)
            (view, map) = Step(view, map, random);
        return (view, map);
    }

    private static (View View, IndexMap Map) Step(View view, IndexMap map, Choices random)
    {
        int rank = view.Rank;
        int what = random.Next(6);
        if (what == 0)
        {
            int[] order = random.Permutation(rank);
            return (view.Permute(order), map.Permute(order));
        }
        if (what == 1 && rank > 0)
        {
            int axis = random.Next(rank), start = random.Next(view.Shape[axis]), length = 1 + random.Next(view.Shape[axis] - start);
            return (view.Slice(axis, start, length), map.Slice(axis, start, length));
        }
        if (what == 2 && rank > 0)
        {
            int axis = random.Next(rank), index = random.Next(view.Shape[axis]);
            return (view.Select(axis, index), map.Slice(axis, index, 1).With(view.Shape.Without(axis)));
        }
        if (what == 3 && rank < Shape.MaxRank)
        {
            int axis = random.Next(rank + 1);
            var wider = view.Unsqueeze(axis);
            return (wider, map.With(wider.Shape));
        }
        if (what == 4 && rank < Shape.MaxRank - 1)
        {
            int[] lengths = [1 + random.Next(2), .. view.Shape.ToArray().Select(n => n == 1 ? 1 + random.Next(3) : n)];
            return (view.Broadcast(new Shape(lengths)), map.Broadcast(lengths));
        }
        var regrouped = Regrouped(view.Shape, random.Next(1000));
        return view.TryReshape(regrouped, out var reshaped) ? (reshaped, map.With(regrouped)) : (view, map);
    }

    // The same number of elements in other axes: prime factors in order, dealt out anew.
    private static Shape Regrouped(Shape shape, int seed)
    {
        var random = new System.Random(seed);
        List<int> lengths = [];
        int open = 1;
        foreach (int n in shape.ToArray())
        {
            for (int rest = n, f = 2; rest > 1; f++)
            {
                for (; rest % f == 0; rest /= f)
                {
                    open *= f;
                    if (lengths.Count < Shape.MaxRank - 1 && random.Next(2) == 0)
                    {
                        lengths.Add(open);
                        open = 1;
                    }
                }
            }
        }
        if (open > 1 || random.Next(4) == 0)
            lengths.Add(open);
        return new Shape([.. lengths]);
    }

    private sealed class Choices(int[] numbers)
    {
        private int at;

        public int Next(int below) => below <= 1 ? 0 : (int)((uint)(at < numbers.Length ? numbers[at++] : 0) % (uint)below);

        public int[] Permutation(int n)
        {
            int[] order = [.. Enumerable.Range(0, n)];
            for (int i = n - 1; i > 0; i--)
            {
                int j = Next(i + 1);
                (order[i], order[j]) = (order[j], order[i]);
            }
            return order;
        }
    }
}
