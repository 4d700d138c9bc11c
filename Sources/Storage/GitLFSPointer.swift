/// The placeholder that a clone without Git LFS has instead of a large file: a few lines that name it.
public enum GitLFSPointer {
    private static let start = Array("version https://git-lfs.github.com/spec/".utf8)

    /// Returns true if a file's bytes are such a pointer.
    public static func isPointer(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count < 1024 && bytes.starts(with: start)
    }

    /// The description of the problem, and the remedy.
    public static let advice =
        "is a Git LFS pointer, a placeholder for a file that was not fetched; run `git lfs pull` in its repository, or "
        + "fetch the model with `distill download`"
}
