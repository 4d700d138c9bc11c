import Files
import Foundation
import NIOHTTP1
import Testing

@testable import Hub
@testable import HubStore

@Suite struct SnapshotTests {
    @Test func onlyWhatAModelNeedsIsTaken() async throws {
        let scene = try await Scene()
        let directory = try await scene.client.snapshot(of: scene.hub())
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        #expect(names == ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"])
        for name in names {
            let bytes = [UInt8](try Data(contentsOf: directory.appending(path: name)))
            #expect(bytes == scene.repository.files[name])
            let link = try FileManager.default.destinationOfSymbolicLink(
                atPath: directory.appending(path: name).path)
            #expect(link == "../../blobs/\(scene.repository.etag(name))")
        }
        let ref = try String(contentsOf: scene.storage.appending(path: "refs/main"), encoding: .utf8)
        #expect(ref == scene.repository.commit)
        let absent = scene.storage.appending(path: ".no_exist/\(scene.repository.commit)/merges.txt")
        #expect(FileManager.default.fileExists(atPath: absent.path))
        #expect(
            FileManager.default.fileExists(
                atPath: scene.configuration.cache.appending(path: "CACHEDIR.TAG").path))
        let blobs = try FileManager.default.contentsOfDirectory(
            atPath: scene.storage.appending(path: "blobs").path)
        #expect(!blobs.contains { $0.hasSuffix(".incomplete") })
        try await scene.end()
    }

    @Test func aCachedCommitNeedsNoNetwork() async throws {
        let scene = try await Scene()
        let first = try await scene.client.snapshot(of: scene.hub())
        let before = scene.server.requests.count
        let second = try await scene.client.snapshot(of: scene.hub(scene.repository.commit))
        #expect(first.path == second.path)
        #expect(scene.server.requests.count == before)
        try await scene.end()
    }

    @Test func anOutageFallsBackWithAWarning() async throws {
        let scene = try await Scene()
        let first = try await scene.client.snapshot(of: scene.hub())
        scene.server.answer { _, _ in .init(status: .serviceUnavailable) }
        let (events, feed) = AsyncStream.makeStream(of: HubEvent.self)
        let second = try await scene.client.snapshot(of: scene.hub()) { feed.yield($0) }
        feed.finish()
        var warnings = 0
        for await case .warning in events { warnings += 1 }
        #expect(first.path == second.path)
        #expect(warnings == 1)
        // A missing repository is no outage.
        scene.server.answer { _, _ in
            .init(status: .unauthorized, headers: [("X-Error-Code", "RepoNotFound")])
        }
        await #expect(throws: HubError.repositoryNotFound(id: "org/tiny", hasToken: false)) {
            try await scene.client.snapshot(of: scene.hub())
        }
        try await scene.end()
    }

    @Test func offlineAnIncompleteSnapshotNamesWhatIsMissing() async throws {
        var scene = try await Scene()
        scene.configuration.isOffline = true
        await #expect(throws: HubError.offline(id: "org/tiny", revision: "main")) {
            try await scene.client.snapshot(of: scene.hub())
        }
        scene.configuration.isOffline = false
        let directory = try await scene.client.snapshot(of: scene.hub())
        scene.configuration.isOffline = true
        #expect(try await scene.client.snapshot(of: scene.hub()).path == directory.path)
        try FileManager.default.removeItem(at: directory.appending(path: "model.safetensors"))
        await #expect(
            throws: HubError.incomplete(id: "org/tiny", revision: "main", missing: ["model.safetensors"])
        ) {
            try await scene.client.snapshot(of: scene.hub())
        }
        try await scene.end()
    }

    @Test func shardsComeByTheIndex() async throws {
        var repository = FakeRepository.model
        repository.files["model.safetensors"] = nil
        repository.files["model.safetensors.index.json"] = Array(
            #"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#.utf8)
        for shard in 1...3 { repository.files["model-\(shard).safetensors"] = [UInt8(shard)] }
        let scene = try await Scene(repository)
        let directory = try await scene.client.snapshot(of: scene.hub())
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(
            names.filter { $0.hasSuffix(".safetensors") }.sorted() == [
                "model-1.safetensors", "model-2.safetensors",
            ])
        try await scene.end()
    }

    @Test func picklesAreRefused() async throws {
        var repository = FakeRepository.model
        repository.files["model.safetensors"] = nil
        let scene = try await Scene(repository)
        await #expect(throws: HubError.pickle(id: "org/tiny", files: ["pytorch_model.bin"])) {
            try await scene.client.snapshot(of: scene.hub())
        }
        await #expect(throws: HubError.pickle(id: "org/tiny", files: ["pytorch_model.bin"])) {
            try await scene.client.snapshot(of: scene.hub(), files: .matching(["*.bin"]))
        }
        try await scene.end()
    }

    @Test func oneFileAndOneThatIsAbsent() async throws {
        let scene = try await Scene()
        let file = try await scene.client.file("onnx/model.onnx", of: scene.hub())
        #expect([UInt8](try Data(contentsOf: file)) == [2])
        let missing = HubError.fileNotFound(id: "org/tiny", revision: "main", file: "none.txt")
        await #expect(throws: missing) { try await scene.client.file("none.txt", of: scene.hub()) }
        let absent = scene.storage.appending(path: ".no_exist/\(scene.repository.commit)/none.txt")
        #expect(FileManager.default.fileExists(atPath: absent.path))
        await #expect(throws: HubError.revisionNotFound(id: "org/tiny", revision: "v9")) {
            try await scene.client.snapshot(of: scene.hub("v9"))
        }
        try await scene.end()
    }
}
