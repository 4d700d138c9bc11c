import Foundation
import JSON
import RegularExpressions
import TestSupport
import Testing

@testable import Tokenizers

/// Which tokens a trimmed byte-level vocabulary keeps, that texts inside it keep their tokens, and that any text has some.
@Suite("Trimmed byte-level vocabularies")
struct BytePairTrimmingTests {
    /// The last one lacks the tokens of some bytes, as SmolLM2's vocabulary does.
    private static let families = [
        "gpt2", "llama3", "ignore_merges", "roberta", "longformer", "modernbert", "gpt2-",
    ]

    private static func files(_ family: String) throws -> [String: String] {
        let name = family.hasSuffix("-") ? String(family.dropLast()) : family
        // The fixtures have no decoder, by which the bytes of tokens are known.
        var text = try Fixture.json("families/\(name).json").serialized().replacing(
            "\"decoder\":null",
            with:
                "\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true}"
        )
        if name != family {
            let vocabulary = try #require(JSONValue.parse(text)["model"]["vocab"].objectValue)
            for byte in [0xC0, 0xC1, 0xF5] as [UInt32] {
                let token = Unicode.Scalar(byte).map(String.init) ?? ""
                let id = try #require(vocabulary[token]?.intValue)
                // Under another name, so that ids have no gap.
                text = text.replacing("\"\(token)\":\(id),", with: "\"unused \(id)\":\(id),")
            }
            #expect(text.contains("unused "))
        }
        return ["tokenizer.json": text]
    }

    private static func counts(_ tokenizer: Tokenizer, _ texts: [String]) throws -> TokenCounts {
        var counts = TokenCounts()
        for text in texts { for id in try tokenizer.encode(text).ids { counts.add(Int(id), 1) } }
        return counts
    }

    private static func load(_ trimmed: TrimmedVocabulary) throws -> Tokenizer {
        try Fixture.withDirectory([:]) { directory in
            try trimmed.write(to: directory)
            return try Tokenizer.load(directory: directory)
        }
    }

    /// Words made of tokens of the vocabulary, now and then with characters of all sorts.
    private static func text(of tokenizer: Tokenizer, using generator: inout SeededGenerator) throws -> String
    {
        let ids = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
            Int32.random(in: 0..<Int32(tokenizer.vocabularySize), using: &generator)
        }
        let odd = Int.random(in: 0..<4, using: &generator) == 0 ? RandomText.make(using: &generator) : ""
        return try tokenizer.decode(ids) + odd
    }

    @Test("texts that were counted keep their tokens, others keep their bytes", arguments: families)
    func sameTokens(family: String) throws {
        var generator = SeededGenerator(seed: 11)
        try Fixture.withDirectory(Self.files(family)) { directory in
            let trimmer = try VocabularyTrimmer(directory: directory)
            let original = trimmer.tokenizer
            for count in [1, 12, 60] {
                let seen = try (0..<count).map { _ in try Self.text(of: original, using: &generator) }
                let trimmed = try trimmer.plan(used: Self.counts(original, seen))
                let after = try Self.load(trimmed)
                #expect(after.vocabularySize == trimmed.count && trimmed.droppedUsedCount == 0)
                for text in seen {
                    let old = try original.encode(text).ids
                    let new = try after.encode(text).ids.map { Int32(trimmed.keptIDs[Int($0)]) }
                    #expect(new == old, "\(text.debugDescription)")
                }
                var changed = 0
                for _ in 0..<100 {
                    let text = try Self.text(of: original, using: &generator)
                    let (old, new) = (try original.encode(text).ids, try after.encode(text).ids)
                    #expect(try after.decode(new) == original.decode(old), "\(text.debugDescription)")
                    // Each of its tokens is one of the old tokenizer, of the same bytes.
                    let back = new.map { Int32(trimmed.keptIDs[Int($0)]) }
                    #expect(
                        zip(new, back).allSatisfy { after.bytes(ofToken: $0) == original.bytes(ofToken: $1) })
                    if back != old { changed += 1 }
                }
                #expect(changed > 0, "some token is not there")
            }
        }
    }

    @Test("bytes, special tokens, used tokens and the way to them are what stays, with the merges among them")
    func keptTokens() throws {
        try Fixture.withDirectory(Self.files("gpt2")) { directory in
            let trimmer = try VocabularyTrimmer(directory: directory)
            let tokenizer = trimmer.tokenizer
            let longest = try #require(
                (0..<Int32(tokenizer.vocabularySize)).compactMap(tokenizer.idToToken)
                    .filter { !$0.hasPrefix("<|") }.max { $0.utf8.count < $1.utf8.count })
            var used = TokenCounts()
            used.add(Int(try #require(tokenizer.tokenToID(longest))), 3)
            let trimmed = try trimmer.plan(used: used)
            let kept = Set(trimmed.keptIDs.compactMap { tokenizer.idToToken(Int32($0)) })
            #expect(kept.contains(longest) && kept.contains("<|endoftext|>"))
            let model = try #require(tokenizer.model as? BPE)
            #expect(model.byteTokens.count == 256)
            let path = try model.path(to: #require(tokenizer.tokenToID(longest)))
            #expect(path.count == 2 * longest.unicodeScalars.count - 1)
            // Nothing else stays.
            #expect(trimmed.count == Set(model.byteTokens + path).count + 1)
            #expect(trimmed.unseenCharacterCount == trimmed.count - 2)
            let file = try JSONValue.parse(trimmed.files[0].contents)
            let merges = try #require(file["model"]["merges"].arrayValue)
            let made = Set(path).subtracting(model.byteTokens)
            #expect(merges.count >= made.count && made.count > 1 && merges.count < 40)
            // Of words without a token of their own the tokens are those of fewer merges.
            let after = try Self.load(trimmed)
            #expect(try after.encode("zqzq").ids.count == 4)
            #expect(try after.decode(after.encode("日本 \u{0}é").ids) == "日本 \u{0}é")
        }
    }

    @Test("vocab.json and merges.txt are renumbered with the rest, and alone make the same tokenizer")
    func vocabularyFiles() throws {
        let model = try Fixture.json("families/gpt2.json")["model"]
        let merges = try #require(model["merges"].arrayValue).map { merge in
            merge.stringValue ?? merge.arrayValue?.compactMap(\.stringValue).joined(separator: " ") ?? ""
        }
        let files = [
            "vocab.json": model["vocab"].serialized(),
            "merges.txt": "#version: 0.2\n" + merges.joined(separator: "\n") + "\n",
            "tokenizer_config.json": #"{"tokenizer_class": "GPT2Tokenizer"}"#,
        ]
        let texts = ["the film was a delight", "it's 12 o'clock\n\n  now"]
        try Fixture.withDirectory(files) { directory in
            let trimmer = try VocabularyTrimmer(directory: directory)
            let trimmed = try trimmer.plan(used: Self.counts(trimmer.tokenizer, texts))
            #expect(Set(trimmed.files.map(\.name)) == Set(files.keys))
            let after = try Self.load(trimmed)
            #expect(after.vocabularySize == trimmed.count && trimmed.count < 400)
            for text in texts {
                let old = try trimmer.tokenizer.encode(text).ids
                #expect(try after.encode(text).ids.map { Int32(trimmed.keptIDs[Int($0)]) } == old)
            }
        }
    }

    @Test("other models are refused by name", arguments: ["albert", "wordlevel", "bpe", "llama"])
    func refusals(family: String) throws {
        let file = try StageFixture.withCharsmap(Fixture.json("families/\(family).json"))
        try Fixture.withDirectory(["tokenizer.json": file.serialized()]) { directory in
            let error = #expect(throws: TokenizerError.self) { try VocabularyTrimmer(directory: directory) }
            #expect("\(error.map(String.init(describing:)) ?? "")".contains("byte-level BPE"))
        }
    }

    @Test("damaged files are refused, or trimmed to files that load")
    func mutations() throws {
        var generator = SeededGenerator(seed: 4)
        let model = BytePairFixture.file
        var (trimmedCount, refused) = (0, 0)
        for round in 0..<300 {
            var bytes = Array(model.utf8)
            for _ in 0..<(round == 0 ? 0 : Int.random(in: 1...2, using: &generator)) {
                // Beyond the bytes' own tokens.
                let place = Int.random(in: bytes.count - 400..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0x20...0x7E, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[place], at: place)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            try Fixture.withDirectory(["tokenizer.json": text]) { directory in
                do {
                    let trimmer = try VocabularyTrimmer(directory: directory)
                    let trimmed = try trimmer.plan(used: Self.counts(trimmer.tokenizer, ["abc", "b"]))
                    let after = try Self.load(trimmed)
                    let names = trimmed.keptIDs.map { trimmer.tokenizer.idToToken(Int32($0)) }
                    #expect(
                        (0..<trimmed.count).map { after.idToToken(Int32($0)) } == names, "\(text.suffix(400))"
                    )
                    trimmedCount += 1
                } catch {
                    #expect(!"\(error)".contains("\n"))
                    refused += 1
                }
            }
        }
        #expect(trimmedCount > 30 && refused > 60, "\(trimmedCount) \(refused)")
    }
}

/// A byte-level `tokenizer.json` with a few merges at its end.
private enum BytePairFixture {
    static var file: String {
        let bytes = ByteLevelAlphabet.scalars.compactMap(Unicode.Scalar.init).enumerated().map {
            (String($1), JSONValue.integer($0))
        }
        let vocabulary = JSONValue.object(
            JSONObject(bytes + [("ab", .integer(256)), ("bc", .integer(257)), ("abc", .integer(258))])
        ).serialized()
        return
            #"{"version":"1.0","model":{"vocab":\#(vocabulary),"type":"BPE","dropout":null,"unk_token":null,"#
            + #""continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"#
            + #""ignore_merges":false,"merges":[["a","b"],["b","c"],["ab","c"]]},"#
            + #""pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},"decoder":{"type":"ByteLevel"},"#
            + #""added_tokens":[{"id":259,"content":"<e>","special":true,"normalized":false}]}"#
    }
}
