using KernelTune.Devices;
using KernelTune.Devices.Memory;

namespace KernelTune.Autograd;

/// <summary>The backward of one operation. Its fields are exactly the tensors that it saved.</summary>
public interface IBackward
{
    /// <summary>Adds to the gradients of the operation's inputs.</summary>
    /// <param name="gradOutputs">One view an output, dense, in its shape; absent (<c>Exists</c> false) for an output that nothing used. Borrowed.</param>
    /// <param name="gradients">Where gradients go. Ask <see cref="Gradients.Wants"/> before computing one.</param>
    void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients);
}

/// <summary>The operations of a session, in order, with what their backward passes need.</summary>
internal sealed class Tape(Session session)
{
    private readonly List<Entry> entries = [];
    private bool running;

    public int Count => entries.Count;

    public bool IsRunning => running;

    private readonly record struct Entry(string Operation, string Path, Tensor[] Outputs, IBackward Backward, Block[] Saved, Parameter[] Last);

    public bool Needs(ReadOnlySpan<Tensor?> inputs)
    {
        if (!session.Recording || running)
            return false;
        foreach (var x in inputs)
        {
            if (x is null)
                continue;
            if (x.RequiresGrad || (x.Parameter is { } p && session.Parameters is { } store && store.Contains(p)))
                return true;
        }
        return false;
    }

    // Of a parameter among the operation's inputs, or used within it, the first entry is the last one to add to its gradient.
    public void Add(string operation, Tensor[] outputs, IBackward backward, ReadOnlySpan<Tensor?> saved, ReadOnlySpan<Tensor?> used = default, IReadOnlyList<Parameter>? within = null)
    {
        int n = 0;
        foreach (var s in saved)
            n += s is null ? 0 : 1;
        var blocks = n == 0 ? [] : new Block[n];
        n = 0;
        foreach (var s in saved)
        {
            if (s is null)
                continue;
            s.View.Block.Save(operation);
            blocks[n++] = s.View.Block;
        }
        foreach (var y in outputs)
            y.RequiresGrad = true;
        entries.Add(new Entry(operation, session.Path, outputs, backward, blocks, session.Parameters?.Claim(used, within) ?? []));
    }

    /// <summary>Tells which blocks the backward passes will read.</summary>
    public void MarkSaved(Replay run)
    {
        foreach (var entry in entries)
        {
            foreach (var block in entry.Saved)
                run.Saved(block);
        }
    }

    public void Run(ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor> seeds)
    {
        if (running)
            throw new InvalidOperationException("backward is not differentiable: it was called within itself");
        running = true;
        string path = session.Path;
        var gradients = new Gradients(session);
        try
        {
            for (int i = 0; i < outputs.Length; i++)
            {
                if (outputs[i].Shape != seeds[i].Shape)
                    throw new ShapeException("backward", $"gradient {seeds[i].Shape} of an output {outputs[i].Shape}");
                if (outputs[i].RequiresGrad)
                    gradients.Pass(outputs[i], seeds[i].View);
            }
            var views = Array.Empty<View>();
            for (int e = entries.Count - 1; e >= 0; e--)
            {
                var entry = entries[e];
                if (entry.Outputs.Length > views.Length)
                    views = new View[entry.Outputs.Length];
                bool any = false;
                for (int o = 0; o < entry.Outputs.Length; o++)
                {
                    views[o] = entry.Outputs[o].Gradient;
                    any |= views[o].Exists;
                }
                if (any)
                {
                    session.SetPath(entry.Path);
                    using var scope = session.Enter(entry.Path);
                    entry.Backward.Run(views.AsSpan(0, entry.Outputs.Length), gradients);
                }
                Release(entry);
                entries.RemoveAt(e);
                foreach (var parameter in entry.Last)
                    session.Consume(parameter);
            }
        }
        finally
        {
            Clear();
            session.SetPath(path);
            running = false;
        }
    }

    public void Clear()
    {
        for (int e = entries.Count - 1; e >= 0; e--)
            Release(entries[e]);
        entries.Clear();
    }

    private static void Release(in Entry entry)
    {
        foreach (var block in entry.Saved)
            block.Unsave();
        foreach (var y in entry.Outputs)
        {
            if (y.Gradient.Exists)
                y.Gradient.Block.Release();
            y.Gradient = default;
            y.RequiresGrad = false;
        }
    }
}
