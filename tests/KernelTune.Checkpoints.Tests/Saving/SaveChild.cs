using System.Diagnostics;
using System.Globalization;

namespace KernelTune.Checkpoints.Tests;

/// <summary>
/// The process that is killed: run as <c>save WHAT FOLDER N</c> it saves and ends itself with SIGKILL at the Nth moment, before or after a
/// step; where the save is over before, it prints how many moments there were.
/// </summary>
internal static class SaveChild
{
    public static int Main(string[] args)
    {
        if (args is not ["save", var what, var folder, var n])
            return 0;
        var probe = new KillAt(int.Parse(n, CultureInfo.InvariantCulture));
        Save(what, folder, 2, probe);
        Console.Out.Write(probe.Count);
        return 0;
    }

    /// <summary>What is saved: everything in it says <paramref name="version"/>.</summary>
    public static void Save(string what, string folder, int version, ISaveProbe? probe)
    {
        if (what == "file")
        {
            AtomicFile.Write(Path.Combine(folder, "file.txt"), Content(version), probe);
            return;
        }

        var name = what == "best" ? "best" : "checkpoint-" + version;
        using var saved = AtomicFolder.Begin(Path.Combine(folder, name), what == "best" ? null : ".tmp-step-" + version, probe);
        saved.Write("state/optimizer.bin", Content(version));
        saved.WriteSafetensors("adapter_model.safetensors", [TensorToSave.Of("a", [3], new float[] { version, version, version })]);
        saved.Commit(updateLatest: what == "checkpoint");
    }

    public static byte[] Content(int version) => System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat($"version {version}\n", 100)));

    private sealed class KillAt(int n) : ISaveProbe
    {
        public int Count { get; private set; }

        public void Before(SaveAction action, string path) => Moment();

        public void After(SaveAction action, string path) => Moment();

        private void Moment()
        {
            if (++Count != n)
                return;
            Process.GetCurrentProcess().Kill();     // SIGKILL: nothing after this runs
            Thread.Sleep(Timeout.Infinite);
        }
    }
}
