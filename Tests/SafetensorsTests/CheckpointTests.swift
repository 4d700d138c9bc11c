import Files
import Foundation
import Safetensors
import TestSupport
import Testing

@Suite("Checkpoint directories")
struct CheckpointTests {
    /// A copy of the sharded fixture to break.
    private func withCheckpoint(_ body: (URL) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let copy = directory.appending(path: "copy")
            try FileManager.default.copyItem(at: fixtures.appending(path: "sharded"), to: copy)
            try body(copy)
        }
    }

    /// The message of the error that opening the directory gives.
    private func message(_ directory: URL) throws -> String {
        try #require(throws: SafetensorsError.self) { try SafetensorsCheckpoint(directory: directory) }
            .description
    }

    private func edit(_ directory: URL, _ change: (String) -> String) throws {
        let url = directory.appending(path: SafetensorsCheckpoint.indexFileName)
        try Data(change(String(contentsOf: url, encoding: .utf8)).utf8).write(to: url)
    }

    private let shard = "model-00003-of-00005.safetensors"

    @Test("a single file is a checkpoint, and comes before an index")
    func singleFile() throws {
        try withCheckpoint { directory in
            let single = directory.appending(path: SafetensorsCheckpoint.fileName)
            try FileManager.default.copyItem(at: fixtures.appending(path: "torch.safetensors"), to: single)
            let checkpoint = try SafetensorsCheckpoint(directory: directory)
            #expect(checkpoint.names.contains("weight") && !checkpoint.names.contains("y.large"))
            #expect(try checkpoint.bytes(of: "scalar").loadUnaligned(as: Float.self) == 2.5)
            #expect(try SafetensorsCheckpoint(file: single).names == checkpoint.names)
            #expect(checkpoint.info("y.large") == nil)
        }
    }

    @Test("a directory without weights, or none at all, is an error that says what is looked for")
    func missing() throws {
        try withTemporaryDirectory { directory in
            #expect(
                try message(directory).contains(
                    "has neither model.safetensors nor model.safetensors.index.json"))
            #expect(throws: FileError.self) {
                try SafetensorsCheckpoint(directory: directory.appending(path: "none"))
            }
            let file = directory.appending(path: "file")
            try Data().write(to: file)
            #expect(throws: FileError.notADirectory(file.path(percentEncoded: false))) {
                try SafetensorsCheckpoint(directory: file)
            }
        }
    }

    @Test("a missing shard is named")
    func missingShard() throws {
        try withCheckpoint { directory in
            try FileManager.default.removeItem(at: directory.appending(path: shard))
            #expect(try message(directory).contains("names the shard \"\(shard)\", which is missing"))
        }
    }

    @Test("a broken shard is named")
    func brokenShard() throws {
        try withCheckpoint { directory in
            let url = directory.appending(path: shard)
            try Data(contentsOf: url).dropLast(4).write(to: url)
            let text = try message(directory)
            #expect(text.contains(shard) && text.contains("y.large") && text.contains("truncated"))
        }
    }

    @Test("a tensor that is not in its shard is named")
    func missingTensor() throws {
        try withCheckpoint { directory in
            try edit(directory) { $0.replacing("\"y.large\"", with: "\"x.large\"") }
            #expect(try message(directory).contains("tensor \"x.large\": is not in its shard \"\(shard)\""))
        }
        try withCheckpoint { directory in
            try edit(directory) { $0.replacing("\"e\": \"model-00004", with: "\"e\": \"model-00005") }
            #expect(try message(directory).contains("tensor \"e\": is not in its shard"))
        }
    }

    @Test("a tensor that the index does not list is named")
    func unlistedTensor() throws {
        try withCheckpoint { directory in
            try edit(directory) { $0.replacing(/"e": "[^"]*",/, with: "") }
            #expect(try message(directory).contains("tensor \"e\": is in a shard, but not in the index's"))
        }
    }

    @Test("a tensor in two shards is named with both")
    func twoShards() throws {
        try withCheckpoint { directory in
            let other = "model-00002-of-00005.safetensors"
            try FileManager.default.copyItem(
                at: directory.appending(path: other), to: directory.appending(path: "z.safetensors"))
            try edit(directory) { $0.replacing("\"a\": \"\(other)\"", with: "\"a\": \"z.safetensors\"") }
            #expect(try message(directory).contains("is in two shards: \"\(other)\" and \"z.safetensors\""))
        }
    }

    @Test(
        "a shard's name may not lead out of the directory",
        arguments: ["../x.safetensors", "/etc/passwd", "a/b", "..", ".", "", "a\\\\b", "a\\u0000b"])
    func pathTraversal(name: String) throws {
        try withCheckpoint { directory in
            try edit(directory) { $0.replacing(shard, with: name) }
            #expect(try message(directory).contains("tensor \"y.large\": its shard"))
            #expect(try message(directory).contains("must be the plain name of a file beside the index"))
        }
    }

    @Test(
        "an index of another form is refused",
        arguments: [
            ("[]", "an object \"weight_map\""), ("{\"weight_map\":[]}", "an object \"weight_map\""),
            ("{\"weight_map\":{}}", "names no tensor"),
            ("{\"weight_map\":{\"a\":1}}", "tensor \"a\": its shard must be a file name, not an integer"),
        ])
    func otherForms(index: String, reason: String) throws {
        try withCheckpoint { directory in
            try edit(directory) { _ in index }
            #expect(try message(directory).contains(reason))
        }
    }
}
