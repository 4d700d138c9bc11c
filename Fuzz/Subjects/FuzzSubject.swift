import Foundation

/// A parser, as it is fuzzed: whatever the bytes are, it returns or throws an error; it never traps, hangs, or takes memory out of
/// proportion to the input.
public struct FuzzSubject: Sendable {
    /// The subject's name, which is its corpus' directory too.
    public let name: String
    /// Parses an input. Errors of the parser are caught.
    public let parse: @Sendable ([UInt8]) -> Void
    /// Files of the repository that make good beginnings: directories or files, from its root.
    public let seeds: [String]

    /// All subjects.
    public static let all: [FuzzSubject] = texts + models + languageModels + data + scores + runs

    init(_ name: String, seeds: [String] = [], _ parse: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.seeds = seeds
        self.parse = { bytes in
            // Every error has a text that can be printed.
            do { try parse(bytes) } catch { _ = "\(error)".utf8.count }
        }
    }

    /// A parser of files, one of which is made of the input.
    ///
    /// - Parameters:
    ///   - file: The file's name.
    ///   - others: Other files of its directory, by name.
    init(
        _ name: String, file: String, others: [String: String] = [:], seeds: [String] = [],
        _ parse: @escaping @Sendable (_ directory: URL, _ file: URL) throws -> Void
    ) {
        self.init(name, seeds: seeds) { bytes in
            let directory = Self.scratch.appending(path: name, directoryHint: .isDirectory)
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            for (other, text) in others {
                let url = directory.appending(path: other)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: url)
            }
            let url = directory.appending(path: file)
            try Data(bytes).write(to: url)
            try parse(directory, url)
        }
    }

    /// A directory in memory where the system has one.
    private static let scratch: URL = {
        let memory = "/dev/shm"
        let parent =
            FileManager.default.isWritableFile(atPath: memory)
            ? URL(filePath: memory) : FileManager.default.temporaryDirectory
        return parent.appending(path: "distill-fuzz-\(ProcessInfo.processInfo.processIdentifier)")
    }()

    /// Removes the files that subjects have made.
    public static func removeScratch() { try? FileManager.default.removeItem(at: scratch) }

    /// Ends the process as a finding where something does not hold.
    static func require(_ holds: Bool, _ message: @autoclosure () -> String) {
        if !holds { fatalError(message()) }
    }
}
