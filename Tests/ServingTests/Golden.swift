import Files
import Foundation
import JSON
import Safetensors
import Testing

/// What sentence-transformers makes of texts (`scripts/fixtures/served_embeddings.py`).
enum Golden {
    static let all: JSONObject = {
        let file = tests.appending(path: "ServingTests/Fixtures/answers.json")
        return (try? JSONValue.load(contentsOf: file).objectValue) ?? JSONObject()
    }()

    static let texts = all["texts"]?.arrayValue?.compactMap(\.stringValue) ?? []

    static func numbers(_ value: JSONValue?) -> [Double] {
        value?.arrayValue?.compactMap(\.doubleValue) ?? []
    }
    static func rows(_ value: JSONValue?) -> [[Double]] { value?.arrayValue?.map { numbers($0) } ?? [] }

    /// Expects numbers within 1e-5 of others, of which there is at least one.
    static func expect(
        _ own: [Double], _ golden: [Double], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(!own.isEmpty && own.count == golden.count, sourceLocation: sourceLocation)
        let size = max(1, golden.map { abs($0) }.max() ?? 0)
        for (a, b) in zip(own, golden) {
            #expect(abs(a - b) <= 1e-5 * size, sourceLocation: sourceLocation)
        }
    }

    static func expect(
        _ own: [[Double]], _ golden: [[Double]], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(!own.isEmpty && own.count == golden.count, sourceLocation: sourceLocation)
        for (a, b) in zip(own, golden) { expect(a, b, sourceLocation: sourceLocation) }
    }
}

extension Scratch {
    /// The tiny model's encoder with a mean pooling, as an embedding model.
    func embedder() throws -> String {
        let path = try model("embedder")
        for (name, content) in Golden.all["files"]?.objectValue ?? JSONObject() {
            let file = URL(filePath: path).appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content.serialized().utf8).write(to: file)
        }
        return path
    }

    /// The tiny model with the first of its two labels alone, as a cross-encoder.
    func reranker() throws -> String {
        let path = try model(
            "reranker",
            ["id2label": ["0": "LABEL_0"], "label2id": ["LABEL_0": 0], "problem_type": nil])
        let file = URL(filePath: path).appending(path: "model.safetensors")
        let checkpoint = try SafetensorsCheckpoint(directory: tinyTeacher)
        let entries = try checkpoint.names.map { name in
            let info = try #require(checkpoint.info(name))
            let bytes = try Array(checkpoint.bytes(of: name))
            guard name.hasPrefix("classifier.") else {
                return SafetensorsWriter.Entry(name: name, dtype: info.dtype, shape: info.shape, bytes: bytes)
            }
            return SafetensorsWriter.Entry(
                name: name, dtype: info.dtype, shape: [1] + info.shape.dropFirst(),
                bytes: Array(bytes.prefix(bytes.count / 2)))
        }
        try FileManager.default.removeItem(at: file)
        try SafetensorsWriter.write(entries, to: file)
        return path
    }
}
