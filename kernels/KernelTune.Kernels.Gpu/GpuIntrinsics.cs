using System.Reflection;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;

namespace KernelTune.Kernels.Gpu;

/// <summary>
/// The float operations of kernels, each one instruction with one IEEE rounding. ILGPU's CPU accelerator runs the bodies; for PTX and OpenCL
/// <see cref="GpuIntrinsics"/> emits the instruction instead. They are opaque to ILGPU's rewriting, and ptxas contracts nothing that is marked .rn.
/// </summary>
public static class GpuMath
{
    [IntrinsicImplementation] public static float Add(float a, float b) => a + b;
    [IntrinsicImplementation] public static float Subtract(float a, float b) => a - b;
    [IntrinsicImplementation] public static float Multiply(float a, float b) => a * b;

    /// <summary>A product in double that no sum beside it may swallow.</summary>
    [IntrinsicImplementation] public static double Multiply(double a, double b) => a * b;

    [IntrinsicImplementation] public static float Divide(float a, float b) => a / b;
    [IntrinsicImplementation] public static float Negate(float a) => -a;

    /// <summary>a·b + c with one rounding.</summary>
    [IntrinsicImplementation] public static float Fma(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    [IntrinsicImplementation] public static float Sqrt(float a) => MathF.Sqrt(a);
    [IntrinsicImplementation] public static float Abs(float a) => MathF.Abs(a);

    /// <summary>The nearest integer, ties to even.</summary>
    [IntrinsicImplementation] public static float Round(float a) => MathF.Round(a);

    /// <summary>a &lt; b; false where either is NaN.</summary>
    [IntrinsicImplementation] public static bool Less(float a, float b) => a < b;

    /// <summary>a ≤ b; false where either is NaN.</summary>
    [IntrinsicImplementation] public static bool LessOrEqual(float a, float b) => a <= b;

    /// <summary>a = b; false where either is NaN.</summary>
    [IntrinsicImplementation] public static bool Equal(float a, float b) => a == b;
}

/// <summary>What <see cref="GpuMath"/> is in PTX and in OpenCL C.</summary>
public static class GpuIntrinsics
{
    /// <summary>Makes <see cref="GpuMath"/> known to a context. To be called once a context, before its first kernel is compiled.</summary>
    public static void Register(Context context)
    {
        ArgumentNullException.ThrowIfNull(context);
        IntrinsicImplementationManager manager = context.GetIntrinsicManager();
        Add<AddText>(manager, ((Func<float, float, float>)GpuMath.Add).Method);
        Add<SubtractText>(manager, ((Func<float, float, float>)GpuMath.Subtract).Method);
        Add<MultiplyText>(manager, ((Func<float, float, float>)GpuMath.Multiply).Method);
        Add<MultiplyDoubleText>(manager, ((Func<double, double, double>)GpuMath.Multiply).Method);
        Add<DivideText>(manager, ((Func<float, float, float>)GpuMath.Divide).Method);
        Add<NegateText>(manager, ((Func<float, float>)GpuMath.Negate).Method);
        Add<FmaText>(manager, ((Func<float, float, float, float>)GpuMath.Fma).Method);
        Add<SqrtText>(manager, ((Func<float, float>)GpuMath.Sqrt).Method);
        Add<AbsText>(manager, ((Func<float, float>)GpuMath.Abs).Method);
        Add<RoundText>(manager, ((Func<float, float>)GpuMath.Round).Method);
        Add<LessText>(manager, ((Func<float, float, bool>)GpuMath.Less).Method);
        Add<LessOrEqualText>(manager, ((Func<float, float, bool>)GpuMath.LessOrEqual).Method);
        Add<EqualText>(manager, ((Func<float, float, bool>)GpuMath.Equal).Method);
    }

    private static void Add<TText>(IntrinsicImplementationManager manager, MethodInfo method)
        where TText : struct, IInstructionText
    {
        manager.RegisterMethod(method, new PTXIntrinsic(((PTXIntrinsic.Handler)Emitter<TText>.Ptx).Method, IntrinsicImplementationMode.GenerateCode));
        manager.RegisterMethod(method, new CLIntrinsic(((CLIntrinsic.Handler)Emitter<TText>.OpenCL).Method, IntrinsicImplementationMode.GenerateCode));
    }

    /// <summary>One operation's words in both languages.</summary>
    private interface IInstructionText
    {
        /// <summary>The PTX instruction: target, then operands.</summary>
        static abstract string Ptx { get; }

        /// <summary>OpenCL C's operator between the operands, or the function before them.</summary>
        static abstract string OpenCL { get; }
    }

    /// <summary>Writes a call's instruction. A class for each, because ILGPU keeps a method, not a closure.</summary>
    private static class Emitter<TText>
        where TText : struct, IInstructionText
    {
        internal static void Ptx(PTXBackend backend, PTXCodeGenerator generator, Value value)
        {
            // Operands first: loading one may write instructions of its own.
            var operands = new PTXRegisterAllocator.PrimitiveRegister[value.Count];
            for (int i = 0; i < operands.Length; i++)
                operands[i] = generator.LoadPrimitive(value[i]);
            PTXRegisterAllocator.HardwareRegister target = generator.AllocateHardware(value);
            using PTXCodeGenerator.CommandEmitter command = generator.BeginCommand(TText.Ptx);
            command.AppendArgument(target);
            foreach (PTXRegisterAllocator.PrimitiveRegister operand in operands)
                command.AppendArgument(operand);
        }

        internal static void OpenCL(CLBackend backend, CLCodeGenerator generator, Value value)
        {
            var operands = new CLVariableAllocator.Variable[value.Count];
            for (int i = 0; i < operands.Length; i++)
                operands[i] = generator.Load(value[i]);
            CLVariableAllocator.Variable target = generator.Allocate(value);
            using CLCodeGenerator.StatementEmitter statement = generator.BeginStatement(target);
            if (char.IsLetter(TText.OpenCL[0]) || operands.Length == 1)
            {
                statement.AppendCommand(TText.OpenCL);
                statement.BeginArguments();
                foreach (CLVariableAllocator.Variable operand in operands)
                    statement.AppendArgument(operand);
                statement.EndArguments();
            }
            else
            {
                statement.Append(operands[0]);
                statement.AppendCommand(TText.OpenCL);
                statement.Append(operands[1]);
            }
        }
    }

    private readonly struct AddText : IInstructionText
    {
        public static string Ptx => "add.rn.f32";

        public static string OpenCL => "+";
    }

    private readonly struct SubtractText : IInstructionText
    {
        public static string Ptx => "sub.rn.f32";

        public static string OpenCL => "-";
    }

    private readonly struct MultiplyText : IInstructionText
    {
        public static string Ptx => "mul.rn.f32";

        public static string OpenCL => "*";
    }

    private readonly struct MultiplyDoubleText : IInstructionText
    {
        public static string Ptx => "mul.rn.f64";

        public static string OpenCL => "*";
    }

    private readonly struct DivideText : IInstructionText
    {
        public static string Ptx => "div.rn.f32";

        public static string OpenCL => "/";
    }

    private readonly struct NegateText : IInstructionText
    {
        public static string Ptx => "neg.f32";

        public static string OpenCL => "-";
    }

    private readonly struct FmaText : IInstructionText
    {
        public static string Ptx => "fma.rn.f32";

        public static string OpenCL => "fma";
    }

    private readonly struct SqrtText : IInstructionText
    {
        public static string Ptx => "sqrt.rn.f32";

        public static string OpenCL => "sqrt";
    }

    private readonly struct AbsText : IInstructionText
    {
        public static string Ptx => "abs.f32";

        public static string OpenCL => "fabs";
    }

    private readonly struct RoundText : IInstructionText
    {
        public static string Ptx => "cvt.rni.f32.f32";

        public static string OpenCL => "rint";
    }

    private readonly struct LessText : IInstructionText
    {
        public static string Ptx => "setp.lt.f32";

        public static string OpenCL => "<";
    }

    private readonly struct LessOrEqualText : IInstructionText
    {
        public static string Ptx => "setp.le.f32";

        public static string OpenCL => "<=";
    }

    private readonly struct EqualText : IInstructionText
    {
        public static string Ptx => "setp.eq.f32";

        public static string OpenCL => "==";
    }
}
