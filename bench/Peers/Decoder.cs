using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace KernelTune.Peers;

/// <summary>A decoder with random weights as a .NET user would write it over TorchSharp: fused attention, fused cross-entropy, plain tensors.</summary>
internal sealed class Decoder
{
    private readonly string method;
    private readonly int rank;
    private readonly Tensor embedding, normGain, cos, sin;
    private readonly Tensor? normBias, positions, prompt;
    private readonly Layer[] layers;

    public Decoder(DecoderShape shape, string method, int rank, int length)
    {
        (Shape, this.method, this.rank) = (shape, method, rank);
        embedding = Base(0.02, shape.Vocabulary, shape.Hidden);
        positions = shape.IsLlama ? null : Base(0.02, 1024, shape.Hidden);
        (normGain, normBias) = (Ones(shape.Hidden), shape.IsLlama ? null : Zeros(shape.Hidden));
        layers = [.. Enumerable.Range(0, shape.Layers).Select(_ => new Layer(this))];
        prompt = method == "prompt" ? Trainable(randn(20, shape.Hidden)) : null;
        int total = length + (method is "prompt" or "prefix" ? 20 : 0);
        var angle = arange(total, dtype: float32).unsqueeze(1) / pow(10000f, arange(0, shape.HeadDim, 2, dtype: float32) / shape.HeadDim);
        angle = cat([angle, angle], -1);
        (cos, sin) = (angle.cos(), angle.sin());
    }

    public DecoderShape Shape { get; }

    /// <summary>What the optimizer moves.</summary>
    public List<Parameter> Trained { get; } = [];

    /// <summary>The mean loss of next tokens, every position labelled.</summary>
    public Tensor Loss(Tensor ids)
    {
        long t = ids.shape[1];
        var x = embedding.index_select(0, ids.reshape(-1)).view(ids.shape[0], t, Shape.Hidden);
        if (positions is not null)
            x = x + positions[..(int)t];
        if (prompt is not null)
            x = cat([prompt.unsqueeze(0).expand(ids.shape[0], -1, -1), x], 1);
        foreach (var layer in layers)
            x = layer.Forward(x);
        x = Norm(x, normGain, normBias);
        var logits = F.linear(x.narrow(1, x.shape[1] - t, t - 1), embedding);
        return F.cross_entropy(logits.reshape(-1, Shape.Vocabulary), ids.narrow(1, 1, t - 1).reshape(-1));
    }

    private static Tensor Norm(Tensor x, Tensor gain, Tensor? bias) => bias is null
        ? x * rsqrt(x.square().mean([-1], keepdim: true) + 1e-5) * gain
        : F.layer_norm(x, [x.shape[^1]], gain, bias, 1e-5);

    private Tensor Base(double deviation, params long[] shape) => method == "full" ? Trainable(randn(shape) * deviation) : randn(shape) * deviation;

    private Tensor Ones(long n) => method == "full" ? Trainable(ones(n)) : ones(n);

    private Tensor Zeros(long n) => method == "full" ? Trainable(zeros(n)) : zeros(n);

    private Parameter Trainable(Tensor value)
    {
        var parameter = new Parameter(value, requires_grad: true);
        Trained.Add(parameter);
        return parameter;
    }

    private sealed class Linear
    {
        private readonly Decoder owner;
        private readonly Tensor weight;
        private readonly Tensor? bias, a, b;

        public Linear(Decoder owner, int inputs, int outputs)
        {
            this.owner = owner;
            weight = owner.Base(1 / Math.Sqrt(inputs), outputs, inputs);
            bias = owner.Shape.IsLlama ? null : owner.Zeros(outputs);
            if (owner.method != "lora")
                return;
            (a, b) = (owner.Trainable(randn(owner.rank, inputs) / Math.Sqrt(inputs)), owner.Trainable(zeros(outputs, owner.rank)));
        }

        public Tensor Forward(Tensor x)
        {
            var y = F.linear(x, weight, bias);
            return a is null ? y : y + (2 * F.linear(F.linear(x, a), b!));
        }
    }

    private sealed class Layer
    {
        private readonly Decoder owner;
        private readonly Linear q, k, v, o, up, down;
        private readonly Linear? gate;
        private readonly Tensor gain1, gain2;
        private readonly Tensor? bias1, bias2, prefixKeys, prefixValues, scaleK, scaleV, scaleDown;

        public Layer(Decoder owner)
        {
            this.owner = owner;
            var s = owner.Shape;
            int kv = s.KeyValueHeads * s.HeadDim;
            (q, k, v, o) = (new(owner, s.Hidden, s.Hidden), new(owner, s.Hidden, kv), new(owner, s.Hidden, kv), new(owner, s.Hidden, s.Hidden));
            (up, down) = (new(owner, s.Hidden, s.Inner), new(owner, s.Inner, s.Hidden));
            gate = s.IsLlama ? new(owner, s.Hidden, s.Inner) : null;
            (gain1, gain2) = (owner.Ones(s.Hidden), owner.Ones(s.Hidden));
            (bias1, bias2) = s.IsLlama ? (null, null) : (owner.Zeros(s.Hidden), owner.Zeros(s.Hidden));
            if (owner.method == "prefix")
                (prefixKeys, prefixValues) = (owner.Trainable(randn(s.KeyValueHeads, 20, s.HeadDim)), owner.Trainable(randn(s.KeyValueHeads, 20, s.HeadDim)));
            if (owner.method == "ia3")
                (scaleK, scaleV, scaleDown) = (owner.Trainable(ones(kv)), owner.Trainable(ones(kv)), owner.Trainable(ones(s.Inner)));
        }

        public Tensor Forward(Tensor x)
        {
            var s = owner.Shape;
            var y = Norm(x, gain1, bias1);
            var (keys, values) = (k.Forward(y), v.Forward(y));
            if (scaleK is not null)
                (keys, values) = (keys * scaleK, values * scaleV!);
            var (qh, kh, vh) = (Heads(q.Forward(y), s.Heads), Heads(keys, s.KeyValueHeads), Heads(values, s.KeyValueHeads));
            if (s.IsLlama)
                (qh, kh) = (Rotated(qh), Rotated(kh));
            bool causal = true;
            Tensor? mask = null;
            if (prefixKeys is not null)
            {
                (kh, vh) = (cat([Rows(prefixKeys, x), kh], 2), cat([Rows(prefixValues!, x), vh], 2));
                (causal, mask) = (false, ones(x.shape[1], x.shape[1] + 20, ScalarType.Bool).tril(20));
            }
            if (s.Heads != s.KeyValueHeads)
                (kh, vh) = (kh.repeat_interleave(s.Heads / s.KeyValueHeads, 1), vh.repeat_interleave(s.Heads / s.KeyValueHeads, 1));
            var a = F.scaled_dot_product_attention(qh, kh, vh, attn_mask: mask, is_casual: causal);
            x = x + o.Forward(a.transpose(1, 2).reshape(x.shape[0], x.shape[1], s.Hidden));
            y = Norm(x, gain2, bias2);
            var h = gate is null ? gelu(up.Forward(y)) : F.silu(gate.Forward(y)) * up.Forward(y);
            return x + down.Forward(scaleDown is null ? h : h * scaleDown);
        }

        private static Tensor gelu(Tensor x) => 0.5 * x * (1 + tanh(0.7978845608028654 * (x + (0.044715 * x * x * x))));

        private static Tensor Rows(Tensor prefix, Tensor x) => prefix.unsqueeze(0).expand(x.shape[0], -1, -1, -1);

        private Tensor Heads(Tensor x, int heads) => x.view(x.shape[0], x.shape[1], heads, owner.Shape.HeadDim).transpose(1, 2);

        private Tensor Rotated(Tensor x)
        {
            var halves = x.chunk(2, -1);
            long first = owner.cos.shape[0] - x.shape[2];
            return (x * owner.cos.narrow(0, first, x.shape[2])) + (cat([-halves[1], halves[0]], -1) * owner.sin.narrow(0, first, x.shape[2]));
        }
    }
}
