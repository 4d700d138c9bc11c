import Foundation
import Testing

/// Runs the program that was built beside the tests.
enum Program {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    static let executable: URL = {
        // The user's own cache stays as it is.
        let cache = FileManager.default.temporaryDirectory.appending(
            path: "distill-cli-cache-\(UUID().uuidString)")
        setenv("DISTILL_CACHE", cache.path, 1)
        let bundle = URL(filePath: CommandLine.arguments[0])
        return bundle.deletingLastPathComponent().appending(path: "distill")
    }()

    static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let teacher = repository.appending(path: "Tests/InteropTests/Fixtures/tiny-teacher")
    static let reviews = repository.appending(path: "Tests/InteropTests/Fixtures/reviews.csv")

    /// Ends a process that hangs, so that its test fails instead of waiting for ever.
    static func startWatchdog(_ process: Process) {
        let identifier = process.processIdentifier
        DispatchQueue.global().asyncAfter(deadline: .now() + 180) { [weak process] in
            if process?.isRunning == true { kill(identifier, SIGKILL) }
        }
    }

    /// - Parameters:
    ///   - fileSizeLimit: In blocks of 1,024 bytes: writing beyond it fails, as on a full disk.
    ///   - environment: Variables beside the tests' own.
    ///   - program: Its name.
    static func run(
        _ arguments: [String], input: String? = nil, fileSizeLimit: Int? = nil,
        environment: [String: String] = [:], program: String = "distill"
    ) throws -> Result {
        let process = Process()
        // Asked for first, since it sets a variable.
        let executable = executable.deletingLastPathComponent().appending(path: program)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let fileSizeLimit {
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments =
                ["-c", "ulimit -f \(fileSizeLimit); exec \"$@\"", "bash", executable.path] + arguments
        } else {
            process.executableURL = executable
            process.arguments = arguments
        }
        let (output, errors, stdin) = (Pipe(), Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = stdin
        try process.run()
        startWatchdog(process)
        // A program that refuses what it is to do ends before it has read.
        signal(SIGPIPE, SIG_IGN)
        if let input { try? stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
        try stdin.fileHandleForWriting.close()
        // Errors are few enough to fit the pipe while output is read.
        let written = try output.fileHandleForReading.readToEnd() ?? Data()
        let complaints = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: String(decoding: written, as: UTF8.self),
            errors: String(decoding: complaints, as: UTF8.self))
    }
}

/// A directory that goes with its owner.
final class Scratch {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "distill-cli-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: url.appending(path: name))
        return path(name)
    }

    /// A copy of the teacher in which a file is changed.
    func model(_ name: String, _ file: String? = nil, change: (inout Data) throws -> Void = { _ in }) throws
        -> String
    {
        let copy = url.appending(path: name)
        try FileManager.default.copyItem(at: Program.teacher, to: copy)
        if let file {
            var data = try Data(contentsOf: copy.appending(path: file))
            try change(&data)
            try data.write(to: copy.appending(path: file))
        }
        return copy.path
    }

    /// A copy of the teacher with text of its config.json replaced.
    func model(_ name: String, config first: (String, String), _ others: (String, String)...) throws -> String
    {
        try model(name, "config.json") { data in
            var text = String(decoding: data, as: UTF8.self)
            for (old, new) in [first] + others {
                try #require(text.contains(old))
                text = text.replacing(old, with: new)
            }
            data = Data(text.utf8)
        }
    }

    var entries: Set<String> {
        get throws { Set(try FileManager.default.contentsOfDirectory(atPath: url.path)) }
    }
}
