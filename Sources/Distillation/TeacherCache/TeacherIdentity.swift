import Files
import Foundation
import JSON
import Torch

/// Everything that determines a teacher's outputs for given tokens: its files and its precision.
struct TeacherIdentity: Sendable {
    /// The version of the computation, to be raised where the same teacher would give other outputs than before.
    static let version = 1

    let files: [(name: String, sha256: String)]
    let precision: Precision
    let device: Device.Kind
    let labels: [String]
    let form: OutputForm
    /// The teacher's directory, which is not part of the identity.
    let directory: URL

    /// - Throws: `FileError` where one of the teacher's files cannot be read.
    ///
    /// - Parameter coding: How a language model's hidden states are kept.
    init(
        _ teacher: LoadedModel, precision: Precision, coding: TeacherStateCoding = .float32, memo: DigestMemo
    ) throws {
        files = try ModelDigest.model(teacher.directory, memo: memo)
        self.precision = precision.resolved(on: teacher.model.device)
        device = teacher.model.device.kind
        labels = teacher.labels.names
        form = teacher.outputForm(coding)
        directory = teacher.directory
    }

    /// The name of the file that holds ``description``.
    static let fileName = "teacher.json"
    /// The name of a file for people: it holds the teacher's directory when its outputs were last used.
    static let sourceName = "source.json"

    /// Writes the teacher's directory beside its outputs.
    ///
    /// - Throws: `FileError`.
    func writeSource(to folder: URL) throws {
        let source: JSONValue = [
            "directory": .string(directory.standardizedFileURL.path(percentEncoded: false))
        ]
        let (file, text) = (folder.appending(path: Self.sourceName), source.serialized() + "\n")
        guard (try? String(contentsOf: file, encoding: .utf8)) != text else { return }
        try AtomicFile.write(text, to: file)
    }

    /// The name of the teacher's folder in the cache.
    var key: String { Digest.sha256(description) }

    /// The text of `teacher.json`.
    var description: String {
        var object: JSONObject = [
            "version": .integer(Self.version), "precision": .string(precision.rawValue),
            "device": .string(device.rawValue), "labels": .array(labels.map(JSONValue.string)),
            "files": .array(
                files.map { ["name": .string($0.name), "sha256": .string($0.sha256)] as JSONValue }),
        ]
        if form.kind != OutputForm.logits(0).kind {
            object["outputs"] = .string("\(form.kind) as \(form.coding)")
        }
        return JSONValue.object(object).serialized() + "\n"
    }
}
