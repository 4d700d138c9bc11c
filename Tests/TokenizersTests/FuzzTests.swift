import Foundation
import JSON
import Testing

@testable import Tokenizers

/// Random texts and pairs, some of them cut, against Hugging Face's ids, type ids and offsets.
///
/// `TOKENIZERS_FUZZ` is the directory that `tokenizers_families.py --fuzz` has written; `TOKENIZERS_REPORT` one in which a
/// record of each tokenizer is left.
@Suite("Random texts", .enabled(if: ProcessInfo.processInfo.environment["TOKENIZERS_FUZZ"] != nil))
struct FuzzTests {
    /// Reads what the script has written.
    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var place = 0

        var isAtEnd: Bool { place >= bytes.count }

        mutating func number() -> Int32 {
            defer { place += 4 }
            return bytes.loadUnaligned(fromByteOffset: place, as: Int32.self)
        }

        mutating func numbers(_ count: Int) -> [Int32] { (0..<count).map { _ in number() } }

        mutating func text() -> String? {
            let length = Int(number())
            guard length >= 0 else { return nil }
            defer { place += length }
            return String(decoding: bytes[place..<place + length], as: UTF8.self)
        }
    }

    private struct Outcome {
        var texts = 0
        var tokens = 0
        var different: [String] = []
    }

    @Test("give Hugging Face's ids, type ids and offsets", arguments: FamilyTests.names)
    func fuzz(name: String) throws {
        let environment = ProcessInfo.processInfo.environment
        let directory = try #require(environment["TOKENIZERS_FUZZ"])
        let data = try Data(contentsOf: URL(filePath: directory).appending(path: "\(name).bin"))
        let outcome = try data.withUnsafeBytes { try compare(Reader(bytes: $0), FamilyTests.load(name)) }
        if let folder = environment["TOKENIZERS_REPORT"] {
            let record: JSONObject = [
                "name": .string(name), "model": .string(try model(name)), "texts": .integer(outcome.texts),
                "tokens": .integer(outcome.tokens), "differences": .integer(outcome.different.count),
            ]
            try (JSONValue.object(record).serialized() + "\n").write(
                to: URL(filePath: folder).appending(path: "tokenizer-\(name).json"), atomically: true,
                encoding: .utf8)
        }
        print(
            "\(name): \(outcome.texts) texts, \(outcome.tokens) tokens, \(outcome.different.count) different")
        for text in outcome.different.prefix(4) { print("    \(text)") }
        #expect(outcome.texts > 1000 && outcome.different.isEmpty)
    }

    private func compare(_ reader: Reader, _ tokenizer: Tokenizer) throws -> Outcome {
        var reader = reader
        var outcome = Outcome()
        var batch: [TextPair] = []
        var batchLength = 0
        var batchIDs: [[Int32]] = []
        /// The flat arrays are made by other paths than encodings with offsets.
        func finishBatch() throws {
            let flat = try tokenizer.encodeFlat(batch: batch, maxLength: batchLength == 0 ? nil : batchLength)
            for (index, ids) in batchIDs.enumerated() where Array(flat[index]) != ids {
                outcome.different.append(
                    "flat: \(JSONValue.string(batch[index].text).serialized()): \(Array(flat[index])), not \(ids)"
                )
            }
            batch = []
            batchIDs = []
        }
        while !reader.isAtEnd {
            let length = Int(reader.number())
            let text = reader.text() ?? ""
            let pair = reader.text()
            let count = Int(reader.number())
            let (ids, typeIDs, offsets) = (
                reader.numbers(count), reader.numbers(count), reader.numbers(count * 2)
            )
            let encoding = try tokenizer.encodeWithOffsets(
                text, pair: pair, maxLength: length == 0 ? nil : length)
            outcome.texts += 1
            outcome.tokens += count
            let found = encoding.offsets.flatMap { [Int32($0.lowerBound), Int32($0.upperBound)] }
            if encoding.ids != ids || encoding.typeIDs != typeIDs || found != offsets {
                outcome.different.append(
                    "\(JSONValue.string(text).serialized()) \(pair.map { JSONValue.string($0).serialized() } ?? "") \(length): "
                        + "\(encoding.ids) \(found), not \(ids) \(offsets)")
            } else {
                if batchLength != length || batch.count == 4096 { try finishBatch() }
                batchLength = length
                batch.append(TextPair(text, pair: pair))
                batchIDs.append(ids)
            }
        }
        try finishBatch()
        return outcome
    }

    /// The model's kind, as the table of docs/models.md calls it.
    private func model(_ name: String) throws -> String {
        let file = try Fixture.json("families/\(name).json")
        let type = file["model"]["type"].text
        return file["pre_tokenizer"].serialized().contains("ByteLevel") ? "\(type), byte-level" : type
    }
}
