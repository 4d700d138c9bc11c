import Files
import Foundation
import JSON

@testable import Hub
@testable import HubStore

/// A repository as a Hub serves it.
struct FakeRepository: Sendable {
    var id = "org/tiny"
    var kind = HubRepository.Kind.model
    var commit = String(repeating: "ab", count: 20)
    var files: [String: [UInt8]]
    /// Those kept in LFS, named by SHA-256.
    var large: Set<String> = []

    static let model = FakeRepository(
        files: [
            "config.json": Array("{\"model_type\": \"bert\"}".utf8), "tokenizer.json": Array("{}".utf8),
            "vocab.txt": Array("[PAD]\n".utf8),
            "model.safetensors": (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) },
            "pytorch_model.bin": [1], "onnx/model.onnx": [2], "tf_model.h5": [3], "README.md": [4],
        ], large: ["model.safetensors", "pytorch_model.bin"])

    /// Data in shards, with what surrounds them on the Hub.
    static let data = FakeRepository(
        kind: .dataset,
        files: [
            "README.md": [4], ".gitattributes": [5],
            "data/train-00000-of-00002.parquet": (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) },
            "data/train-00001-of-00002.parquet": (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 5) },
            "data/validation-00000-of-00001.parquet": [1, 2, 3],
            "extra/one two.csv": Array("text,label\na,b\n".utf8),
        ],
        large: [
            "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet",
            "data/validation-00000-of-00001.parquet",
        ])

    func etag(_ name: String) -> String {
        let bytes = files[name] ?? []
        if large.contains(name) { return Digest.sha256(bytes) }
        var hash = SHA1()
        hash.update("blob \(bytes.count)\0".utf8)
        hash.update(bytes)
        return Digest.hexadecimal(hash.finalize())
    }

    var listing: [UInt8] {
        let siblings = files.keys.sorted().map { name -> JSONValue in
            ["rfilename": .string(name), "size": .integer(files[name]?.count ?? 0)]
        }
        let value: JSONValue = ["id": .string(id), "sha": .string(commit), "siblings": .array(siblings)]
        return Array(value.serialized().utf8)
    }

    /// The files as huggingface_hub lists them.
    var tree: [UInt8] {
        let entries = files.keys.sorted().map { name -> JSONValue in
            let size = JSONValue.integer(files[name]?.count ?? 0)
            let blob = String(repeating: "0", count: 40)
            var entry: JSONObject = [
                "type": "file", "path": .string(name), "size": size, "oid": .string(blob),
            ]
            if large.contains(name) {
                entry["lfs"] = ["oid": .string(etag(name)), "size": size, "pointerSize": 134]
            } else {
                entry["oid"] = .string(etag(name))
            }
            return .object(entry)
        }
        return Array(JSONValue.array(entries).serialized().utf8)
    }

    /// What a Hub answers.
    ///
    /// - Parameter storage: where large files are redirected to, on another host.
    func reply(_ request: HubServer.Request, storage: String? = nil) -> HubServer.Reply {
        let path = String(request.path.prefix { $0 != "?" })
        let interface = "/api/\(kind.rawValue)s/\(id)"
        if path.hasPrefix("\(interface)/revision/") {
            let revision = path.split(separator: "/").last ?? ""
            return revision == "main" || revision == commit
                ? .init(body: listing)
                : .init(status: .notFound, headers: [("X-Error-Code", "RevisionNotFound")])
        }
        if path.hasPrefix("\(interface)/tree/") { return .init(body: tree) }
        guard let range = path.range(of: "\(kind == .dataset ? "/datasets" : "")/\(id)/resolve/") else {
            return .init(status: .unauthorized, headers: [("X-Error-Code", "RepoNotFound")])
        }
        let quoted = path[range.upperBound...].split(separator: "/", maxSplits: 1).last.map(String.init) ?? ""
        let name = quoted.removingPercentEncoding ?? quoted
        guard let bytes = files[name] else {
            return .init(
                status: .notFound, headers: [("X-Error-Code", "EntryNotFound"), ("X-Repo-Commit", commit)])
        }
        var headers = [("X-Repo-Commit", commit), ("ETag", "\"\(etag(name))\"")]
        if large.contains(name) {
            headers += [("X-Linked-Etag", "\"\(etag(name))\""), ("X-Linked-Size", "\(bytes.count)")]
            if let storage {
                return .init(
                    status: .found, headers: headers + [("Location", "\(storage)/resolve/x/\(name)")])
            }
        }
        return Self.serve(bytes, request, headers)
    }

    /// Bytes, or the part that `Range` asks for.
    static func serve(_ bytes: [UInt8], _ request: HubServer.Request, _ headers: [(String, String)])
        -> HubServer.Reply
    {
        if request.method == .HEAD {
            return .init(headers: headers + [("Content-Length", "\(bytes.count)")])
        }
        if let range = request.headers.first(name: "Range"), let start = Int(range.dropFirst(6).dropLast()) {
            return .init(
                status: .partialContent,
                headers: headers + [("Content-Range", "bytes \(start)-\(bytes.count - 1)/\(bytes.count)")],
                body: Array(bytes[start...]))
        }
        return .init(headers: headers, body: bytes)
    }
}

/// A server with a repository, and an empty cache.
struct Scene {
    let server: HubServer
    let repository: FakeRepository
    let directory: URL
    var configuration: HubConfiguration

    init(
        _ repository: FakeRepository = .model, token: String? = nil, environment: [String: String] = [:]
    ) async throws {
        server = try await HubServer()
        self.repository = repository
        directory = FileManager.default.temporaryDirectory.appending(path: "hub-\(UUID().uuidString)")
        configuration = HubConfiguration(
            environment: environment.merging(["HF_HOME": directory.path, "HF_ENDPOINT": server.url + "/"]) {
                $1
            })
        if let token { configuration.token = token }
        configuration.backOff = 0.01
        configuration.retries = 2
        // Nothing but what a test makes late may count as late, however busy the machine is.
        configuration.connectTimeout = 600
        configuration.readTimeout = 600
        server.answer { request, _ in repository.reply(request) }
    }

    var client: HubClient { HubClient(configuration) }
    var storage: URL { configuration.cache.appending(path: "\(repository.kind.rawValue)s--org--tiny") }

    func hub(_ revision: String = "main") throws -> HubRepository {
        try HubRepository(repository.id, kind: repository.kind, revision: revision)
    }

    func end() async throws {
        try await server.stop()
        try? FileManager.default.removeItem(at: directory)
    }
}
