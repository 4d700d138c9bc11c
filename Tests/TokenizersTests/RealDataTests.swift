import Files
import Foundation
import RegularExpressions
import Testing

@testable import Tokenizers

/// The sentences that the demo learns from, with a real model's tokenizer.
///
/// `make test` downloads them and has scripts/fixtures/wordpiece.py encode them into .demo/golden, which is not in
/// the repository; without that folder this suite is skipped.
@Suite("Real sentences", .enabled(if: RealData.isPresent))
struct RealDataTests {
    @Test("ids equal Hugging Face's on every sentence")
    func everySentence() throws {
        let tokenizer = try Tokenizer.load(directory: RealData.directory.appending(path: "tokenizer"))
        let sentences = try RealData.sentences()
        let expected = try RealData.numbers("ids.bin")
        #expect(sentences.count > 23_000)
        try #require(sentences.count == expected.count)
        let encodings = try tokenizer.encode(batch: sentences)
        let different = sentences.indices.filter { encodings[$0].ids != expected[$0] }.map { sentences[$0] }
        #expect(different == [])
        let flat = try tokenizer.encodeFlat(batch: sentences)
        #expect(sentences.indices.allSatisfy { Array(flat[$0]) == expected[$0] })

        let pairs = stride(from: 0, to: sentences.count - 1, by: 10).map {
            TextPair(sentences[$0], pair: sentences[$0 + 1])
        }
        let pairEncodings = try tokenizer.encode(batch: pairs, maxLength: 48)
        let expectedPairs = try RealData.numbers("pairs.bin")
        #expect(pairs.count > 2_000 && pairEncodings.flatMap { [$0.ids, $0.typeIDs] } == expectedPairs)
    }

    @Test("the tokenizer of the real model loads with all that it is known for")
    func settings() throws {
        let tokenizer = try Tokenizer.load(directory: RealData.directory.appending(path: "tokenizer"))
        #expect(tokenizer.vocabularySize == 30_522 && tokenizer.largestTokenID == 30_521)
        #expect(tokenizer.modelMaxLength == 512)
        #expect(tokenizer.truncation == Truncation(maxLength: 128))
        #expect(tokenizer.padding?.length == 128)
        #expect([tokenizer.padTokenID, tokenizer.unknownTokenID, tokenizer.maskTokenID] == [0, 100, 103])
        #expect([tokenizer.clsTokenID, tokenizer.sepTokenID] == [101, 102])
    }
}

enum RealData {
    static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: ".demo/golden")

    static var isPresent: Bool {
        FileManager.default.fileExists(
            atPath: directory.appending(path: "ids.bin").path(percentEncoded: false))
    }

    static func sentences() throws -> [String] {
        try lists("sentences.bin", elementSize: 1).map { String(decoding: $0, as: UTF8.self) }
    }

    static func numbers(_ name: String) throws -> [[Int32]] {
        try lists(name, elementSize: 4).map { list in
            stride(from: 0, to: list.count, by: 4).map {
                list.loadUnaligned(fromByteOffset: $0, as: Int32.self).littleEndian
            }
        }
    }

    /// The lists of a file: their number, then each with its number of elements.
    private static func lists(_ name: String, elementSize: Int) throws -> [UnsafeRawBufferPointer] {
        // The file's bytes are kept to the end of the process; it is small.
        let data = try Data(contentsOf: directory.appending(path: name))
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: data.count, alignment: 8)
        data.copyBytes(to: bytes)
        var position = 0
        func next() -> Int {
            defer { position += 4 }
            return Int(bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self).littleEndian)
        }
        return (0..<next()).map { _ in
            let size = next() * elementSize
            defer { position += size }
            return UnsafeRawBufferPointer(rebasing: bytes[position..<position + size])
        }
    }
}
