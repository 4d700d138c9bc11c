import Files
import Foundation

/// A checkpoint: the state of a run as a directory.
///
/// ```
/// checkpoint-120/
///   state.json              what the run is, where it is, its history
///   model.safetensors       the weights in training
///   optimizer.safetensors   AdamW's moments
///   averages.safetensors    the weights' moving averages, where they are kept
///   objectives.safetensors  what objectives learn, where they do
///   best.safetensors        the best weights so far, and their logits for the validation data
///   student-42.safetensors  the same of each training that is done
///   SHA256SUMS              the files' digests, as `sha256sum -c` reads them
/// ```
struct Checkpoint {
    let record: CheckpointRecord
    let parts: [CheckpointPart]

    static let recordName = "state.json"
    static let sumsName = "SHA256SUMS"

    init(_ state: RunState, identity: RunIdentity) throws {
        record = CheckpointRecord(state, identity: identity)
        parts = try CheckpointPart.all(state)
    }

    // MARK: - Writing

    /// Writes the directory, which appears complete or not at all.
    ///
    /// Every checkpoint has all of its files to itself, so that what damages one leaves the others.
    ///
    /// - Throws: `FileError` where the disk is full or must not be written.
    func write(to url: URL) throws {
        let staged = try StagedDirectory(for: url, overwrite: true)
        var sums: [String: String] = [:]
        for part in parts {
            try part.write(to: staged.url)
            sums[part.file] = try Digest.sha256(ofFile: staged.url.appending(path: part.file))
        }
        let json = try record.json()
        try AtomicFile.write(json, to: staged.url.appending(path: Self.recordName))
        sums[Self.recordName] = Digest.sha256(json)
        let lines = sums.sorted { $0.key < $1.key }.map { "\($0.value)  \($0.key)\n" }
        try AtomicFile.write(lines.joined(), to: staged.url.appending(path: Self.sumsName))
        try staged.commit()
    }

    // MARK: - Reading

    /// Reads a checkpoint's description, after comparing all files with their digests.
    ///
    /// - Throws: ``DistillationError`` that names the file that is damaged, or missing.
    static func open(_ url: URL) throws -> CheckpointRecord {
        let sums = try sums(in: url)
        for (name, sum) in sums.sorted(by: { $0.key < $1.key }) {
            let file = url.appending(path: name)
            let own: String
            do { own = try Digest.sha256(ofFile: file) } catch let error as FileError {
                throw DistillationError("\(error); the checkpoint is not complete")
            }
            guard own == sum else {
                throw damaged(file, "its SHA-256 is not that of \(sumsName)")
            }
        }
        let file = url.appending(path: recordName)
        do {
            let json = Data(try bytes(of: file))
            // The version first: other versions may have other fields.
            struct Versioned: Decodable { var version: Int }
            let version = try JSONDecoder().decode(Versioned.self, from: json).version
            guard version == CheckpointRecord.currentVersion else {
                throw DistillationError(
                    "\(file.path): is of version \(version), which this program does not read; go on with the program that "
                        + "wrote it, or start anew")
            }
            return try CheckpointRecord(json: json)
        } catch let error as DecodingError {
            throw damaged(file, "\(error)")
        }
    }

    private static func bytes(of file: URL) throws -> [UInt8] {
        let mapped = try MappedFile(file)
        return withExtendedLifetime(mapped) { Array(mapped.bytes) }
    }

    private static func damaged(_ file: URL, _ reason: String) -> DistillationError {
        DistillationError("\(file.path): has changed since it was written: \(reason)")
    }

    private static func sums(in url: URL) throws -> [String: String] {
        let file = url.appending(path: sumsName)
        guard let text = String(validating: try bytes(of: file), as: UTF8.self) else {
            throw damaged(file, "it is not text")
        }
        var sums: [String: String] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) where !line.isEmpty {
            let name = String(line.dropFirst(66))
            // Names come from a file: they must not lead elsewhere.
            guard line.dropFirst(64).hasPrefix("  "), !name.isEmpty, !name.contains("/"), name != "..",
                sums.updateValue(String(line.prefix(64)), forKey: name) == nil
            else { throw damaged(file, "'\(Settings.short(String(line)))' is no digest of a file") }
        }
        guard sums[recordName] != nil else { throw damaged(file, "it does not name \(recordName)") }
        return sums
    }
}
