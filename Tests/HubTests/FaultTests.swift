import Files
import Foundation
import NIOHTTP1
import Testing

@testable import Hub
@testable import HubStore

@Suite struct FaultTests {
    private func isWeights(_ request: HubServer.Request) -> Bool {
        request.method == .GET && request.path.hasSuffix("/model.safetensors")
    }

    private func weights(_ scene: Scene) async throws -> [UInt8] {
        let directory = try await scene.client.snapshot(of: scene.hub())
        return [UInt8](try Data(contentsOf: directory.appending(path: "model.safetensors")))
    }

    @Test func cutConnectionsGoOnWhereTheyEnded() async throws {
        let scene = try await Scene()
        let repository = scene.repository
        scene.server.answer { request, earlier in
            var reply = repository.reply(request)
            if request.path.hasSuffix("/model.safetensors"), request.method == .GET, earlier < 2 {
                reply.cutAfter = 1000
            }
            return reply
        }
        #expect(try await weights(scene) == repository.files["model.safetensors"])
        let ranges = scene.server.requests.filter(isWeights).map { $0.headers.first(name: "Range") }
        #expect(ranges == [nil, "bytes=1000-", "bytes=2000-"])
        try await scene.end()
    }

    @Test func aLaterRunResumes() async throws {
        let scene = try await Scene()
        let repository = scene.repository
        scene.server.answer { request, earlier in
            var reply = repository.reply(request)
            if request.path.hasSuffix("/model.safetensors"), request.method == .GET {
                if earlier == 0 { reply.cutAfter = 1000 } else { reply.isSilent = true }
            }
            return reply
        }
        await #expect(throws: HubError.self) { try await weights(scene) }
        scene.server.answer { request, _ in repository.reply(request) }
        #expect(try await weights(scene) == repository.files["model.safetensors"])
        #expect(scene.server.requests.last(where: isWeights)?.headers.first(name: "Range") == "bytes=1000-")
        try await scene.end()
    }

    @Test func aBadRemainderIsFetchedAnew() async throws {
        let scene = try await Scene()
        let blobs = scene.storage.appending(path: "blobs")
        try FileManager.default.createDirectory(at: blobs, withIntermediateDirectories: true)
        let left = blobs.appending(path: "\(scene.repository.etag("model.safetensors")).01234567.incomplete")
        try Data(repeating: 9, count: 500).write(to: left)
        #expect(try await weights(scene) == scene.repository.files["model.safetensors"])
        #expect(
            scene.server.requests.filter(isWeights).map { $0.headers.first(name: "Range") } == [
                "bytes=500-", nil,
            ])
        try await scene.end()
    }

    @Test func wrongDigestsAndLengthsLeaveNothing() async throws {
        for (name, change) in [("model.safetensors", 0), ("config.json", 0), ("model.safetensors", 1)] {
            let scene = try await Scene()
            let repository = scene.repository
            scene.server.answer { request, _ in
                var reply = repository.reply(request)
                if request.method == .GET, request.path.hasSuffix("/\(name)") {
                    if change == 0 { reply.body[3] ^= 1 } else { reply.body.append(7) }
                }
                return reply
            }
            do {
                _ = try await scene.client.snapshot(of: scene.hub())
                Issue.record("taken")
            } catch HubError.wrongDigest { #expect(change == 0) } catch HubError.wrongSize {
                #expect(change == 1)
            }
            let blobs = try FileManager.default.contentsOfDirectory(
                atPath: scene.storage.appending(path: "blobs").path)
            #expect(!blobs.contains { $0.hasPrefix(repository.etag(name)) })
            #expect(!FileManager.default.fileExists(atPath: scene.storage.appending(path: "refs/main").path))
            try await scene.end()
        }
    }

    @Test func busyServersAreAskedAgain() async throws {
        let scene = try await Scene()
        let repository = scene.repository
        scene.server.answer { request, earlier in
            earlier == 0
                ? .init(status: .tooManyRequests, headers: [("Retry-After", "0")])
                : earlier == 1 ? .init(status: .badGateway) : repository.reply(request)
        }
        #expect(try await weights(scene) == repository.files["model.safetensors"])
        scene.server.answer { _, _ in .init(status: .internalServerError) }
        let other = try HubRepository("org/other")
        await #expect(throws: HubError.self) { try await scene.client.snapshot(of: other) }
        #expect(scene.server.requests.count { $0.path.contains("org/other") } == 3)
        try await scene.end()
    }

    @Test func anotherHostDoesNotGetTheToken() async throws {
        let scene = try await Scene(token: "hf_secret")
        let repository = scene.repository
        let storage = try await HubServer()
        let place = storage.url
        storage.answer { request, _ in
            FakeRepository.serve(repository.files["model.safetensors"] ?? [], request, [])
        }
        scene.server.answer { request, _ in repository.reply(request, storage: place) }
        #expect(try await weights(scene) == repository.files["model.safetensors"])
        #expect(!storage.requests.isEmpty)
        #expect(storage.requests.allSatisfy { !$0.headers.contains(name: "Authorization") })
        #expect(
            scene.server.requests.allSatisfy { $0.headers.first(name: "Authorization") == "Bearer hf_secret" }
        )
        try await storage.stop()
        try await scene.end()
    }

    @Test func relativeRedirectsAreFollowed() async throws {
        let scene = try await Scene(token: "hf_secret")
        let repository = scene.repository
        scene.server.answer { request, _ in
            request.path.hasPrefix("/moved")
                ? repository.reply(
                    .init(
                        method: request.method, path: String(request.path.dropFirst(6)),
                        headers: request.headers))
                : .init(status: .temporaryRedirect, headers: [("Location", "/moved" + request.path)])
        }
        #expect(try await weights(scene) == repository.files["model.safetensors"])
        scene.server.answer { request, _ in .init(status: .found, headers: [("Location", request.path)]) }
        await #expect(throws: HubError.self) {
            try await scene.client.snapshot(of: HubRepository("org/loop"))
        }
        try await scene.end()
    }

    @Test func gatedAndRefused() async throws {
        let scene = try await Scene(token: "hf_bad")
        scene.server.answer { _, _ in .init(status: .forbidden, headers: [("X-Error-Code", "GatedRepo")]) }
        await #expect(
            throws: HubError.gated(id: "org/tiny", page: "\(scene.configuration.endpoint)/org/tiny")
        ) {
            try await scene.client.snapshot(of: scene.hub())
        }
        scene.server.answer { _, _ in
            .init(
                status: .unauthorized,
                headers: [("X-Error-Message", "Invalid credentials in Authorization header")])
        }
        do {
            _ = try await scene.client.snapshot(of: scene.hub())
            Issue.record("taken")
        } catch HubError.unauthorized {}
        try await scene.end()
    }

    @Test func aHugeFileIsRefusedBeforeItBegins() async throws {
        let scene = try await Scene()
        let repository = scene.repository
        scene.server.answer { request, _ in
            var reply = repository.reply(request)
            if request.path.hasSuffix("/model.safetensors") {
                reply.headers = reply.headers.map {
                    $0.0 == "X-Linked-Size" ? ($0.0, "9000000000000000") : $0
                }
            }
            return reply
        }
        do {
            _ = try await scene.client.snapshot(of: scene.hub())
            Issue.record("taken")
        } catch HubError.diskSpace(_, let needed, let free) { #expect(needed > free) }
        #expect(!scene.server.requests.contains(where: isWeights))
        try await scene.end()
    }

    @Test func twoAtOnceFetchOnce() async throws {
        let scene = try await Scene()
        async let first = scene.client.snapshot(of: scene.hub())
        async let second = scene.client.snapshot(of: scene.hub())
        #expect(try await first.path == second.path)
        #expect(scene.server.requests.count(where: isWeights) == 1)
        try await scene.end()
    }

    @Test func aServerThatFallsSilentIsGivenUp() async throws {
        var scene = try await Scene()
        scene.configuration.readTimeout = 0.2
        scene.configuration.retries = 1
        scene.server.answer { _, _ in .init(isStalled: true) }
        do {
            _ = try await scene.client.snapshot(of: scene.hub())
            Issue.record("taken")
        } catch HubError.unreachable(let url, _) { #expect(url.hasPrefix(scene.server.url)) }
        // The second may be given up before it has been read, where the machine is busy.
        #expect((1...2).contains(scene.server.requests.count))
        try await scene.end()
    }

    @Test func aDownloadThatFallsSilentGoesOnWhereItEnded() async throws {
        var scene = try await Scene()
        // On a busy machine other answers come too late as well, and are asked for again.
        scene.configuration.readTimeout = 0.5
        scene.configuration.retries = 100
        let repository = scene.repository
        scene.server.answer { request, _ in
            var reply = repository.reply(request)
            if request.path.hasSuffix("/model.safetensors"), request.method == .GET,
                !request.headers.contains(name: "Range")
            {
                reply.stallAfter = 5000
            }
            return reply
        }
        #expect(try await weights(scene) == repository.files["model.safetensors"])
        let ranges = scene.server.requests.filter(isWeights).map { $0.headers.first(name: "Range") }
        #expect(ranges.first == .some(nil) && ranges.contains("bytes=5000-"), "\(ranges)")
        try await scene.end()
    }

    @Test func retryAfterIsWaitedForUnlessItIsTooLong() async throws {
        let scene = try await Scene()
        let repository = scene.repository
        scene.server.answer { request, earlier in
            earlier == 0 && request.path.hasPrefix("/api")
                ? .init(status: .serviceUnavailable, headers: [("Retry-After", "1")])
                : repository.reply(request)
        }
        let start = ContinuousClock.now
        #expect(try await weights(scene) == repository.files["model.safetensors"])
        // Without the header it would be 10 ms.
        #expect(ContinuousClock.now - start >= .seconds(1))
        scene.server.answer { _, _ in .init(status: .tooManyRequests, headers: [("Retry-After", "301")]) }
        await #expect(throws: HubError.self) {
            try await scene.client.snapshot(of: HubRepository("org/other"))
        }
        #expect(scene.server.requests.count { $0.path.contains("org/other") } == 1)
        try await scene.end()
    }

    @Test func tokensComeFromFiles() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data("\u{FEFF} hf_home\r\n".utf8).write(to: directory.appending(path: "token"))
        let other = directory.appending(path: "other")
        try Data("hf_other\n".utf8).write(to: other)
        func token(_ more: [String: String]) -> String? {
            HubConfiguration(environment: more.merging(["HF_HOME": directory.path]) { $1 }).token
        }
        #expect(token([:]) == "hf_home")
        #expect(token(["HF_TOKEN_PATH": other.path]) == "hf_other")
        #expect(token(["HF_TOKEN": "hf_variable", "HF_TOKEN_PATH": other.path]) == "hf_variable")
        #expect(token(["HF_TOKEN": "  "]) == "hf_home")
        #expect(token(["HF_TOKEN_PATH": directory.appending(path: "none").path]) == nil)
        // And they are what the Hub is sent.
        let scene = try await Scene(environment: ["HF_TOKEN_PATH": other.path])
        _ = try await weights(scene)
        #expect(
            scene.server.requests.allSatisfy { $0.headers.first(name: "Authorization") == "Bearer hf_other" })
        try await scene.end()
    }

    @Test func aLockThatAnotherHoldsIsWaitedFor() async throws {
        let scene = try await Scene()
        let etag = scene.repository.etag("model.safetensors")
        let lock = scene.configuration.cache.appending(path: ".locks/models--org--tiny/\(etag).lock")
        try FileManager.default.createDirectory(
            at: lock.deletingLastPathComponent(), withIntermediateDirectories: true)
        // As another process would: by a file description of its own.
        let descriptor = open(lock.path, O_RDWR | O_CREAT, 0o644)
        #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        async let fetched = weights(scene)
        while !scene.server.requests.contains(where: { $0.method == .GET && $0.path.hasSuffix("/vocab.txt") })
        {
            try await Task.sleep(for: .milliseconds(5))
        }
        try await Task.sleep(for: .milliseconds(60))
        #expect(!scene.server.requests.contains(where: isWeights))
        close(descriptor)
        #expect(try await fetched == scene.repository.files["model.safetensors"])
        try await scene.end()
    }

    @Test func progressIsToldOfEachFile() async throws {
        let scene = try await Scene()
        let (events, feed) = AsyncStream.makeStream(of: HubEvent.self)
        _ = try await scene.client.snapshot(of: scene.hub()) { feed.yield($0) }
        feed.finish()
        var last: [String: HubProgress] = [:]
        for await case .progress(let progress) in events {
            #expect(progress.fileCompleted <= progress.fileTotal && progress.completed <= progress.total)
            #expect(last[progress.file]?.isFileDone != true)
            last[progress.file] = progress
        }
        #expect(last.keys.sorted() == ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"])
        for (name, progress) in last {
            #expect(progress.isFileDone && progress.fileCompleted == scene.repository.files[name]?.count)
        }
        #expect(last.values.contains { $0.filesCompleted == 4 && $0.completed == $0.total })
        try await scene.end()
    }
}
