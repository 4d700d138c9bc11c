import Foundation
import Testing

@testable import Hub
@testable import HubStore

/// One cache for Python's huggingface_hub and for us.
@Suite struct HubInteropTests {
    // The links that lead here are resolved, but not those to the interpreter, which finds its libraries by its path.
    private static let tests = URL(filePath: #filePath).deletingLastPathComponent().resolvingSymlinksInPath()
    private static let python = tests.deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: ".python/bin/python").path
    private static let isThere = FileManager.default.isExecutableFile(atPath: python)

    private func run(_ scene: Scene, offline: Bool = false, _ arguments: String...) async throws -> String {
        let script = Self.tests.appending(path: "hub.py").path
        let process = Process()
        process.executableURL = URL(filePath: Self.python)
        process.arguments = [script] + arguments
        process.environment = [
            "HF_HOME": scene.directory.path, "HF_ENDPOINT": scene.server.url, "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": offline ? "1" : "0",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HOME": scene.directory.path, "PATH": "/usr/bin:/bin",
        ]
        let (out, err) = (Pipe(), Pipe())
        process.standardOutput = out
        process.standardError = err
        let status = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        try #require(status == 0, "\(complaint)")
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func check(_ directory: URL, _ repository: FakeRepository) throws {
        for name in ["config.json", "tokenizer.json", "vocab.txt", "model.safetensors"] {
            let bytes = [UInt8](try Data(contentsOf: directory.appending(path: name)))
            #expect(bytes == repository.files[name])
        }
    }

    @Test(.enabled(if: isThere)) func whatPythonFetchesWeRead() async throws {
        var scene = try await Scene()
        let theirs = try await run(scene, "snapshot", "org/tiny")
        let before = scene.server.requests.count
        scene.configuration.isOffline = true
        let ours = try await scene.client.snapshot(of: scene.hub())
        #expect(ours.resolvingSymlinksInPath().path == URL(filePath: theirs).resolvingSymlinksInPath().path)
        try check(ours, scene.repository)
        // Python's listing says that the commit has nothing more that a model needs.
        scene.configuration.isOffline = false
        _ = try await scene.client.snapshot(of: scene.hub(scene.repository.commit))
        #expect(scene.server.requests.count == before)
        try await scene.end()
    }

    @Test(.enabled(if: isThere)) func whatWeFetchPythonReads() async throws {
        let scene = try await Scene()
        let ours = try await scene.client.snapshot(of: scene.hub())
        let before = scene.server.requests.count
        let theirs = try await run(scene, offline: true, "snapshot", "org/tiny")
        #expect(ours.resolvingSymlinksInPath().path == URL(filePath: theirs).resolvingSymlinksInPath().path)
        try check(URL(filePath: theirs), scene.repository)
        let file = try await run(scene, offline: true, "file", "org/tiny", "config.json")
        #expect(file.hasSuffix("/snapshots/\(scene.repository.commit)/config.json"))
        #expect(scene.server.requests.count == before)
        // With a network Python finds every blob there.
        _ = try await run(scene, "snapshot", "org/tiny")
        let gets = scene.server.requests[before...].filter {
            $0.method == .GET && $0.path.contains("/resolve/")
        }
        #expect(gets.isEmpty)
        try await scene.end()
    }

    @Test(.enabled(if: isThere)) func twoProcessesAtOnceFetchOnce() async throws {
        let scene = try await Scene()
        let (server, repository) = (scene.server, scene.repository)
        // The weights come once both have asked what they are, so that one of them has to wait for the other's lock.
        let bothThere: @Sendable () -> Bool = {
            server.requests.count { $0.method == .HEAD && $0.path.hasSuffix("/model.safetensors") } >= 2
        }
        scene.server.answer { request, _ in
            var reply = repository.reply(request)
            if request.method == .GET, request.path.hasSuffix("/model.safetensors") {
                reply.until = bothThere
            }
            return reply
        }
        async let theirs = run(scene, "snapshot", "org/tiny")
        let ours = try await scene.client.snapshot(of: scene.hub())
        try check(ours, repository)
        try check(URL(filePath: try await theirs), repository)
        #expect(
            scene.server.requests.count { $0.method == .GET && $0.path.hasSuffix("/model.safetensors") } == 1)
        try await scene.end()
    }
}
