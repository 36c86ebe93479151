namespace KernelTune.Checkpoints.Tests;

public sealed class SavingTests
{
    private ScratchFolder _scratch = null!;

    [SetUp]
    public void SetUp() => _scratch = new ScratchFolder();

    [TearDown]
    public void TearDown() => _scratch.Dispose();

    [Test]
    public void A_folder_is_flushed_before_its_manifest_and_renamed_last()
    {
        var steps = new Recorder();
        using (var folder = AtomicFolder.Begin(_scratch["checkpoint-3"], ".tmp-step-3", steps))
        {
            folder.Write("a.txt", "a");
            folder.Commit(updateLatest: true);
        }

        Assert.That(steps.Steps, Is.EqualTo(new[]
        {
            "Create .tmp-step-3", "Create a.txt", "Write a.txt", "Flush a.txt", "Create manifest.json", "Write manifest.json", "Flush manifest.json",
            "SyncFolder .tmp-step-3", "Rename checkpoint-3", "SyncFolder " + Path.GetFileName(_scratch.Path),
            "Create .tmp-latest", "Write .tmp-latest", "Flush .tmp-latest", "Rename latest", "SyncFolder " + Path.GetFileName(_scratch.Path),
        }));
        Assert.That(File.ReadAllText(_scratch["latest"]), Is.EqualTo("checkpoint-3\n"));
        var manifest = Manifest.Read(_scratch["checkpoint-3"]);
        Assert.That(manifest.Files, Is.EqualTo(new[] { new ManifestFile("a.txt", 1, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb") }));
    }

    [Test]
    public void A_save_that_fails_leaves_no_trace()
    {
        using (var folder = AtomicFolder.Begin(_scratch["x"]))
            folder.Write("a.txt", "a");
        Assert.That(Directory.GetFileSystemEntries(_scratch.Path), Is.Empty);
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(_scratch["f"], _ => throw new InvalidOperationException("no")));
        Assert.That(Directory.GetFileSystemEntries(_scratch.Path), Is.Empty);
    }

    [TestCase("../x")]
    [TestCase("/x")]
    [TestCase("a//b")]
    [TestCase("./a")]
    [TestCase("")]
    public void Files_stay_in_their_folder(string relative)
    {
        using var folder = AtomicFolder.Begin(_scratch["x"]);
        Assert.That(Assert.Throws<ArgumentException>(() => folder.Write(relative, "x"))!.Message, Does.Contain("does not lie in the folder"));
    }

    [Test]
    public void Fault17_a_folder_that_is_being_read_is_not_replaced()
    {
        using (var folder = AtomicFolder.Begin(_scratch["base"]))
        {
            folder.WriteSafetensors("model.safetensors", [TensorToSave.Of("a", [1], new[] { 5f })]);
            folder.Commit();
        }

        using var source = SafetensorsFile.Open(_scratch["base/model.safetensors"]);
        using (var folder = AtomicFolder.Begin(_scratch["base"]))
        {
            var error = Assert.Throws<CheckpointException>(() => folder.WriteSafetensors("other.safetensors", [TensorToSave.Copy(source, "a")]))!;
            Assert.That(error.Message, Is.EqualTo($"{_scratch["base"]}, tensor \"a\": \"{source.Location}\" is read from this very folder; save to another one"));
            Assert.That(Assert.Throws<CheckpointException>(() => folder.Copy(source.Location, "x"))!.Message, Does.EndWith("is read from this very folder; save to another one"));
        }

        Assert.That(source.ReadF32("a"), Is.EqualTo(new[] { 5f }));
    }

    [Test]
    public void A_folder_of_other_things_is_not_replaced()
    {
        var file = _scratch.Write("home/letter.txt", "dear");
        var error = Assert.Throws<CheckpointStorageException>(() => AtomicFolder.Begin(_scratch["home"]))!;
        Assert.That(error.Fault, Is.EqualTo(StorageFault.NotEmpty));
        Assert.That(error.Message, Does.EndWith("it holds files and no manifest.json: it was not saved by KernelTune and is not replaced"));
        Assert.That(Assert.Throws<CheckpointStorageException>(() => AtomicFolder.Begin(file))!.Message, Does.EndWith("a file stands there, a folder wanted"));
        Assert.That(File.ReadAllText(file), Is.EqualTo("dear"));
    }

    [Test]
    public void Fault54_a_full_disk_is_a_typed_error()
    {
        if (!File.Exists("/dev/full"))
            Assert.Ignore("there is no /dev/full here");
        var error = Assert.Throws<CheckpointStorageException>(() => SafetensorsWriter.Save("/dev/full", [TensorToSave.Of("a", [1], new float[1])]))!;
        Assert.That(error.Fault, Is.EqualTo(StorageFault.DiskFull));
        Assert.That(error.Message, Is.EqualTo("/dev/full: cannot be written: no space left on the disk"));
    }

    [TestCase(28, StorageFault.DiskFull)]
    [TestCase(122, StorageFault.DiskFull)]
    [TestCase(30, StorageFault.ReadOnly)]
    [TestCase(13, StorageFault.ReadOnly)]
    [TestCase(5, StorageFault.Other)]
    public void Fault55_the_systems_numbers_are_told_apart(int number, StorageFault fault) =>
        Assert.That(CheckpointStorageException.From("f", SaveAction.Write, new IOException("x", number)).Fault, Is.EqualTo(fault));

    [Test]
    public void Fault55_an_output_folder_that_cannot_be_used_fails_before_anything_runs()
    {
        _scratch.Write("full/recipe.yaml", "x");
        var error = Assert.Throws<CheckpointStorageException>(() => OutputFolder.Prepare(_scratch["full"], mustBeEmpty: true))!;
        Assert.That(error.Fault, Is.EqualTo(StorageFault.NotEmpty));
        Assert.That(error.Message, Does.EndWith("it is not empty (it holds \"recipe.yaml\"), an empty folder wanted"));
        Assert.That(() => OutputFolder.Prepare(_scratch["full"], mustBeEmpty: false), Throws.Nothing);
        Assert.That(Directory.GetFileSystemEntries(_scratch["full"]), Has.Length.EqualTo(1));

        var file = _scratch.Write("file", "x");
        Assert.That(Assert.Throws<CheckpointStorageException>(() => OutputFolder.Prepare(file, mustBeEmpty: true))!.Message, Does.EndWith("a file stands there, a folder wanted"));

        using var held = OutputLock(_scratch["new"]);
        Assert.That(() => OutputFolder.Prepare(_scratch["new"], mustBeEmpty: true), Throws.Nothing);
    }

    [Test]
    public void Fault55_a_read_only_folder_is_a_typed_error()
    {
        if (OperatingSystem.IsWindows() || Environment.UserName == "root")
        {
            Assert.Ignore("permissions do not bind this user");
            return;
        }

        Directory.CreateDirectory(_scratch["ro"]);
        File.SetUnixFileMode(_scratch["ro"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.That(Assert.Throws<CheckpointStorageException>(() => OutputFolder.Prepare(_scratch["ro"], mustBeEmpty: true))!.Fault, Is.EqualTo(StorageFault.ReadOnly));
    }

    [Test]
    public void Fault56_a_torn_or_altered_file_is_caught_and_the_one_before_is_taken()
    {
        foreach (var step in new[] { 9, 10, 100 })
        {
            using var folder = AtomicFolder.Begin(_scratch[$"checkpoint-{step}"]);
            folder.Write("w.bin", new byte[1000]);
            folder.Commit();
        }

        Assert.That(CheckpointFolders.LastComplete(_scratch.Path).Step, Is.EqualTo(100));
        using (var flip = new FileStream(_scratch["checkpoint-100/w.bin"], FileMode.Open))
        {
            flip.Position = 500;
            flip.WriteByte(1);
        }

        using (var tear = new FileStream(_scratch["checkpoint-10/w.bin"], FileMode.Open))
            tear.SetLength(999);
        Directory.CreateDirectory(_scratch["checkpoint-11"]);

        var found = CheckpointFolders.LastComplete(_scratch.Path);
        Assert.That((found.Step, found.Path), Is.EqualTo((9L, _scratch["checkpoint-9"])));
        var (altered, whole) = (new byte[1000], new byte[1000]);
        altered[500] = 1;
        Assert.That(found.Rejected.Select(e => e.Message), Is.EqualTo(new[]
        {
            $"{_scratch["checkpoint-100/w.bin"]}: SHA-256 {Hash(altered)} was found, {Hash(whole)} wanted (manifest.json): the file was altered",
            _scratch["checkpoint-11/manifest.json"] + ": no such file",
            _scratch["checkpoint-10/w.bin"] + ": 999 bytes were found, 1000 wanted (manifest.json)",
        }));

        static string Hash(byte[] bytes) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
    }

    [TestCase("{\"version\":2,\"files\":[]}", "key \"version\": 2 was found, at most 1 wanted: a newer KernelTune wrote it")]
    [TestCase("{\"version\":1}", "key \"files\": an array wanted")]
    [TestCase("{\"version\":1,\"files\":[{\"path\":\"../x\",\"bytes\":1,\"sha256\":\"\"}]}", "objects of path (inside the folder), bytes and sha256 wanted")]
    [TestCase("{\"version\":1,\"files\":[1]}", "objects of path")]
    [TestCase("nonsense", "not valid JSON at line 1, column 2")]
    public void Fault56_a_manifest_that_is_none(string json, string message)
    {
        _scratch.Write("checkpoint-1/manifest.json", json);
        var found = CheckpointFolders.LastComplete(_scratch.Path);
        Assert.That(found.Path, Is.Null);
        Assert.That(found.Rejected.Single().Message, Does.Contain(message));
    }

    [Test]
    public void Prune_keeps_the_newest()
    {
        foreach (var step in new[] { 2, 10, 30, 4 })
            Directory.CreateDirectory(_scratch[$"checkpoint-{step}"]);
        Directory.CreateDirectory(_scratch["checkpoint-x"]);
        CheckpointFolders.Prune(_scratch.Path, 2);
        Assert.That(CheckpointFolders.List(_scratch.Path).Select(c => c.Step), Is.EqualTo(new[] { 10L, 30L }));
        Assert.That(Directory.Exists(_scratch["checkpoint-x"]), Is.True);
    }

    [Test]
    public void A_folder_that_was_being_replaced_gets_its_name_back()
    {
        _scratch.Write(".old-best/a", "old");
        _scratch.Write(".old-final/a", "old");
        _scratch.Write("final/a", "new");
        CheckpointFolders.Sweep(_scratch.Path);
        Assert.That(File.ReadAllText(_scratch["best/a"]), Is.EqualTo("old"));
        Assert.That(File.ReadAllText(_scratch["final/a"]), Is.EqualTo("new"));
        Assert.That(Directory.GetDirectories(_scratch.Path), Has.Length.EqualTo(2));
    }

    [Test]
    public void Fault61_two_runs_in_one_folder()
    {
        using (OutputLock(_scratch["run"]))
        {
            var error = Assert.Throws<CheckpointStorageException>(() => FolderLock.Take(_scratch["run"]))!;
            Assert.That(error.Fault, Is.EqualTo(StorageFault.Locked));
            Assert.That(error.Message, Is.EqualTo(_scratch["run"] + ": another run is using this folder (it holds .lock)"));
        }

        using var again = FolderLock.Take(_scratch["run"]);
        Assert.That(again, Is.Not.Null);
    }

    private static FolderLock OutputLock(string folder)
    {
        OutputFolder.Prepare(folder, mustBeEmpty: true);
        return FolderLock.Take(folder);
    }

    private sealed class Recorder : ISaveProbe
    {
        public List<string> Steps { get; } = [];

        public void Before(SaveAction action, string path) => Steps.Add($"{action} {Path.GetFileName(path)}");

        public void After(SaveAction action, string path) => Assert.That(Steps[^1], Is.EqualTo($"{action} {Path.GetFileName(path)}"));
    }
}
