import Foundation
import Testing

@testable import Hub
@testable import HubStore

/// `distill` and the program beside it that goes to the network, against a Hub on loopback sockets.
@Suite struct HelperTests {
    private static let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    private static let distill = products.appending(path: "distill")
    private static let helper = products.appending(path: "distill-hub")

    private struct Result {
        var status: Int32
        var reason: Process.TerminationReason
        var output: String
        var errors: String
    }

    private func environment(_ scene: Scene, _ more: [String: String]) -> [String: String] {
        [
            "HF_HOME": scene.directory.path, "HF_ENDPOINT": scene.server.url, "HOME": scene.directory.path,
            "PATH": "/usr/bin:/bin", "DISTILL_CACHE": scene.directory.appending(path: "distill").path,
            // The programs have the scene's patience: nothing but what a test makes late may count as late.
            "HF_HUB_ETAG_TIMEOUT": "\(Int(scene.configuration.connectTimeout))",
            "HF_HUB_DOWNLOAD_TIMEOUT": "\(Int(scene.configuration.readTimeout))",
        ].merging(more) { $1 }
    }

    /// Runs a program to its end; a test that hangs for ten minutes fails.
    ///
    /// - Parameter whileRunning: Called with the process once it has started.
    private func run(
        _ program: URL, _ arguments: [String], _ scene: Scene,
        environment more: [String: String] = [:],
        whileRunning: @Sendable (Process, Pipe) async throws -> Void = { _, input in
            try input.fileHandleForWriting.close()
        }
    ) async throws -> Result {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = environment(scene, more)
        let (input, out) = (Pipe(), Pipe())
        let errors = scene.directory.appending(path: "errors-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scene.directory, withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        process.standardInput = input
        process.standardOutput = out
        process.standardError = try FileHandle(forWritingTo: errors)
        let (ends, feed) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in feed.yield(()) }
        try process.run()
        let identifier = process.processIdentifier
        let watchdog = Task {
            try await Task.sleep(for: .seconds(600))
            kill(identifier, SIGKILL)
        }
        try await whileRunning(process, input)
        for await _ in ends { break }
        watchdog.cancel()
        let text = String(decoding: try out.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        return Result(
            status: process.terminationStatus, reason: process.terminationReason,
            output: text.trimmingCharacters(in: .newlines),
            errors: try String(contentsOf: errors, encoding: .utf8))
    }

    /// The program in a folder of its own, without the one that fetches.
    private func distillAlone(_ scene: Scene) throws -> URL {
        let folder = Self.products.appending(path: "distill-alone-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // A second name costs nothing. The program looks beside the name by which it was started.
        let url = folder.appending(path: "distill")
        try FileManager.default.linkItem(at: Self.distill, to: url)
        return url
    }

    @Test func whatIsNotThereIsFetched() async throws {
        let scene = try await Scene()
        let token = ["HF_TOKEN": "hf_secret"]
        let first = try await run(Self.distill, ["download", "org/tiny"], scene, environment: token)
        try #require(first.status == 0, "\(first.errors)")
        #expect(first.output.hasSuffix("/models--org--tiny/snapshots/\(scene.repository.commit)"))
        for name in ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"] {
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: first.output).appending(path: name)))
            #expect(bytes == scene.repository.files[name])
        }
        #expect(!scene.server.requests.isEmpty)
        #expect(
            scene.server.requests.allSatisfy { $0.headers.first(name: "Authorization") == "Bearer hf_secret" }
        )
        // A cache of one's own, and files by pattern.
        let other = scene.directory.appending(path: "other")
        let json = try await run(
            Self.distill,
            ["download", "org/tiny@main", "--include", "*.json", "--cache-dir", other.path, "-q"], scene)
        #expect(json.status == 0 && json.errors.isEmpty, "\(json.errors)")
        let names = try FileManager.default.contentsOfDirectory(atPath: json.output).sorted()
        #expect(json.output.hasPrefix(other.path) && names.allSatisfy { $0.hasSuffix(".json") })
        #expect(names.contains("config.json"))
        try await scene.end()
    }

    @Test func dataAreFetchedToo() async throws {
        let scene = try await Scene(.data)
        let result = try await run(
            Self.distill,
            ["check", "--teacher", "/nonexistent/teacher", "--train", "hf://datasets/org/tiny"], scene)
        // The teacher is not there; the data are, by then.
        #expect(result.status != 0 && result.output.contains("/nonexistent/teacher"), "\(result.errors)")
        let gets = scene.server.requests.filter { $0.method == .GET && $0.path.contains("/resolve/") }
        #expect(gets.count == 2 && gets.allSatisfy { $0.path.contains("train") })
        try await scene.end()
    }

    @Test func theHubsErrorsAreTheProgramsErrors() async throws {
        let scene = try await Scene()
        let missing = try await run(Self.distill, ["download", "org/none"], scene)
        #expect(missing.status == 1)
        #expect(
            missing.errors
                == "Error: org/none: no such repository, or it is private; check the id, or set HF_TOKEN "
                + "to a token that may read it\n")
        let model = try await run(Self.distill, ["predict", "--model", "org/none"], scene)
        #expect(
            model.errors.hasPrefix(
                "Error: there is no directory 'org/none', and on the Hub: org/none: no such"))
        #expect(model.errors.split(separator: "\n").count == 1 && model.status == 1)
        try await scene.end()
    }

    @Test func whatTheCacheHasNeedsNoHelper() async throws {
        let scene = try await Scene()
        let directory = try await scene.client.snapshot(of: scene.hub())
        let before = scene.server.requests.count
        let alone = try distillAlone(scene)
        defer { try? FileManager.default.removeItem(at: alone.deletingLastPathComponent()) }
        let commit = try await run(alone, ["download", "org/tiny@\(scene.repository.commit)"], scene)
        #expect(commit.status == 0 && commit.errors.isEmpty, "\(commit.errors)")
        #expect(commit.output == directory.path)
        let offline = try await run(
            alone, ["download", "org/tiny"], scene, environment: ["HF_HUB_OFFLINE": "1"])
        #expect(offline.status == 0 && offline.errors.isEmpty && offline.output == directory.path)
        // A branch may have moved on, which cannot be known.
        let branch = try await run(alone, ["download", "org/tiny"], scene)
        #expect(branch.status == 0 && branch.output == directory.path)
        #expect(
            branch.errors.hasPrefix("Warning: ") && branch.errors.contains("'make build'"), "\(branch.errors)"
        )
        let other = try await run(alone, ["download", "org/other"], scene)
        #expect(other.status == 1 && other.output.isEmpty)
        #expect(
            other.errors
                == "Error: org/other is not in the cache, and the program that fetches it, distill-hub, is "
                + "not built; run 'make build'\n")
        #expect(scene.server.requests.count == before)
        try await scene.end()
    }

    @Test func whereDistillDiesTheDownloadEnds() async throws {
        for number in [SIGINT, SIGTERM, SIGKILL] {
            var scene = try await Scene()
            scene.server.answer { _, _ in .init(isStalled: true) }
            let server = scene.server
            // On a busy machine the test itself may come late, and must not find the download given up.
            scene.configuration.readTimeout = 3600
            let result = try await run(Self.distill, ["download", "org/tiny"], scene) { process, _ in
                while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
                kill(process.processIdentifier, number)
            }
            // Its output ends only when both have closed it; had one gone on, this would have been waited for.
            #expect(
                result.reason == .uncaughtSignal && result.status == number,
                "signal \(number): \(result.reason), \(result.status), \(result.errors)")
            #expect(result.output.isEmpty)
            try await scene.end()
        }
    }

    @Test func aHelperThatDiesIsAnError() async throws {
        let scene = try await Scene()
        let folder = Self.products.appending(path: "distill-other-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.linkItem(at: Self.distill, to: folder.appending(path: "distill"))
        for (script, expected) in [
            ("kill -9 $$", "org/tiny: distill-hub ended (signal 9) while it fetched this; try again"),
            ("exit 3", "org/tiny: distill-hub ended (exit code 3) while it fetched this; try again"),
            (
                "echo hello",
                "gives an answer that is not understood; it is of another build: run 'make build'"
            ),
            ("printf '{\"snapshot\":'", "org/tiny: distill-hub ended (exit code 0)"),
        ] {
            let helper = folder.appending(path: "distill-hub")
            try Data("#!/bin/sh\nread -r request\n\(script)\n".utf8).write(to: helper)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: helper.path)
            let result = try await run(folder.appending(path: "distill"), ["download", "org/tiny"], scene)
            #expect(result.status == 1 && result.errors.contains(expected), "\(script): \(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        }
        try await scene.end()
    }

    @Test func theHelperEndsWithItsInput() async throws {
        var scene = try await Scene()
        scene.server.answer { _, _ in .init(isStalled: true) }
        let server = scene.server
        // On a busy machine the test itself may come late, and must not find the download given up.
        scene.configuration.readTimeout = 3600
        let line = try HubFetch.line(HubFetch(scene.hub(), .model, cache: scene.configuration.cache))
        let result = try await run(Self.helper, [], scene) { _, input in
            try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
            while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            try input.fileHandleForWriting.close()
        }
        #expect(
            result.reason == .exit && result.status == 128 + SIGHUP,
            "\(result.reason), \(result.status), \(result.output), \(result.errors)")
        // Another build's request, and none.
        var other = try HubFetch(scene.hub(), .model, cache: scene.configuration.cache)
        other.version += 1
        let request = try HubFetch.line(other)
        let refused = try await run(Self.helper, [], scene) { process, input in
            try input.fileHandleForWriting.write(contentsOf: Data((request + "\n").utf8))
            process.waitUntilExit()
        }
        let answer = HubFetch.read(HubFetch.Message.self, refused.output)
        guard case .failure(let reason) = answer else { throw CancellationError() }
        #expect(reason.contains("make build") && refused.status != 0)
        let alone = try await run(Self.helper, [], scene)
        #expect(alone.status == 64 && alone.errors.contains("started by distill") && alone.output.isEmpty)
        try await scene.end()
    }

    @Test func requestsAndMessagesAreReadAsTheyWereWritten() throws {
        let repository = try HubRepository("org/name", kind: .dataset, revision: "refs/convert/parquet")
        let reference = try HubDataReference("hf://datasets/org/name@refs/convert/parquet/a b/*.parquet")
        let cache = URL(filePath: "/tmp/a \u{e9} \"quoted\"\nplace", directoryHint: .isDirectory)
        for files: FileSelection in [
            .model, .matching(["*.json", "a/"]), .data(reference, split: .validation),
            FileSelection(rule: .file("x/y.json")),
        ] {
            let line = try HubFetch.line(HubFetch(repository, files, cache: cache))
            #expect(!line.contains("\n"))
            let read = try #require(HubFetch.read(HubFetch.self, line))
            #expect(try read.repository == repository && read.files == files && read.cache == cache.path)
        }
        let progress = HubProgress(
            file: "a\nb", completed: 1, total: .max, fileCompleted: 1, fileTotal: 2, isFileDone: true,
            filesCompleted: 1, filesTotal: 3)
        for message: HubFetch.Message in [
            .warning("w\u{1B}[2J\n"), .progress(progress), .snapshot("/a/b"), .failure("no"),
        ] {
            let line = try HubFetch.line(message)
            #expect(!line.contains("\n") && HubFetch.read(HubFetch.Message.self, line) == message)
        }
    }
}
