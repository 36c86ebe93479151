using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd;

/// <summary>
/// A weight: one object, possibly under several names (a tied head). It is dense where it is trained or where the device does not pack, and else kept once, in
/// packed panels. It belongs to no session, so one base can serve several.
/// </summary>
public sealed class Parameter : IDisposable
{
    // About 1 MB of fp32 on its way from a file to the device.
    internal const int StagedElements = 1 << 18;

    private Tensor? value;
    private PackedMatrix? packed;
    private Device? device;
    private bool trainable;

    /// <param name="path">The module path with the parameter's own name, as PEFT would say it: "model.layers.0.mlp.up_proj.weight".</param>
    /// <param name="shape">Its shape as the checkpoint stores it.</param>
    /// <param name="category">Where the ledger books it.</param>
    public Parameter(string path, Shape shape, Category category = Category.Weights)
    {
        Path = path;
        Shape = shape;
        Category = category;
    }

    /// <summary>Module path and name.</summary>
    public string Path { get; }

    /// <summary>Axes as in the checkpoint.</summary>
    public Shape Shape { get; }

    public Category Category { get; }

    /// <summary>True where the run trains it. Set before the value is loaded: a frozen matrix may be packed.</summary>
    /// <exception cref="InvalidOperationException">It is a buffer.</exception>
    public bool Trainable
    {
        get => trainable;
        set => trainable = !value || !IsBuffer ? value : throw new InvalidOperationException($"{Path} is a buffer: it never trains");
    }

    /// <summary>True where a frozen copy may be kept as panels: the weight of a product or a table, used in no other way.</summary>
    public bool Packable { get; init; }

    /// <summary>True where the checkpoint stores the transpose of the product's [out, in] weight (GPT-2's Conv1D).</summary>
    public bool IsTransposed { get; init; }

    /// <summary>True for numbers that belong to the checkpoint but never train: running statistics.</summary>
    public bool IsBuffer { get; init; }

    /// <summary>How a checkpoint stores it where it is no floating-point number: I64 for counts, which the device keeps as real numbers (exact to 2²⁴). Else F32.</summary>
    public DType StoredType { get; init; } = DType.F32;

    /// <summary>True where a checkpoint may lack it: then it starts at zero (biases that a method has added).</summary>
    public bool ZeroWhereAbsent { get; set; }

    /// <summary>
    /// How a frozen, packable weight is kept; null: fp32. Set before the value is loaded. A device that keeps weights dense holds the numbers that this storage makes of them.
    /// </summary>
    public PanelStorage? Storage { get; set; }

    /// <summary>True once there is a value.</summary>
    public bool IsLoaded => value is not null || packed is not null;

    /// <summary>True where the value is kept as panels.</summary>
    public bool IsPacked => packed is not null;

    /// <summary>What the value takes on the device; 0 before there is one.</summary>
    public long StoredBytes => packed?.Block.Bytes ?? value?.View.Bytes ?? 0;

    /// <summary>The device of the value.</summary>
    public Device Device => device ?? throw NotLoaded();

    /// <summary>The value in the checkpoint's shape.</summary>
    /// <exception cref="InvalidOperationException">It is not loaded, or kept as panels.</exception>
    public Tensor Value => value ?? throw (packed is null ? NotLoaded() : new InvalidOperationException($"{Path} is kept as packed panels: read it through {nameof(Operand)}"));

    /// <summary>The [out, in] weight of a product.</summary>
    public WeightOperand Operand => packed is not null ? packed : IsTransposed ? Value.View.Transpose(0, 1) : Value.View;

    /// <summary>Makes room on a device: dense, or as panels where that device packs, the parameter is frozen and packable.</summary>
    public void Allocate(Device on)
    {
        Dispose();
        device = on;
        if (Packable && !Trainable && on.Packs)
        {
            int rows = IsTransposed ? Shape[1] : Shape[0], columns = IsTransposed ? Shape[0] : Shape[1];
            var storage = Storage?.BytesFor(rows, columns) is null ? PanelStorage.Float32 : Storage;
            packed = new PackedMatrix(on.Allocate(storage.BytesFor(rows, columns)!.Value, storage.IsQuantized ? Category.QuantizedWeights : Category, Path), rows, columns, storage);
        }
        else
        {
            value = new Tensor(on.Allocate(Shape, on.Real, Category, Path), this);
        }
    }

    /// <summary>Puts the value at a place that others share (an arena), in place of memory of its own. The place is retained.</summary>
    public void Place(in View place)
    {
        if (place.Shape != Shape)
            throw new ShapeException("place", $"{Path} {Shape} at {place.Shape}");
        place.Block.Retain();
        Dispose();
        device = place.Block.Device;
        value = new Tensor(place, this);
    }

    /// <summary>Sets the value from host numbers in the checkpoint's order. Allocates first if that was not done.</summary>
    /// <param name="on">The device.</param>
    /// <param name="numbers">As many as the shape has elements.</param>
    public void Load(Device on, ReadOnlySpan<float> numbers)
    {
        if (!IsLoaded)
            Allocate(on);
        if (IsQuantized || (Storage is not null && packed is null && !Trainable))
        {
            float[] copy = numbers.ToArray();
            int width = copy.Length / Math.Max(1, Shape[0]);
            Load(on, (first, count, part) => copy.AsSpan(first * width, count * width).CopyTo(part));
            return;
        }
        if (packed is null)
        {
            on.Write(Value.View, numbers);
            return;
        }
        var staged = on.Allocate(Shape, on.Real, Category.Workspace, Path);
        on.Write(staged, numbers);
        on.Run(new PackCall(IsTransposed ? staged.Transpose(0, 1) : staged, packed));
        staged.Block.Release();
    }

    /// <summary>
    /// Sets the value a few rows at a time, so that no second copy of a large table is held; a transposed weight that is packed stands on the host whole for that moment.
    /// </summary>
    public void Load(Device on, RowReader read)
    {
        if (!IsLoaded)
            Allocate(on);
        int rows = Shape.Length == 0 ? 1 : Shape[0];
        int width = checked((int)(Shape.Elements / Math.Max(1, rows)));
        if (IsQuantized)
        {
            if (packed?.Storage is FourBitStorage)
                FourBitLoading.Quantize(packed, Path, Shape, IsTransposed, read);
            else
                LoadRounded(on, read);
            return;
        }
        bool rounds = Storage is not null && packed is null && !Trainable;
        int chunk = IsTransposed && packed is not null ? Math.Max(1, rows) : Math.Max(32, StagedElements / Math.Max(1, width) / 32 * 32);
        var numbers = System.Buffers.ArrayPool<float>.Shared.Rent(Math.Min(chunk, Math.Max(1, rows)) * width);
        for (int first = 0; first < rows; first += chunk)
        {
            int count = Math.Min(chunk, rows - first);
            var part = numbers.AsSpan(0, count * width);
            read(first, count, part);
            if (rounds)
                Storage!.Round(part);
            if (packed is null)
            {
                on.Write<float>(Shape.Length == 0 ? Value.View : Value.View.Slice(0, first, count), part);
                continue;
            }
            var staged = on.Allocate(new Shape(count, width), on.Real, Category.Workspace, Path);
            on.Write<float>(staged, part);
            on.Run(new PackCall(IsTransposed ? staged.Transpose(0, 1) : staged, packed, IsTransposed ? 0 : first));
            staged.Block.Release();
        }
        System.Buffers.ArrayPool<float>.Shared.Return(numbers);
    }

    /// <summary>Sets the value from 4-bit codes that exist; where the weight is not kept as such codes, from the numbers that they stand for.</summary>
    /// <exception cref="ShapeException">The codes are of another shape.</exception>
    public void Load(Device on, FourBitWeight codes)
    {
        if (codes.Elements != Shape.Elements)
            throw new ShapeException("load", $"{codes.Elements} codes for {Path} {Shape}");
        if (!IsLoaded)
            Allocate(on);
        if (packed?.Storage is FourBitStorage kept && kept.BlockSize == codes.BlockSize && kept.Type == codes.Type && kept.Original == codes.Original && !IsTransposed)
        {
            FourBitLoading.Pack(packed, Path, codes);
            return;
        }
        var numbers = new float[Shape.Elements];
        codes.Dequantize(0, numbers);
        Load(on, numbers);
    }

    /// <summary>True where this weight will be kept as a file's own blocks on a device: it is loaded by <see cref="LoadBlocks"/>.</summary>
    public bool KeepsBlocks(Device on) => Keeps(on) && Storage is BlockStorage;

    /// <summary>True where this weight will be kept as 4-bit codes on a device.</summary>
    public bool KeepsCodes(Device on) => Keeps(on) && Storage is FourBitStorage;

    /// <summary>Sets the value from a file's own blocks, where it is kept as those.</summary>
    /// <param name="on">The device.</param>
    /// <param name="read">Fills whole rows: first row, how many, their bytes.</param>
    public void LoadBlocks(Device on, RawRowReader read)
    {
        if (!IsLoaded)
            Allocate(on);
        if (packed?.Storage is not BlockStorage)
            throw new InvalidOperationException($"{Path} is not kept as a file's blocks");
        int rows = Shape[0], rowBytes = checked((int)(packed.Block.Bytes / rows)), chunk = Math.Max(1, 4 * StagedElements / rowBytes);
        byte[] bytes = System.Buffers.ArrayPool<byte>.Shared.Rent(Math.Min(chunk, rows) * rowBytes);
        for (int first = 0; first < rows; first += chunk)
        {
            int count = Math.Min(chunk, rows - first);
            var part = bytes.AsSpan(0, count * rowBytes);
            read(first, count, part);
            on.Write<byte>(new View(packed.Block, DType.U8, new Shape(rows, rowBytes)).Slice(0, first, count), part);
        }
        System.Buffers.ArrayPool<byte>.Shared.Return(bytes);
    }

    private bool Keeps(Device on) => Packable && !Trainable && !IsTransposed && on.Packs && Storage?.BytesFor(Shape[0], Shape[1]) is not null;

    // Codes look at the whole weight, whether a device keeps them or the numbers that they stand for.
    private bool IsQuantized => Storage is FourBitStorage && Packable && !Trainable;

    private void LoadRounded(Device on, RowReader read)
    {
        var numbers = new float[on.Computes ? Shape.Elements : 0];
        if (on.Computes)
        {
            read(0, Shape[0], numbers);
            FourBitLoading.Round(Storage!, Shape, IsTransposed, numbers);
        }
        if (packed is null)
        {
            if (on.Computes)
                on.Write<float>(Value.View, numbers);
            return;
        }
        var staged = on.Allocate(Shape, on.Real, Category.Workspace, Path);
        if (on.Computes)
            on.Write<float>(staged, numbers);
        on.Run(new PackCall(IsTransposed ? staged.Transpose(0, 1) : staged, packed));
        staged.Block.Release();
    }

    /// <summary>Copies the value to the host, in the checkpoint's order.</summary>
    public void Read(Span<float> numbers)
    {
        if (packed is null)
        {
            Device.Read(Value.View, numbers);
            return;
        }
        var staged = Device.Allocate(Shape, Device.Real, Category.Workspace, Path);
        Device.Run(new UnpackCall(packed, IsTransposed ? staged.Transpose(0, 1) : staged));
        Device.Read(staged, numbers);
        staged.Block.Release();
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        value?.View.Block.Release();
        packed?.Block.Release();
        (value, packed) = (null, null);
    }

    public override string ToString() => $"{Path} {Shape}";

    private InvalidOperationException NotLoaded() => new($"{Path} {Shape} has no value yet");
}

/// <summary>Reads rows [first, first + count) of a tensor as their format stores them.</summary>
public delegate void RawRowReader(int first, int count, Span<byte> destination);

/// <summary>Reads rows [first, first + count) of a tensor, count·(elements a row) numbers.</summary>
public delegate void RowReader(int first, int count, Span<float> destination);
