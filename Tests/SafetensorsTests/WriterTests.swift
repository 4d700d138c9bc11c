import Files
import Foundation
import Safetensors
import TestSupport
import Testing

@Suite("Writing safetensors")
struct WriterTests {
    typealias Entry = SafetensorsWriter.Entry

    private func entry(_ name: String, _ dtype: SafetensorsDType = .float32, _ shape: [Int] = [2]) -> Entry {
        Entry(name: name, dtype: dtype, shape: shape, bytes: [UInt8](repeating: 7, count: 8))
    }

    @Test("entries that are not valid are refused by name, and leave no file")
    func refused() throws {
        let cases: [([Entry], String)] = [
            ([entry("a"), entry("a")], "tensor \"a\": occurs twice"),
            ([entry("__metadata__")], "the format reserves this name"),
            ([entry("a", .float32, [3])], "its shape [3] of F32 needs 12 bytes, but 8 were given"),
            ([entry("a", .float32, [-1, -2])], "has a negative size"),
            ([entry("a", .float32, [.max, 2])], "has too many elements"),
            ([entry("a", .float4, [3])], "does not fill whole bytes"),
            ([Entry(name: "a", dtype: .uint8, shape: [0]) { _ in }], "gave no bytes"),
            (
                [
                    Entry(name: "a", dtype: .uint8, shape: [1]) { body in
                        for _ in 0..<2 { try [UInt8(1)].withUnsafeBytes { try body($0) } }
                    }
                ], "needs 1 bytes, but 2 were given"
            ),
        ]
        for (entries, reason) in cases {
            try withTemporaryDirectory { directory in
                let url = directory.appending(path: "model.safetensors")
                let error = try #require(throws: SafetensorsError.self) {
                    try SafetensorsWriter.write([entry("first", .int64, [1])] + entries, to: url)
                }
                #expect(error.description.contains(reason), "\(error)")
                #expect(try directory.contents() == [])
            }
        }
    }

    @Test("a tensor's own error stops the writing and leaves the old file")
    func failureKeepsOld() throws {
        struct Interruption: Error {}
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "model.safetensors")
            try SafetensorsWriter.write([entry("old")], to: url)
            let bad = Entry(name: "bad", dtype: .uint8, shape: [1]) { _ in throw Interruption() }
            #expect(throws: Interruption.self) { try SafetensorsWriter.write([entry("new"), bad], to: url) }
            #expect(try SafetensorsFile(contentsOf: url).tensors.map(\.name) == ["old"])
            #expect(try directory.contents() == ["model.safetensors"])
        }
    }

    @Test("random tensors read back as they were written, each aligned to its element")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 5)
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "model.safetensors")
            for _ in 0..<50 {
                var expected: [String: (SafetensorsDType, [Int], [UInt8])] = [:]
                for index in 0..<Int.random(in: 0..<12, using: &generator) {
                    let dtype = try #require(SafetensorsDType.allCases.randomElement(using: &generator))
                    let rank = Int.random(in: 0..<4, using: &generator)
                    // Packed elements must fill whole bytes, so the last dimension is a multiple of 4.
                    let shape = (0..<rank).map { _ in Int.random(in: 0..<4, using: &generator) } + [4]
                    let count = shape.reduce(1, *) * dtype.bitSize / 8
                    let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                    expected["t\"\n\(index)é"] = (dtype, shape, bytes)
                }
                let entries = expected.map { Entry(name: $0, dtype: $1.0, shape: $1.1, bytes: $1.2) }
                let metadata = ["format": "pt", "b\n": "\"é", "a": ""]
                try SafetensorsWriter.write(entries, metadata: metadata, to: url)
                let file = try SafetensorsFile(contentsOf: url)
                #expect(file.metadata == metadata)
                #expect(file.tensors.count == expected.count)
                for (name, tensor) in expected {
                    #expect(file.info(name)?.dtype == tensor.0)
                    #expect(file.info(name)?.shape == tensor.1)
                    let bytes = try file.bytes(of: name)
                    #expect(bytes.elementsEqual(tensor.2))
                    if let address = bytes.baseAddress, tensor.0.bitSize >= 8, !bytes.isEmpty {
                        #expect(Int(bitPattern: address) % (tensor.0.bitSize / 8) == 0)
                    }
                }
            }
        }
    }

    @Test("a model that fits is one file, and weights of an earlier save go away")
    func staleFiles() throws {
        try withTemporaryDirectory { directory in
            let entries = ["a", "b", "c"].map { entry($0) }
            try Data().write(to: directory.appending(path: "model-notes.safetensors"))
            try SafetensorsWriter.writeSharded(entries, toDirectory: directory, maximumShardBytes: 8)
            #expect(
                try directory.contents() == [
                    "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
                    "model-00003-of-00003.safetensors", "model-notes.safetensors",
                    "model.safetensors.index.json",
                ])
            try SafetensorsWriter.writeSharded(entries, toDirectory: directory)
            #expect(try directory.contents() == ["model-notes.safetensors", "model.safetensors"])
            try SafetensorsWriter.writeSharded(entries, toDirectory: directory, maximumShardBytes: 16)
            #expect(try !directory.contents().contains("model.safetensors"))
            #expect(try SafetensorsCheckpoint(directory: directory).names == ["a", "b", "c"])
        }
    }

    @Test("a name given twice is refused across shards too, and a model without tensors can be saved")
    func shardEdges() throws {
        try withTemporaryDirectory { directory in
            let error = #expect(throws: SafetensorsError.self) {
                try SafetensorsWriter.writeSharded(
                    [entry("a"), entry("a")], toDirectory: directory, maximumShardBytes: 8)
            }
            #expect(error?.tensor == "a")
            #expect(try directory.contents() == [])
            try SafetensorsWriter.writeSharded([], toDirectory: directory)
            #expect(try SafetensorsCheckpoint(directory: directory).names == [])
            #expect(throws: FileError.self) {
                try SafetensorsWriter.writeSharded(
                    [entry("a")], toDirectory: directory.appending(path: "none"))
            }
        }
    }
}
