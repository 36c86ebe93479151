using System.Runtime.InteropServices;

namespace KernelTune.Checkpoints;

/// <summary>
/// The typed keys and values of a GGUF file. A value is byte, sbyte, ushort, short, uint, int, ulong, long, float, double, bool or string, or
/// an array of one of these (byte[], int[], string[] …); arrays of arrays are object[].
/// </summary>
internal static class GgufMetadata
{
    private const int DeepestNesting = 8;

    private enum ValueType
    {
        U8,
        I8,
        U16,
        I16,
        U32,
        I32,
        F32,
        Bool,
        String,
        Array,
        U64,
        I64,
        F64,
    }

    public static Dictionary<string, object> Read(GgufCursor cursor, long count)
    {
        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        for (var i = 0L; i < count; i++)
        {
            var at = cursor.Position;
            var key = cursor.Text("the name of a key");
            var what = "key " + CheckpointException.Quote(key);
            var value = Value(cursor, Type(cursor, what), what, 0);
            if (!values.TryAdd(key, value))
                throw cursor.Bad($"{what} stands twice", at);
        }

        return values;
    }

    private static ValueType Type(GgufCursor cursor, string what)
    {
        var at = cursor.Position;
        var type = cursor.U32("the type of " + what);
        return type <= (uint)ValueType.F64 ? (ValueType)type : throw cursor.Bad($"{what} has type {type}, 0 to 12 wanted", at);
    }

    private static object Value(GgufCursor cursor, ValueType type, string what, int depth) => type switch
    {
        ValueType.U8 => cursor.U8(what),
        ValueType.I8 => (sbyte)cursor.U8(what),
        ValueType.U16 => cursor.U16(what),
        ValueType.I16 => (short)cursor.U16(what),
        ValueType.U32 => cursor.U32(what),
        ValueType.I32 => (int)cursor.U32(what),
        ValueType.F32 => BitConverter.UInt32BitsToSingle(cursor.U32(what)),
        ValueType.Bool => cursor.U8(what) != 0,
        ValueType.String => cursor.Text(what),
        ValueType.U64 => cursor.U64(what),
        ValueType.I64 => (long)cursor.U64(what),
        ValueType.F64 => BitConverter.UInt64BitsToDouble(cursor.U64(what)),
        _ => List(cursor, what, depth + 1),
    };

    private static object List(GgufCursor cursor, string what, int depth)
    {
        if (depth > DeepestNesting)
            throw cursor.Bad($"{what} nests arrays more than {DeepestNesting} deep");
        var type = Type(cursor, what);
        return type switch
        {
            ValueType.U8 => Numbers<byte>(cursor, what),
            ValueType.I8 => Numbers<sbyte>(cursor, what),
            ValueType.U16 => Numbers<ushort>(cursor, what),
            ValueType.I16 => Numbers<short>(cursor, what),
            ValueType.U32 => Numbers<uint>(cursor, what),
            ValueType.I32 => Numbers<int>(cursor, what),
            ValueType.F32 => Numbers<float>(cursor, what),
            ValueType.U64 => Numbers<ulong>(cursor, what),
            ValueType.I64 => Numbers<long>(cursor, what),
            ValueType.F64 => Numbers<double>(cursor, what),
            ValueType.Bool => Array.ConvertAll(Numbers<byte>(cursor, what), b => b != 0),
            ValueType.String => Strings(cursor, what),
            _ => Nested(cursor, what, depth),
        };
    }

    private static T[] Numbers<T>(GgufCursor cursor, string what)
        where T : unmanaged
    {
        var size = Marshal.SizeOf<T>();
        var count = cursor.Count("the number of elements of " + what, size);
        if (count > Array.MaxLength / size)
            throw cursor.Bad($"{what} has {count} elements, at most {Array.MaxLength / size} wanted");
        var values = new T[count];
        cursor.Bytes(MemoryMarshal.AsBytes(values.AsSpan()), what);
        return values;
    }

    private static string[] Strings(GgufCursor cursor, string what)
    {
        var values = new string[cursor.Count("the number of elements of " + what, 8)];
        for (var i = 0; i < values.Length; i++)
            values[i] = cursor.Text(what);
        return values;
    }

    private static object[] Nested(GgufCursor cursor, string what, int depth)
    {
        var values = new object[cursor.Count("the number of elements of " + what, 12)];
        for (var i = 0; i < values.Length; i++)
            values[i] = List(cursor, what, depth + 1);
        return values;
    }
}
