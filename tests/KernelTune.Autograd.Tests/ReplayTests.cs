using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd.Tests;

/// <summary>A stretch that runs again computes what the backward pass reads, and nothing that comes after.</summary>
public sealed class ReplayTests
{
    private ReferenceDevice device = null!;
    private Parameter first = null!, second = null!;
    private GradientStore store = null!;

    [SetUp]
    public void Make_two_layers()
    {
        device = new ReferenceDevice();
        first = Weight("first", 4, 3, true);
        second = Weight("second", 3, 4, false);
        store = new GradientStore(device, [first]);
    }

    [TearDown]
    public void Nothing_is_left()
    {
        store.Dispose();
        first.Dispose();
        second.Dispose();
        Assert.That(device.Outstanding, Is.Zero, "bytes that did not come back");
        device.Dispose();
    }

    [Test]
    public void The_product_behind_the_last_tensor_that_is_read_is_left_out_from_the_second_step_on()
    {
        using var session = new Session(device, store);
        var counter = new Counter();
        device.CallObserver = counter;
        double[] plain = Step(session, true, static (_, h) => h, recomputed: false);
        int once = counter.Linears;
        double[] whole = Step(session, true, static (_, h) => h);
        int twice = counter.Linears - once;
        double[] tail = Step(session, true, static (_, h) => h);
        int shorter = counter.Linears - once - twice;
        Assert.That((once, twice, shorter), Is.EqualTo((2, 4, 3)), "products of one step: plain, the first that is recomputed, the next");
        Assert.That(whole, Is.EqualTo(plain));
        Assert.That(tail, Is.EqualTo(plain));
    }

    [Test]
    public void A_stretch_that_reads_more_than_before_runs_whole()
    {
        using var session = new Session(device, store);
        Step(session, true, static (_, h) => h);
        // Silu behind the second layer reads its output, which the step before had not to compute again.
        static Tensor More(Session s, Tensor h) => Unary.Apply<Silu>(h);
        double[] grown = Step(session, true, More);
        Assert.That(grown, Is.EqualTo(Step(session, true, More, recomputed: false)));
        Assert.That(Step(session, true, static (_, h) => h), Is.EqualTo(Step(session, true, static (_, h) => h, recomputed: false)), "and a shorter one again");
    }

    [Test]
    public void A_stretch_within_a_stretch_gives_the_same_gradients()
    {
        using var session = new Session(device, store);
        static Tensor Nested(Session s, Tensor h) => Recompute.Apply(s, [h], false, () => Unary.Apply<Silu>(Unary.Apply<Silu>(h)));
        double[] plain = Step(session, true, static (_, h) => Unary.Apply<Silu>(Unary.Apply<Silu>(h)), recomputed: false);
        for (int i = 0; i < 3; i++)
            Assert.That(Step(session, true, Nested), Is.EqualTo(plain), $"step {i}");
    }

    // x → first → silu → second → tail; the gradient of x and of the first weight.
    private double[] Step(Session session, bool trains, Func<Session, Tensor, Tensor> tail, bool recomputed = true)
    {
        store.Clear();
        using var scope = session.Enter();
        var x = session.Upload<float>([0.5f, -1, 2, 1.5f, 0.25f, -0.75f], new Shape(2, 3), session.Real);
        Tensor Stretch() => tail(session, LinearOp.Apply(Unary.Apply<Silu>(LinearOp.Apply(x, first, null)), second, null));
        var y = recomputed ? Recompute.Apply(session, [x], trains, Stretch) : Stretch();
        var seed = session.Upload<float>([1, -2, 3, 0.5f, 1, -1], new Shape(2, 3), session.Real);
        session.Backward([y], [seed]);
        var gradient = new double[12];
        device.Read<double>(store.Of(first), gradient);
        return gradient;
    }

    private Parameter Weight(string path, int rows, int columns, bool trains)
    {
        var weight = new Parameter(path, new Shape(rows, columns)) { Trainable = trains };
        weight.Load(device, [.. Enumerable.Range(0, rows * columns).Select(i => MathF.Sin(1 + i + rows))]);
        return weight;
    }

    private sealed class Counter : ICallObserver
    {
        public int Linears { get; private set; }

        public void Begin<TCall>(Device device, in TCall call)
            where TCall : struct, ICall => Linears += typeof(TCall) == typeof(LinearCall) ? 1 : 0;

        public void End<TCall>(Device device, in TCall call)
            where TCall : struct, ICall
        {
        }
    }
}
