import Foundation
import JSON
import Testing

@testable import Tokenizers

/// Every normalizer with every pre-tokenizer and several models; see scripts/fixtures/tokenizers_stages.py.
@Suite("Combinations of stages")
struct CombinationTests {
    private static let golden = Result {
        let file = try Fixture.json("stages/combinations.json")
        var golden = try #require(file.objectValue)
        golden["normalizers"] = try StageFixture.withCharsmap(file["normalizers"])
        return JSONValue.object(golden)
    }
    private static let settings = Result {
        try TokenizerSettings(directory: Fixture.directory.appending(path: "none"))
    }

    private static func stage<Stage>(_ registry: StageRegistry<Stage>, _ value: JSONValue) throws -> Stage? {
        try registry.make(from: StageConfiguration(file: "golden", value: .object([registry.part: value])))
    }

    /// The stages that combinations are made of, each made once.
    private struct Stages {
        var normalizers: [String: any Normalizer] = [:]
        var preTokenizers: [String: any PreTokenizer] = [:]
        var models: [String: any Model] = [:]
        var postProcessors: [String: any PostProcessor] = [:]

        init(_ golden: JSONValue) throws {
            func all<Stage>(_ key: String, _ registry: StageRegistry<Stage>) throws -> [String: Stage] {
                let values = try #require(golden[key].objectValue)
                return Dictionary(
                    uniqueKeysWithValues: try values.compactMap { name, value in
                        try CombinationTests.stage(registry, value).map { (name, $0) }
                    })
            }
            normalizers = try all("normalizers", .normalizers)
            preTokenizers = try all("pre_tokenizers", .preTokenizers)
            models = try all("models", .models)
            postProcessors = try all("post_processors", .postProcessors)
        }

        func tokenizer(_ names: [Substring], post: String? = nil) throws -> Tokenizer {
            let parts = TokenizerParts(
                normalizer: normalizers[String(names[1])], preTokenizer: preTokenizers[String(names[2])],
                model: try #require(models[String(names[0])]),
                postProcessor: post.flatMap { postProcessors[$0] } ?? PlainPostProcessor(), addedTokens: [])
            return try Tokenizer(parts, settings.get(), file: "golden")
        }
    }

    private static func checksum(_ numbers: [Int32]) -> String {
        let crc = numbers.withUnsafeBytes { CRC32.checksum($0) } & 0xFFFF
        let hex = String(crc, radix: 16)
        return String(repeating: "0", count: 4 - hex.count) + hex
    }

    private static func checksums(_ encoding: Encoding) -> String {
        checksum(encoding.ids)
            + checksum(encoding.offsets.flatMap { [Int32($0.lowerBound), Int32($0.upperBound)] })
    }

    @Test("ids and offsets equal Hugging Face's, one text at a time and in a batch")
    func combinations() throws {
        let golden = try Self.golden.get()
        let stages = try Stages(golden)
        let texts = golden["texts"].elements.map(\.text)
        let sums = try #require(golden["checksums"].objectValue)
        #expect(sums.count > 2000 && texts.count > 40)
        var different: [String] = []
        for (name, value) in sums {
            let tokenizer = try stages.tokenizer(name.split(separator: " "))
            let flat = try tokenizer.encodeFlat(batch: texts, threads: 1)
            var expected = value.text[...]
            for (index, text) in texts.enumerated() {
                let encoding = try tokenizer.encodeWithOffsets(text)
                if Self.checksums(encoding) != expected.prefix(8) || encoding.ids != Array(flat[index]) {
                    different.append("\(name): \(JSONValue.string(text).serialized())")
                }
                expected = expected.dropFirst(8)
            }
        }
        if let folder = ProcessInfo.processInfo.environment["TOKENIZERS_REPORT"] {
            try different.joined(separator: "\n").write(
                toFile: folder + "/different.txt", atomically: true, encoding: .utf8)
        }
        #expect(different.isEmpty, "\(different.count), such as \(different.prefix(10))")
    }

    @Test("post-processors join texts and pairs as Hugging Face's do")
    func postProcessors() throws {
        let golden = try Self.golden.get()
        let stages = try Stages(golden)
        let texts = golden["texts"].elements.map(\.text)
        let sums = try #require(golden["post_checksums"].objectValue)
        #expect(sums.count > 20)
        for (name, value) in sums {
            let names = name.split(separator: " ")
            let tokenizer = try stages.tokenizer([names[0], "none", names[1]], post: String(names[2]))
            var encodings = try texts.map { try tokenizer.encodeWithOffsets($0) }
            encodings += try zip(texts, texts.reversed()).map {
                try tokenizer.encodeWithOffsets($0, pair: $1)
            }
            let found = encodings.map(Self.checksums).joined() + Self.checksum(encodings.flatMap(\.typeIDs))
            #expect(found == value.text, "\(name)")
        }
    }
}

/// The checksum of zlib, which Python has, too.
enum CRC32 {
    private static let table: [UInt32] = (0..<256 as Range<UInt32>).map { byte in
        (0..<8).reduce(byte) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    }
}
