import Foundation
import TestSupport
import Testing

@testable import GGUF

/// Importance matrices, in llama.cpp's two forms.
@Suite struct ImportanceTests {
    private static let matrix = ImportanceMatrix(
        entries: [
            "blk.0.attn_q.weight": .init(squares: [1, 2, 3, 10], count: 8),
            "blk.0.ffn_down.weight": .init(squares: [0, 0, 4, 0], count: 2),
        ], datasets: ["texts.jsonl"], chunks: 3, chunkSize: 512)

    /// The older form: sums that are means times the number of calls, as `imatrix.cpp` of 2024 wrote them.
    private static func old(_ changes: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
        var bytes = HandMade.little(Int32(2))
        let entries: [(name: String, values: [Float])] = [
            ("blk.0.attn_q.weight", [1, 2, 3, 10]), ("b", [0.5]),
        ]
        for (name, values) in entries {
            bytes += HandMade.little(Int32(name.utf8.count)) + Array(name.utf8) + HandMade.little(Int32(8))
            bytes += HandMade.little(Int32(values.count))
            for value in values { bytes += HandMade.little(value.bitPattern) }
        }
        bytes += HandMade.little(Int32(3)) + HandMade.little(Int32(9)) + Array("wiki.text".utf8)
        changes(&bytes)
        return bytes
    }

    @Test func whatIsWrittenComesBack() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "i.gguf")
            try Self.matrix.write(to: url)
            #expect(try ImportanceMatrix(contentsOf: url) == Self.matrix)
            let file = try GGUFFile(contentsOf: url)
            #expect(file["general.type"]?.stringValue == "imatrix")
            #expect(file.info("blk.0.attn_q.weight.in_sum2")?.shape == [1, 4])
            #expect(file.info("blk.0.attn_q.weight.counts")?.shape == [1, 1])
        }
    }

    @Test func theOlderFormIsRead() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "i.dat")
            try Data(Self.old()).write(to: url)
            let read = try ImportanceMatrix(contentsOf: url)
            #expect(read.entries["blk.0.attn_q.weight"] == .init(squares: [1, 2, 3, 10], count: 8))
            #expect(read.entries["b"] == .init(squares: [0.5], count: 8))
            #expect(read.datasets == ["wiki.text"] && read.chunks == 3)
            // Without what newer files have behind the entries.
            try Data(Self.old { $0.removeLast(17) }).write(to: url)
            #expect(try ImportanceMatrix(contentsOf: url).entries == read.entries)
        }
    }

    @Test func importanceHasAMeanOfOne() throws {
        let found = try #require(try Self.matrix.importance(of: "blk.0.attn_q.weight", columns: 4))
        #expect(found == [0.25, 0.5, 0.75, 2.5])
        // A column without inputs still counts a little.
        let sparse = try #require(try Self.matrix.importance(of: "blk.0.ffn_down.weight", columns: 4))
        #expect(sparse == [1e-4, 1e-4, 4, 1e-4])
        #expect(try Self.matrix.importance(of: "blk.1.ffn_down.weight", columns: 4) == nil)
        ContainerTests.expectError("its importance has 4 columns, the model 5") {
            _ = try Self.matrix.importance(of: "blk.0.attn_q.weight", columns: 5)
        }
    }

    @Test func whatIsNoMatrixIsRefused() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "i.dat")
            func expect(_ part: String, _ bytes: [UInt8]) throws {
                try Data(bytes).write(to: url)
                ContainerTests.expectError(part) { _ = try ImportanceMatrix(contentsOf: url) }
            }
            try expect("the number of entries is 0", HandMade.little(Int32(0)) + [0, 0])
            try expect("no importance matrix, or damaged", HandMade.little(Int32.max) + [0, 0, 0, 0])
            try expect(
                "column 1 is nan",
                Self.old { bytes in
                    bytes.replaceSubrange(39..<43, with: HandMade.little(Float.nan.bitPattern))
                })
            try expect(
                "column 0 is -1.0",
                Self.old { bytes in
                    bytes.replaceSubrange(35..<39, with: HandMade.little(Float(-1).bitPattern))
                })
            try expect("is not \"imatrix\"", Array(try Data(contentsOf: Fixture.url("llama.gguf"))))
            ContainerTests.expectError("\"blk.0.attn_q.weight.counts\": is missing") {
                try GGUFWriter(
                    metadata: [("general.type", .string("imatrix"))],
                    tensors: [
                        GGUFOutputTensor(
                            name: "blk.0.attn_q.weight.in_sum2", type: .f32, shape: [1, 2], values: [1, 2])
                    ]
                ).write(to: url)
                return try ImportanceMatrix(contentsOf: url)
            }
            ContainerTests.expectError("experts, which is not supported") {
                try GGUFWriter(
                    metadata: [("general.type", .string("imatrix"))],
                    tensors: [
                        GGUFOutputTensor(name: "x.in_sum2", type: .f32, shape: [2, 1], values: [1, 2]),
                        GGUFOutputTensor(name: "x.counts", type: .f32, shape: [2, 1], values: [1, 2]),
                    ]
                ).write(to: url)
                return try ImportanceMatrix(contentsOf: url)
            }
        }
    }

    @Test func damagedFilesAreRefusedOrRead() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "i.dat")
            let whole = directory.appending(path: "i.gguf")
            try Self.matrix.write(to: whole)
            var generator = SeededGenerator(seed: 3)
            for original in [Self.old(), Array(try Data(contentsOf: whole))] {
                for length in 0..<original.count { try read(Array(original[..<length]), url) }
                for _ in 0..<2000 {
                    var bytes = original
                    for _ in 0..<Int.random(in: 1...3, using: &generator) {
                        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(
                            in: 0...255, using: &generator)
                    }
                    try read(bytes, url)
                }
            }
        }
    }

    private func read(_ bytes: [UInt8], _ url: URL) throws {
        try Data(bytes).write(to: url)
        do {
            let matrix = try ImportanceMatrix(contentsOf: url)
            #expect(!matrix.entries.isEmpty)
        } catch is GGUFError {} catch { Issue.record("\(error)") }
    }
}
