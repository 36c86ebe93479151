namespace KernelTune.Checkpoints;

/// <summary>What a source says of one weight: its name, how its numbers are stored, its shape (outermost dimension first) and its bytes.</summary>
public record WeightInfo(string Name, WeightFormat Format, long[] Shape, long Bytes)
{
    /// <summary>The product of the dimensions; 1 for a scalar.</summary>
    public long Elements
    {
        get
        {
            var product = 1L;
            foreach (var n in Shape)
                product *= n;
            return product;
        }
    }

    /// <summary>The first dimension; 1 for a scalar.</summary>
    public long Rows => Shape.Length == 0 ? 1 : Shape[0];

    /// <summary>The elements of one row; 0 where the first dimension is 0.</summary>
    public long RowElements => Rows == 0 ? 0 : Elements / Rows;

    /// <summary>The shape in brackets, as messages print it.</summary>
    public string ShapeText => ShapeToText(Shape);

    internal static string ShapeToText(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
