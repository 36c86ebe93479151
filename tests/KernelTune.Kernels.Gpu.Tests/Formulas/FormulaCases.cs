using KernelTune.Kernels.Elementwise;

namespace KernelTune.Kernels.Gpu.Tests.Formulas;

/// <summary>Every formula with parameters. A formula that has none here fails <see cref="FormulaTests.Every_formula_has_a_case"/>.</summary>
internal static class FormulaCases
{
    private static readonly AffineParams Affine = new(1.7, -0.3);
    private static readonly ScaleParams Number = new(0.25);

    public static IEnumerable<FormulaCase> All =>
    [
        .. Unary<Abs, None>(), .. Unary<AffineOf, AffineParams>(Affine), .. Unary<Exp, None>(), .. Unary<Gelu, None>(), .. Unary<GeluTanh, None>(),
        .. Unary<Log, None>(), .. Unary<Neg, None>(), .. Unary<QuickGelu, None>(), .. Unary<Reciprocal, None>(), .. Unary<Relu, None>(),
        .. Unary<Scale, ScaleParams>(Number), .. Unary<Sigmoid, None>(), .. Unary<Silu, None>(), .. Unary<Sqrt, None>(), .. Unary<Square, None>(),
        .. Unary<Tanh, None>(),
        .. Binary<Add, None>(), .. Binary<ClampedSwiGlu, ClampedParams>(new(7, 1.702)), .. Binary<Div, None>(), .. Binary<Maximum, None>(),
        .. Binary<Mul, None>(), .. Binary<Sub, None>(), .. Binary<SwiGlu, None>(),
        Step<RsqrtAffine, AffineParams>(Affine), Step<FiniteOrZero, None>(), Step<ReciprocalOrZero, None>(), Step<NotEqualTo, ScaleParams>(Number),
        Step<OutsideIsMinusInfinity, BandParams>(new(-2, 7)), Step<ZeroIsMinusInfinity, None>(), Step<ClipFactor, ScaleParams>(Number),
        Step2<Blend, AffineParams>(Affine), Step2<MulOffset, AffineParams>(Affine), Step2<MulCounted, None>(), Step2<Equal, None>(), Step2<AtLeast, None>(), Step2<InfiniteWhereOne, None>(),
        Step2<Keep, ScaleParams>(Number),
        Whole<PositionOf, None>(), Whole<WhereSame, None>(),
        Whole<AdamW, UpdateParams>(Update), Whole<Adam, UpdateParams>(Update), Whole<Lion, UpdateParams>(Update), Whole<Sgd, UpdateParams>(Update), Whole<SgdMomentum, UpdateParams>(Update),
        Whole<SgdNesterov, UpdateParams>(Update),
    ];

    private static UpdateParams Update => UpdateParams.Of(new UpdateSettings(0.9, 0.999, 1e-8, 0.01, 0.3), 1e-3, 1 - 0.9, 1 - 0.999, 0.8);

    private static IEnumerable<FormulaCase> Unary<TOp, P>(P p = default)
        where TOp : struct, IUnaryOp<P>
        where P : struct =>
        [
            new FormulaCase<Unary<TOp, P>, P>(typeof(TOp), typeof(TOp).Name, p),
            new FormulaCase<UnaryGrad<TOp, P>, P>(typeof(TOp), typeof(TOp).Name + "Grad", p),
            new FormulaCase<UnaryGradAdd<TOp, P>, P>(typeof(TOp), typeof(TOp).Name + "GradAdd", p),
        ];

    private static IEnumerable<FormulaCase> Binary<TOp, P>(P p = default)
        where TOp : struct, IBinaryOp<P>
        where P : struct =>
        [
            new FormulaCase<Binary<TOp, P>, P>(typeof(TOp), typeof(TOp).Name, p),
            new FormulaCase<BinaryGrad<TOp, P>, P>(typeof(TOp), typeof(TOp).Name + "Grad", p),
        ];

    private static FormulaCase<Step<TOp, P>, P> Step<TOp, P>(P p = default)
        where TOp : struct, IStep<P>
        where P : struct => new(typeof(TOp), typeof(TOp).Name, p);

    private static FormulaCase<Step2<TOp, P>, P> Step2<TOp, P>(P p = default)
        where TOp : struct, IStep2<P>
        where P : struct => new(typeof(TOp), typeof(TOp).Name, p);

    private static FormulaCase<TOp, P> Whole<TOp, P>(P p = default)
        where TOp : struct, IElementwise<P>
        where P : struct => new(typeof(TOp), typeof(TOp).Name, p);
}
