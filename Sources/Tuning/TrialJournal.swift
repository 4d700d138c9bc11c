import Distillation
import Files
import Foundation

/// The finished runs of a search, a line of JSON each, so that the search can go on where it was interrupted.
///
/// The first line says which search it is. A line is written once a run is done and never changes. While a journal is
/// open, no other process can open it.
public final class TrialJournal: @unchecked Sendable {
    /// The name of the file in a search's output directory.
    public static let fileName = "trials.jsonl"

    /// The file's location.
    public let url: URL
    /// The runs that were there when it was opened, in the order in which they were written.
    public let records: [TrialRecord]
    /// Warnings about problems of the file that have been repaired.
    public let warnings: [String]
    private let file: AppendedFile
    private let lock: FileLock

    /// The first line.
    private struct Header: Codable {
        var search: SearchIdentity
        var digest: String
    }

    /// Opens the journal of a search, or starts one.
    ///
    /// - Parameters:
    ///   - directory: The search's output directory; it is made if it is not there.
    ///   - identity: The search. A journal of another one is refused.
    ///   - overwrite: True to start anew, whatever is there.
    /// - Throws: `DistillationError` for the journal of another search, for one that another process writes, and for
    ///   a damaged one; `FileError` where the directory cannot be read or written, and
    ///   `FileError.exists` where it has other files but no journal.
    public init(directory: URL, identity: SearchIdentity, overwrite: Bool = false) throws {
        url = directory.appending(path: Self.fileName)
        let path = url.path(percentEncoded: false)
        let manager = FileManager.default
        let hasJournal = manager.fileExists(atPath: path)
        if !hasJournal, !overwrite,
            let entries = try? manager.contentsOfDirectory(atPath: directory.path(percentEncoded: false)),
            entries.contains(where: { $0 != Self.lockName })
        {
            throw FileError.exists(directory.path(percentEncoded: false))
        }
        do {
            try manager.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw FileError.writeFailed(
                directory.path(percentEncoded: false), reason: error.localizedDescription)
        }
        guard let lock = FileLock(directory.appending(path: Self.lockName)) else {
            throw DistillationError(
                "\(path): another process is writing it, or its directory cannot be written; wait for the other "
                    + "search, or choose another --output")
        }
        self.lock = lock

        var contents = Contents()
        if hasJournal, !overwrite { contents = try Self.read(url, identity) }
        if contents.needsWriting {
            let header = try Self.line(Header(search: identity, digest: identity.digest))
            try AtomicFile.write(header + contents.records.map(Self.line).joined(), to: url)
        }
        records = contents.records
        warnings = contents.warnings
        file = try AppendedFile(url)
    }

    deinit { lock.unlock() }

    private static let lockName = ".lock"

    /// Appends a finished run.
    ///
    /// - Parameter record: The run.
    /// - Throws: `FileError` where the disk is full.
    public func append(_ record: TrialRecord) throws { try file.append(Self.line(record).utf8) }

    private static func line(_ value: some Encodable) throws -> String {
        try JSONText.encode(value, pretty: false) + "\n"
    }

    // MARK: - Reading

    private struct Contents {
        var records: [TrialRecord] = []
        var warnings: [String] = []
        /// True if the file is missing or must be repaired.
        var needsWriting = true
    }

    private static func read(_ url: URL, _ identity: SearchIdentity) throws -> Contents {
        let path = url.path(percentEncoded: false)
        let bytes = try MappedFile(url)
        var lines = bytes.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var contents = Contents()
        contents.needsWriting = false
        // After the last line end there should be nothing: anything else was not written to its end.
        var torn = lines.popLast().map { !$0.isEmpty } ?? false
        func decode<Value: Decodable>(_ type: Value.Type, _ line: Int) -> Value? {
            try? JSONText.decode(type, from: String(decoding: lines[line], as: UTF8.self))
        }
        guard !lines.isEmpty else {
            contents.needsWriting = true
            if torn {
                contents.warnings.append(
                    "\(path): was not written to the end of its first line; it is new now")
            }
            return contents
        }
        guard let header = decode(Header.self, 0) else {
            throw DistillationError(
                "\(path), line 1: this is not the journal of a search; choose another --output, or pass "
                    + "--overwrite")
        }
        guard header.digest == identity.digest else {
            let difference = identity.difference(from: header.search) ?? "its first line was changed"
            throw DistillationError(
                "\(path): belongs to another search: \(difference); choose another --output, or pass "
                    + "--overwrite to start anew")
        }
        for line in lines.indices.dropFirst() {
            if let record = decode(TrialRecord.self, line) {
                contents.records.append(record)
            } else if line == lines.count - 1, !torn {
                torn = true
            } else {
                throw DistillationError(
                    "\(path), line \(line + 1): this is not a finished run; remove the line, or pass --overwrite "
                        + "to start anew")
            }
        }
        if torn {
            contents.needsWriting = true
            contents.warnings.append(
                "\(path): the last line was not written to its end; that run is done again")
        }
        return contents
    }
}
