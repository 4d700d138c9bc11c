import JSON
import Storage

/// The digests of a model directory's files, kept with it in `quantization.json`, so that loading detects any
/// change.
public enum ChecksumManifest {
    public static let fileName = "quantization.json"

    /// Computes the SHA-256 of every file in a directory except the manifest's own, by name; those of modules, in folders of their own,
    /// as `1_Pooling/config.json`.
    ///
    /// - Throws: `FileError` where one cannot be read.
    public static func digests(of directory: some FileLocation) throws -> [String: String] {
        var digests: [String: String] = [:]
        for name in try FileSystem.names(in: directory)
        where name != fileName {
            let file = directory.entry(name)
            guard FileKind(file.description) == .directory else {
                digests[name] = try Digest.sha256(ofFile: file)
                continue
            }
            for member in try FileSystem.names(in: file) {
                digests["\(name)/\(member)"] = try Digest.sha256(ofFile: file.entry(member))
            }
        }
        return digests
    }

    /// Returns true for the name of a file in the directory, or in a folder of it.
    private static func isMember(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= 2 && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }

    /// Compares the files with their digests, where the directory has some.
    ///
    /// - Throws: ``ArchitectureError`` that names the file that has changed or is missing; `JSONError`.
    public static func verify(_ directory: some FileLocation) throws {
        let file = directory.entry(fileName)
        guard file.fileExists else { return }
        guard let files = try JSONValue.load(contentsOf: file).objectValue?["files"]?.objectValue else {
            throw ArchitectureError(
                "\(file): has no \"files\" with the digests of the model's files; quantise the model again"
            )
        }
        for (name, value) in files {
            // Names come from a file: they must not lead elsewhere.
            guard let digest = value.stringValue, isMember(name) else {
                throw ArchitectureError(
                    "\(file): \"files\" has the entry '\(name)', which is no file's digest; quantise the model again"
                )
            }
            let member = directory.entry(name)
            guard member.fileExists else {
                throw ArchitectureError(
                    "\(member): is missing, though \(fileName) lists it; quantise the model again")
            }
            guard try Digest.sha256(ofFile: member) == digest else {
                throw ArchitectureError(
                    "\(member): has changed since the model was quantised (its SHA-256 is not that of "
                        + "\(fileName)); quantise the model again")
            }
        }
    }
}
