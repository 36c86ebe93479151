using System.IO.Enumeration;

namespace KernelTune.Data.Pictures;

/// <summary>A picture's file and the number of its class.</summary>
public readonly record struct LabelledPicture(string Path, int Label);

/// <summary>A folder with a folder of pictures a class: <c>root/class/*.png</c>. Folders within a class belong to it.</summary>
public sealed class PictureFolder
{
    private PictureFolder(string root, IReadOnlyList<string> classes, IReadOnlyList<LabelledPicture> items, int otherFiles) =>
        (Root, Classes, Items, OtherFiles) = (root, classes, items, otherFiles);

    public string Root { get; }

    /// <summary>The names of the classes; a label is an index into them.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>The pictures, class after class, within a class in the ordinal order of their paths.</summary>
    public IReadOnlyList<LabelledPicture> Items { get; }

    /// <summary>Files that were passed over because their names do not end as pictures' do.</summary>
    public int OtherFiles { get; }

    /// <summary>Lists a folder.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="classes">The classes wanted, whose order numbers them; other folders are passed over. Null: all folders, in ordinal order.</param>
    /// <exception cref="DataException">No such folder, a class that is not there, one without a picture, or no class at all.</exception>
    public static PictureFolder List(string root, IReadOnlyList<string>? classes = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(root);
        if (!Directory.Exists(root)) throw new DataException(root, File.Exists(root) ? "a file was found, a folder with a folder of pictures a class wanted" : "no such folder");
        try
        {
            string[] folders = [.. Directory.EnumerateDirectories(root).Select(f => Path.GetFileName(f)!).Where(f => !f.StartsWith('.')).Order(StringComparer.Ordinal)];
            if (classes is null) classes = folders;
            else Require(root, classes, folders);
            if (classes.Count == 0) throw new DataException(root, "no folders were found, one a class wanted");

            var items = new List<LabelledPicture>();
            int other = 0;
            for (int label = 0; label < classes.Count; label++)
            {
                int before = items.Count;
                string folder = Path.Combine(root, classes[label]);
                foreach (string file in FilesOf(folder).Order(StringComparer.Ordinal))
                {
                    if (PictureFile.HasKnownName(file)) items.Add(new LabelledPicture(file, label));
                    else other++;
                }

                if (items.Count == before) throw new DataException(folder, "no pictures were found (.png, .jpg, .jpeg, .webp, .gif, .bmp), at least one wanted");
            }

            return new PictureFolder(root, classes, items, other);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException(root, $"cannot be listed ({e.Message.Split('\n')[0].TrimEnd('\r', '.')})", inner: e);
        }
    }

    /// <summary>Files of a folder and of those in it, hidden ones left out. Links to files are followed, links to folders are not: they may lead back.</summary>
    private static FileSystemEnumerable<string> FilesOf(string folder) =>
        new(folder, static (ref FileSystemEntry entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false })
        {
            ShouldIncludePredicate = static (ref FileSystemEntry entry) => !entry.IsDirectory && entry.FileName is not ['.', ..],
            ShouldRecursePredicate = static (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0 && entry.FileName is not ['.', ..],
        };

    private static void Require(string root, IReadOnlyList<string> classes, string[] folders)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in classes)
        {
            if (!seen.Add(name)) throw new DataException(root, $"the class {name} is listed twice");
            if (!folders.Contains(name, StringComparer.Ordinal))
                throw new DataException(root, $"no folder of the class {name}; there are {string.Join(", ", folders.Take(20))}{(folders.Length > 20 ? " …" : "")}");
        }
    }
}
