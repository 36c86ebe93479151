using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Memory;

/// <summary>The temporaries of one composed call: taken one by one, given back together.</summary>
public readonly ref struct Workspace(Device device, string call)
{
    private readonly List<Block> taken = [];

    /// <summary>A dense, uninitialised tensor.</summary>
    public View Take(Shape shape, DType type)
    {
        var view = device.Allocate(shape, type, Category.Workspace, call: call);
        taken.Add(view.Block);
        return view;
    }

    /// <summary>A dense, uninitialised tensor of another's shape and type.</summary>
    public View Like(in View view) => Take(view.Shape, view.Type);

    public void Dispose()
    {
        foreach (var block in taken)
            block.Release();
    }
}
