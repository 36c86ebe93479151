using System.Buffers;
using System.Text;

namespace KernelTune.Checkpoints;

/// <summary>
/// A folder that is saved as a whole. Its files are written and flushed in a temporary folder beside it, then a manifest; then the folder
/// is flushed, renamed, its parent flushed, and <c>latest</c> brought up to date. A crash at any moment leaves either the old folder or
/// the new one under the name, complete.
/// </summary>
public sealed class AtomicFolder : IDisposable
{
    internal const string ReplacedPrefix = ".old-";

    /// <summary>The file beside the checkpoints that names the newest.</summary>
    public const string LatestFile = "latest";

    private readonly SaveSteps _steps;
    private readonly ISaveProbe? _probe;
    private readonly string _parent;
    private readonly List<ManifestFile> _files = [];
    private readonly List<string> _folders = [];
    private bool _committed;

    private AtomicFolder(string target, string temporary, ISaveProbe? probe)
    {
        Target = target;
        Temporary = temporary;
        _parent = Path.GetDirectoryName(target)!;
        _probe = probe;
        _steps = new SaveSteps(probe);
    }

    /// <summary>The folder's name once it is complete.</summary>
    public string Target { get; }

    /// <summary>Where it is written meanwhile.</summary>
    public string Temporary { get; }

    /// <summary>
    /// Begins the folder <paramref name="target"/>; its parent is created where it is absent. <paramref name="temporaryName"/> is by default
    /// ".tmp-" and the target's name; one that is left over from a crash is removed first. A folder that stands under the name is replaced
    /// only if it is empty or was saved here, which its manifest shows.
    /// </summary>
    /// <exception cref="CheckpointStorageException">The parent cannot be written to; a file or a folder of other things stands under the name.</exception>
    public static AtomicFolder Begin(string target, string? temporaryName = null, ISaveProbe? probe = null)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        var parent = Path.GetDirectoryName(full) ?? throw new ArgumentException($"{target} has no parent folder", nameof(target));
        var name = temporaryName ?? AtomicFile.TemporaryPrefix + Path.GetFileName(full);
        if (!SafePath.IsPlain(name) || !name.StartsWith(AtomicFile.TemporaryPrefix, StringComparison.Ordinal))
            throw new ArgumentException($"a temporary folder is called {AtomicFile.TemporaryPrefix}…, not {name}", nameof(temporaryName));
        if (File.Exists(full))
            throw new CheckpointStorageException(target, StorageFault.Other, "a file stands there, a folder wanted");
        if (Directory.Exists(full) && !File.Exists(Path.Combine(full, Manifest.FileName)) && Directory.EnumerateFileSystemEntries(full).Any())
            throw new CheckpointStorageException(
                target, StorageFault.NotEmpty, $"it holds files and no {Manifest.FileName}: it was not saved by KernelTune and is not replaced");
        var folder = new AtomicFolder(full, Path.Combine(parent, name), probe);
        if (Directory.Exists(folder.Temporary))
            folder._steps.DeleteFolder(folder.Temporary);
        folder._steps.CreateFolder(folder.Temporary);
        return folder;
    }

    /// <summary>Writes one file. <paramref name="relative"/> may lie in subfolders ("final/x.json"), which are created.</summary>
    public void Write(string relative, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        if (!SafePath.IsPlain(relative))
            throw new ArgumentException($"{relative} does not lie in the folder", nameof(relative));
        if (_files.Exists(f => f.Path == relative))
            throw new ArgumentException($"{relative} was written already", nameof(relative));
        CreateFoldersOf(relative);
        using var stream = new SaveStream(Path.Combine(Temporary, relative), _steps, hashed: true);
        write(stream);
        _files.Add(new ManifestFile(relative, stream.Length, stream.Finish()));
    }

    public void Write(string relative, ReadOnlyMemory<byte> bytes) => Write(relative, stream => stream.Write(bytes.Span));

    public void Write(string relative, string text) => Write(relative, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes tensors as <see cref="SafetensorsWriter"/> does.</summary>
    public void WriteSafetensors(
        string relative,
        IEnumerable<TensorToSave> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        SafetensorsOrder order = SafetensorsOrder.Library)
    {
        var list = tensors.ToList();
        foreach (var tensor in list)
        {
            foreach (var origin in tensor.Origin)
                RefuseOwnSource(origin, tensor.Name);
        }

        Write(relative, stream => SafetensorsWriter.Write(stream, list, metadata, order));
    }

    /// <summary>Copies a file as it is.</summary>
    public void Copy(string sourceFile, string relative)
    {
        RefuseOwnSource(sourceFile, null);
        using var source = SourceFile.Open(sourceFile);
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
        Write(relative, stream =>
        {
            for (var at = 0L; at < source.Length;)
            {
                var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, source.Length - at));
                source.ReadExactly(at, piece);
                stream.Write(piece);
                at += piece.Length;
            }
        });
        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>
    /// Manifest, flush, rename, flush of the parent; then, where <paramref name="updateLatest"/> says so, <c>latest</c> names this folder.
    /// A folder that stands under the name already is replaced, in one step where the system can exchange names.
    /// </summary>
    public void Commit(bool updateLatest = false)
    {
        ObjectDisposedException.ThrowIf(_committed, this);
        var manifest = new Manifest(_files).ToJson();
        using (var stream = new SaveStream(Path.Combine(Temporary, Manifest.FileName), _steps, hashed: false))
        {
            stream.Write(manifest);
            stream.Finish();
        }

        foreach (var folder in _folders)
            _steps.SyncFolder(Path.Combine(Temporary, folder));
        _steps.SyncFolder(Temporary);
        TakeName();
        _committed = true;
        if (updateLatest)
            AtomicFile.Write(Path.Combine(_parent, LatestFile), Encoding.UTF8.GetBytes(Path.GetFileName(Target) + "\n"), _probe);
    }

    /// <summary>Without <see cref="Commit"/>: removes the temporary folder; what stood under the name still does.</summary>
    public void Dispose()
    {
        if (_committed)
            return;
        _committed = true;
        try
        {
            Directory.Delete(Temporary, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error that brought us here is the one to report; what stays behind is swept by the next run.
        }
    }

    // The folder under the name goes when this one takes its place, and all that it holds with it.
    private void RefuseOwnSource(string origin, string? tensor)
    {
        if (Posix.RealPath(Target) is { } target && Posix.RealPath(origin)?.StartsWith(target + Path.DirectorySeparatorChar, StringComparison.Ordinal) == true)
            throw new CheckpointException(Target, $"{CheckpointException.Quote(origin)} is read from this very folder; save to another one", tensor: tensor);
    }

    private void TakeName()
    {
        if (!Directory.Exists(Target))
        {
            _steps.RenameFolder(Temporary, Target);
            _steps.SyncFolder(_parent);
        }
        else if (_steps.TryExchange(Temporary, Target))
        {
            _steps.SyncFolder(_parent);
            _steps.DeleteFolder(Temporary);     // after the exchange this is the old folder
        }
        else
        {
            // Two renames: between them the old folder stands under its other name, from where Sweep brings it back.
            var replaced = Path.Combine(_parent, ReplacedPrefix + Path.GetFileName(Target));
            if (Directory.Exists(replaced))
                _steps.DeleteFolder(replaced);
            _steps.RenameFolder(Target, replaced);
            _steps.RenameFolder(Temporary, Target);
            _steps.SyncFolder(_parent);
            _steps.DeleteFolder(replaced);
        }
    }

    private void CreateFoldersOf(string relative)
    {
        for (var slash = relative.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = relative.IndexOf('/', slash + 1))
        {
            var folder = relative[..slash];
            if (_folders.Contains(folder))
                continue;
            _steps.CreateFolder(Path.Combine(Temporary, folder));
            _folders.Add(folder);
        }
    }
}
