import Foundation
import JSON
import TestSupport
import Testing

@testable import Tokenizers

/// Stages whose tables are damaged: one error that names the file and the place, or a tokenizer that works; no crash.
@Suite("Damaged stages")
struct DamagedStageTests {
    private let texts = [
        "", "caf\u{E9} \u{FF21}\u{2460} \r\n a\u{301}", "\u{FB01}nd \u{1100}\u{1161} \u{2026} x",
        "plain words only",
    ]

    private func precompiled(_ text: String) throws -> Precompiled {
        let value: JSONValue = .object(["precompiled_charsmap": .string(text)])
        return try Precompiled(StageConfiguration(file: "tokenizer.json", value: value))
    }

    private func exercise(_ normalizer: Precompiled) throws {
        for text in texts {
            var text = text
            var aligned = AlignedText()
            text.withUTF8 { aligned.reset($0, start: 0, tracksOrigins: true) }
            try normalizer.normalize(&aligned)
            #expect(aligned.origins.count == aligned.bytes.count)
            #expect(String(validating: aligned.bytes, as: UTF8.self) != nil)
        }
    }

    @Test("precompiled_charsmap that is cut, flipped or not base64")
    func charsmap() throws {
        var generator = SeededGenerator(seed: 61)
        let whole = try Array(#require(Data(base64Encoded: StageFixture.charsmap.get())))
        var (loaded, refused) = (0, 0)
        for round in 0..<150 {
            var bytes = whole
            switch round % 3 {
            case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
            case 1:
                for _ in 0..<200 {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
            default:
                // The double array alone, whose links then lead anywhere.
                for _ in 0..<2000 {
                    let place = Int.random(in: 4..<bytes.count / 2, using: &generator)
                    bytes[place] = UInt8.random(in: 0...255, using: &generator)
                }
            }
            do {
                try exercise(try precompiled(Data(bytes).base64EncodedString()))
                loaded += 1
            } catch {
                let text = "\(error)"
                #expect(text.hasPrefix("tokenizer.json: precompiled_charsmap: ") && !text.contains("\n"))
                refused += 1
            }
        }
        #expect(loaded > 10 && refused > 10)
        for text in ["", "AA", "====", "not base64", "AAAA\u{E9}"] {
            #expect(throws: TokenizerError.self) { try precompiled(text) }
        }
    }

    private func message(model: JSONValue) -> String {
        var text = ""
        #expect(throws: TokenizerError.self) {
            do {
                _ = try TokenizerParts(
                    StageConfiguration(file: "tokenizer.json", value: .object(["model": model])))
            } catch {
                text = "\(error)"
                throw error
            }
        }
        #expect(text.hasPrefix("tokenizer.json: ") && !text.contains("\n"), "\(text)")
        return text
    }

    private func bpe(_ vocabulary: JSONValue, _ merges: JSONValue) -> JSONValue {
        .object(["type": "BPE", "vocab": vocabulary, "merges": merges])
    }

    @Test("merges that lack a part, are no pairs, or need tokens that are not there")
    func merges() {
        let vocabulary: JSONValue = ["a": 0, "b": 1, "ab": 2]
        for merge: JSONValue in [
            "a", "a b c", "", [], ["a"], ["a", "b", "c"], ["a", 1], [1, "a", "b"], 7, .null, [:],
        ] {
            let text = message(model: bpe(vocabulary, ["a b", merge]))
            #expect(text.contains("model.merges[1]"), "\(text)")
        }
        #expect(message(model: bpe(vocabulary, ["b a"])).contains("\"ba\""))
        #expect(message(model: bpe(vocabulary, ["a c"])).contains("\"c\""))
        #expect(message(model: bpe(vocabulary, "a b")).contains("model.merges"))
        #expect(message(model: bpe(["a": 0, "b": 0], [])).contains("both have id 0"))
        #expect(message(model: bpe(["a": -1], [])).contains("id -1"))
        #expect(message(model: bpe(["a": "0"], [])).contains("model.vocab[\"a\"]"))
        #expect(message(model: bpe([1, 2], [])).contains("model.vocab"))
    }

    @Test("vocabularies with gaps work")
    func gaps() throws {
        let model = bpe(["a": 3, "b": 70_000, "ab": 12], ["a b"])
        let parts = try TokenizerParts(
            StageConfiguration(file: "tokenizer.json", value: .object(["model": model])))
        let settings = try TokenizerSettings(directory: Fixture.directory.appending(path: "none"))
        let tokenizer = try Tokenizer(parts, settings, file: "tokenizer.json")
        #expect(try tokenizer.encode("abab").ids == [12, 12] && tokenizer.encode("ba").ids == [70_000, 3])
        #expect(try tokenizer.decode([12, 13, 3]) == "ab a")
        #expect(tokenizer.vocabularySize == 3 && tokenizer.largestTokenID == 70_000)
    }

    @Test("Unigram vocabularies with damaged entries, and an unk_id that is null or too large")
    func unigram() throws {
        func model(_ vocabulary: JSONValue, _ unknown: JSONValue = 0) -> JSONValue {
            .object(["type": "Unigram", "vocab": vocabulary, "unk_id": unknown])
        }
        for entry: JSONValue in [["a"], ["a", "b"], [1, -1.5], "a", [], ["a", -1.0, 2], .null] {
            #expect(message(model: model([["<unk>", 0.0], entry])).contains("model.vocab[1]"))
        }
        #expect(message(model: model([["<unk>", 0.0]], 1)).contains("unk_id is 1"))
        #expect(message(model: model([["<unk>", 0.0]], -1)).contains("model.unk_id"))
        let file: JSONValue = .object(["model": model([["<unk>", 0.0], ["a", -1.0]], .null)])
        let settings = try TokenizerSettings(directory: Fixture.directory.appending(path: "none"))
        let tokenizer = try Tokenizer(
            TokenizerParts(StageConfiguration(file: "tokenizer.json", value: file)), settings,
            file: "tokenizer.json")
        #expect(try tokenizer.encode("aa").ids == [1, 1])
        #expect(throws: TokenizerError.self) { try tokenizer.encode("ab") }
    }

    @Test("scores are read as Hugging Face's reader does")
    func scores() {
        // From tokenizers 0.23: what it writes again of numbers that it has read.
        #expect(UnigramScore.read(-6.2331282329899524) == -6.233128232989952)
        #expect(UnigramScore.read(-7.4225067475341255) == -7.422506747534125)
        #expect(UnigramScore.read(0) == 0 && UnigramScore.read(-5) == -5 && UnigramScore.read(1e-9) == 1e-9)
    }

    @Test("a long word takes no longer than its length asks")
    func longWords() throws {
        // A quadratic search would take minutes.
        for name in ["gpt2", "llama", "xlmr", "bpe", "llama3"] {
            let tokenizer = try FamilyTests.load(name)
            let text = String(repeating: "abcde\u{E9}", count: 40_000)
            #expect(try tokenizer.encode(text).count > 10_000)
        }
    }
}
