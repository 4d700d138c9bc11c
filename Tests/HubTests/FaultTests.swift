import Foundation
import NIOHTTP1
import Testing

@testable import Hub

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
}
