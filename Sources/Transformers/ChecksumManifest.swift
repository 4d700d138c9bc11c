import Files
import Foundation
import JSON

/// The digests of a model directory's files, kept with it in `quantization.json`, so that loading detects any
/// change.
public enum ChecksumManifest {
    public static let fileName = "quantization.json"

    /// Computes the SHA-256 of every file in a directory except the manifest's own, by name.
    ///
    /// - Throws: `FileError` where one cannot be read.
    public static func digests(of directory: URL) throws -> [String: String] {
        var digests: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.plainPath)
        where name != fileName {
            digests[name] = try Digest.sha256(ofFile: directory.appending(path: name))
        }
        return digests
    }

    /// Compares the files with their digests, where the directory has some.
    ///
    /// - Throws: ``TransformersError`` that names the file that has changed or is missing; `JSONError`.
    public static func verify(_ directory: URL) throws {
        let file = directory.appending(path: fileName)
        guard file.fileExists else { return }
        guard let files = try JSONValue.load(contentsOf: file).objectValue?["files"]?.objectValue else {
            throw TransformersError(
                "\(file.plainPath): has no \"files\" with the digests of the model's files; quantise the model again"
            )
        }
        for (name, value) in files {
            // Names come from a file: they must not lead elsewhere.
            guard let digest = value.stringValue, !name.contains("/"), name != "..", name != "." else {
                throw TransformersError(
                    "\(file.plainPath): \"files\" has the entry '\(name)', which is no file's digest; quantise the model again"
                )
            }
            let member = directory.appending(path: name)
            guard member.fileExists else {
                throw TransformersError(
                    "\(member.plainPath): is missing, though \(fileName) lists it; quantise the model again")
            }
            guard try Digest.sha256(ofFile: member) == digest else {
                throw TransformersError(
                    "\(member.plainPath): has changed since the model was quantised (its SHA-256 is not that of "
                        + "\(fileName)); quantise the model again")
            }
        }
    }
}
