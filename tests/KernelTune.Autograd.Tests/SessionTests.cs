using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd.Tests;

/// <summary>Scopes, the tape, the guard of what it saved, several sessions over one base.</summary>
public sealed class SessionTests
{
    private ReferenceDevice device = null!;

    [SetUp]
    public void Make_a_device() => device = new ReferenceDevice();

    [TearDown]
    public void Nothing_is_left()
    {
        Assert.That(device.Outstanding, Is.Zero, "bytes that did not come back");
        device.Dispose();
    }

    [Test]
    public void Writing_what_the_tape_saved_throws_and_names_both_operations()
    {
        using var w = Weight("w", 2, 3);
        using var store = new GradientStore(device, [w]);
        using var session = new Session(device, store);
        var x = session.Upload<float>([1, 2, 3], new Shape(3), session.Real);
        MatMul.Apply(Leaf.Apply(session, w), x);
        var inPlace = Assert.Throws<InvalidOperationException>(() => x.View.Block.GuardWrite("kv_append"))!;
        Assert.That(inPlace.Message, Is.EqualTo("[kv_append] would overwrite a tensor that the backward of matmul still needs"));
        var upload = Assert.Throws<InvalidOperationException>(() => device.Write<float>(x.View, [0, 0, 0]))!;
        Assert.That(upload.Message, Does.Contain("[write]").And.Contain("matmul"));
        session.Forget();
        device.Write<float>(x.View, [4, 5, 6]);
        Assert.That(Read(x.View), Is.EqualTo(new[] { 4, 5, 6 }), "after the tape is gone it may be written");
    }

    [Test]
    public void An_operation_without_a_gradient_throws_naming_itself()
    {
        using var w = Weight("w", 3);
        using var store = new GradientStore(device, [w]);
        using var session = new Session(device, store);
        var x = Leaf.Apply(session, w);
        var y = session.New(new Shape(3));
        var e = Assert.Throws<InvalidOperationException>(() => session.Record("arg_max", y, [x], null))!;
        Assert.That(e.Message, Is.EqualTo("[arg_max] has no gradient"));
        var constant = session.New(new Shape(3));
        Assert.That(session.Record("arg_max", y, [constant], null), Is.SameAs(y), "no gradient is asked of it there");
    }

    [Test]
    public void Two_sessions_share_one_base_and_train_different_parameters()
    {
        using var shared = Weight("base", 2, 3);
        shared.Trainable = false;
        using var first = Weight("first", 3, 3);
        using var second = Weight("second", 3, 3);
        using var storeOfFirst = new GradientStore(device, [first]);
        using var storeOfSecond = new GradientStore(device, [second]);
        using var one = new Session(device, storeOfFirst) { Seed = 1 };
        using var two = new Session(device, storeOfSecond) { Seed = 2 };
        using var plain = new Session(device);

        // Interleaved: neither tape sees the other's operations.
        var (ya, yb) = (Forward(one, first), Forward(two, second));
        int taped = one.TapeLength;
        var yc = Forward(plain, first);
        Assert.That(one.TapeLength, Is.EqualTo(taped));
        Assert.That(plain.TapeLength, Is.Zero, "a session that trains nothing records nothing");
        Assert.That(Read(yc.View), Is.EqualTo(Read(ya.View)));
        one.Backward(ya);
        Assert.That(storeOfFirst.Reached(first), Is.True);
        Assert.That(storeOfSecond.Reached(second), Is.False);
        two.Backward(yb);
        Assert.That(storeOfSecond.Reached(second), Is.True);
        Assert.That(storeOfFirst.Contains(shared) || storeOfSecond.Contains(shared), Is.False);

        Tensor Forward(Session session, Parameter own)
        {
            var x = session.Upload<float>([1, -2, 0.5f, 0.25f, 3, -1], new Shape(2, 3), session.Real);
            var hidden = LinearOp.Apply(LinearOp.Apply(x, own, null), shared, null);
            var squares = Unary.Apply<Square>(hidden);
            return Reshape.Apply(Slice.Apply(Slice.Apply(squares, 0, 0, 1), 1, 0, 1), new Shape());
        }
    }

    [Test]
    public void Gradients_accumulate_over_a_window_and_clear_begins_a_new_one()
    {
        using var w = Weight("w", 2, 3);
        using var store = new GradientStore(device, [w]);
        using var session = new Session(device, store);
        Step();
        double[] once = Read(store.Of(w));
        Step();
        Assert.That(Read(store.Of(w)), Is.EqualTo(once.Select(g => 2 * g)).Within(1e-12));
        store.Clear();
        Assert.That(store.Reached(w), Is.False);
        Step();
        Assert.That(Read(store.Of(w)), Is.EqualTo(once));

        void Step()
        {
            using var scope = session.Enter();
            var x = session.Upload<float>([1, 2, 3], new Shape(3), session.Real);
            var y = Unary.Apply<Square>(LinearOp.Apply(x, w, null));
            session.Backward([y], [session.Upload<float>([1, 1], new Shape(2), session.Real)]);
        }
    }

    [Test]
    public void A_scope_gives_back_what_was_made_in_it_and_the_tape_what_it_saved()
    {
        using var w = Weight("w", 64);
        using var store = new GradientStore(device, [w]);
        using var session = new Session(device, store);
        long before = device.Outstanding;
        var scope = session.Enter("layer");
        Assert.That(session.Path, Is.EqualTo("layer"));
        var y = Unary.Apply<Silu>(Unary.Apply<Tanh>(Leaf.Apply(session, w)));
        Assert.That(device.Outstanding - before, Is.EqualTo(2 * 64 * 8));
        scope.Dispose();
        Assert.That(session.Path, Is.Empty);
        Assert.That(device.Outstanding - before, Is.EqualTo(64 * 8), "tanh's output is kept: the backward of silu reads it; silu's own is not");
        session.Forget();
        Assert.That(device.Outstanding, Is.EqualTo(before));
        Assert.That(y.RequiresGrad, Is.False);
    }

    [Test]
    public void A_frozen_weight_costs_no_gradient_product()
    {
        using var w = Weight("w", 4, 3);
        w.Trainable = false;
        using var x = Weight("x", 2, 3);
        using var store = new GradientStore(device, [x]);
        using var session = new Session(device, store);
        var calls = new CallNames();
        device.CallObserver = calls;
        var y = LinearOp.Apply(Leaf.Apply(session, x), w, null);
        session.Backward([y], [session.Upload<float>(new float[8], y.Shape, session.Real)]);
        Assert.That(calls.Names, Is.EqualTo(new[] { "linear", "matmul", "linear_grad_input", "matmul", "copy" }), "forward, then dX and its way to the parameter: no dW");
    }

    [Test]
    public void Exceptions_in_a_backward_leave_nothing_behind()
    {
        using var w = Weight("w", 3);
        using var store = new GradientStore(device, [w]);
        using var session = new Session(device, store);
        var y = Unary.Apply<Square>(Leaf.Apply(session, w));
        var wrong = session.New(new Shape(4));
        var e = Assert.Throws<ShapeException>(() => session.Backward([y], [wrong]))!;
        Assert.That(e.Message, Is.EqualTo("[backward] gradient [4] of an output [3]"));
        Assert.That(session.TapeLength, Is.Zero);
        Assert.That(session.Phase, Is.EqualTo(Phase.Forward));
    }

    [Test]
    public void Shapes_that_do_not_fit_are_refused_with_both_shapes()
    {
        using var session = new Session(device);
        var (a, b) = (session.New(new Shape(2, 3)), session.New(new Shape(4, 5)));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Message(() => Binary.Apply<Add>(a, b)), Is.EqualTo("[Add] [2, 3] and [4, 5] do not broadcast: 2 against 4"));
            Assert.That(Message(() => MatMul.Apply(a, b)), Is.EqualTo("[matmul] [2, 3] times [4, 5]: inner lengths 3 and 4"));
            Assert.That(Message(() => RmsNormOp.Apply(a, b, 1e-6)), Is.EqualTo("[rms_norm] weight [4, 5] must be [3], the last axis of x [2, 3]"));
            Assert.That(Message(() => AttentionOp.Apply(a, b, b, new AttentionOptions(1))), Does.StartWith("[attention] q [2, 3], k [4, 5], v [4, 5]"));
        }
    }

    private static string Message(Action action) => Assert.Throws<ShapeException>(() => action())!.Message;

    private Parameter Weight(string name, params int[] shape)
    {
        var p = new Parameter(name, new Shape(shape)) { Trainable = true };
        int n = (int)p.Shape.Elements;
        p.Load(device, [.. Enumerable.Range(0, n).Select(i => MathF.Sin(i + 1))]);
        return p;
    }

    private double[] Read(View view)
    {
        var values = new double[view.Elements];
        device.Read<double>(view, values);
        return values;
    }

    private sealed class CallNames : ICallObserver
    {
        public List<string> Names { get; } = [];

        public void Begin<TCall>(Device device, in TCall call)
            where TCall : struct, ICall => Names.Add(TCall.Name);

        public void End<TCall>(Device device, in TCall call)
            where TCall : struct, ICall
        {
        }
    }
}
