import Foundation
import JSON
import RegularExpressions
import TestSupport
import Testing

@testable import Tokenizers

/// Which tokens a trimmed vocabulary keeps, and that texts inside it keep their tokens.
@Suite("Trimmed vocabularies")
struct TrimmingTests {
    private static func counts(_ tokenizer: Tokenizer, _ texts: [String]) throws -> TokenCounts {
        var counts = TokenCounts()
        counts.add(try tokenizer.encodeFlat(batch: texts))
        return counts
    }

    /// The tokenizer that the trimmed files make.
    private static func load(_ trimmed: TrimmedVocabulary) throws -> Tokenizer {
        try Fixture.withDirectory([:]) { directory in
            try trimmed.write(to: directory)
            return try Tokenizer.load(directory: directory)
        }
    }

    /// Texts of the vocabulary's own words, words made of its pieces, and characters of all sorts.
    private static func text(from ids: [Int], using generator: inout SeededGenerator) -> String {
        let words = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
            (0..<Int.random(in: 1...2, using: &generator)).map { _ in
                let id = Int32(ids.randomElement(using: &generator) ?? 0)
                let token = Fixture.tokenizer.idToToken(id) ?? ""
                return token.hasPrefix("##") ? String(token.dropFirst(2)) : token
            }.joined()
        }
        let odd = Int.random(in: 0..<4, using: &generator) == 0 ? RandomText.make(using: &generator) : ""
        return words.joined(separator: " ") + odd
    }

    @Test("texts whose tokens are all kept get the same tokens, whatever is dropped", arguments: 0..<12)
    func sameTokens(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let original = Fixture.tokenizer
        let trimmer = try VocabularyTrimmer(directory: Fixture.small)
        // A random part of the vocabulary, from nearly nothing to nearly all.
        var used = TokenCounts()
        let share = [0.05, 0.3, 0.6, 0.9, 0.99, 1][Int(seed) % 6]
        for id in 0..<original.vocabularySize where Double.random(in: 0..<1, using: &generator) < share {
            used.add(id, 1)
        }
        let alphabet = TrimmingOptions.Alphabet.allCases[Int(seed) % 3]
        let trimmed = try trimmer.plan(used: used, options: TrimmingOptions(alphabet: alphabet))
        let after = try Self.load(trimmed)
        #expect(after.vocabularySize == trimmed.count && Int(after.largestTokenID) == trimmed.count - 1)
        let all = Array(0..<original.vocabularySize)
        var (inside, unknown) = (0, 0)
        for _ in 0..<3000 {
            let isNear = Bool.random(using: &generator)
            let text = Self.text(from: isNear ? trimmed.keptIDs : all, using: &generator)
            let old = try original.encode(text, pair: text)
            let new = try after.encode(text, pair: text)
            let back = new.ids.map { Int32(trimmed.keptIDs[Int($0)]) }
            let isKept = old.ids.allSatisfy { trimmed.newID(of: Int($0)) != nil }
            let knows = old.ids.allSatisfy { $0 != original.unknownTokenID }
            if isKept, knows {
                inside += 1
                #expect(back == old.ids && new.typeIDs == old.typeIDs, "\(text.debugDescription)")
            }
            if !knows { unknown += 1 }
        }
        #expect(inside > 100 && unknown > 10)
    }

    @Test("no word of the alphabet becomes unknown, and the new rate of [UNK] is no greater")
    func alphabetIsKnown() throws {
        var generator = SeededGenerator(seed: 5)
        let original = Fixture.tokenizer
        let all = Array(0..<original.vocabularySize)
        let texts = (0..<200).map { _ in Self.text(from: all, using: &generator) }
        let trimmer = try VocabularyTrimmer(directory: Fixture.small)
        let used = try Self.counts(original, texts)
        let trimmed = try trimmer.plan(used: used)
        let after = try Self.load(trimmed)
        let singles = (0..<Int32(after.vocabularySize)).compactMap(after.idToToken)
        let inside = Set(
            singles.filter { $0.hasPrefix("##") && $0.unicodeScalars.count == 3 }.map { $0.dropFirst(2) })
        let letters = singles.filter { $0.unicodeScalars.count == 1 && inside.contains($0[...]) }
        try #require(letters.count > 60)
        for _ in 0..<2000 {
            let word = (0..<Int.random(in: 1...20, using: &generator)).compactMap { _ in
                letters.randomElement(using: &generator)
            }.joined()
            let encoding = try after.encode(word)
            #expect(!encoding.ids.contains(after.unknownTokenID ?? -1), "\(word)")
        }
        var (before, now) = (UnknownRate(), UnknownRate())
        before.add(try original.encodeFlat(batch: texts).ids, unknownID: original.unknownTokenID)
        now.add(try after.encodeFlat(batch: texts).ids, unknownID: after.unknownTokenID)
        #expect(before.unknown > 0 && now.unknown <= before.unknown && before.share > 0)
    }

    @Test("special tokens, used tokens and the alphabet are what stays")
    func keptTokens() throws {
        let trimmer = try VocabularyTrimmer(directory: Fixture.small)
        let used = try Self.counts(trimmer.tokenizer, ["the of", "the \u{E9}tude \u{F8}"])
        func tokens(_ options: TrimmingOptions) throws -> Set<String> {
            let trimmed = try trimmer.plan(used: used, options: options)
            #expect(
                trimmed.keptIDs == trimmed.keptIDs.sorted()
                    && trimmed.originalCount == trimmer.tokenizer.vocabularySize)
            return Set(trimmed.keptIDs.compactMap { trimmer.tokenizer.idToToken(Int32($0)) })
        }
        let special: Set = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        let pieces = Set(used.ids.compactMap { trimmer.tokenizer.idToToken(Int32($0)) })
        #expect(try tokens(.init(alphabet: .none)) == special.union(pieces))
        let data = try tokens(.init())
        #expect(
            data.isSuperset(of: special.union(pieces).union(["\u{F8}", "z", "##z", "7", "~", "t", "##h"])))
        #expect(data.count < 200 && !data.contains("\u{F0}"))
        let all = try tokens(.init(alphabet: .vocabulary))
        #expect(all.isSuperset(of: data) && all.contains("\u{F0}") && all.count > data.count)
        let frequent = try tokens(.init(minimumCount: 2, alphabet: .none))
        #expect(frequent == special.union(["the"]))
        let numbers = try trimmer.plan(used: used, options: .init(minimumCount: 2))
        #expect(numbers.usedCount == used.ids.count && numbers.droppedUsedCount > 0)
        #expect(
            numbers.count == special.count + 1 + numbers.unseenCharacterCount, "the rest is for the alphabet")
    }

    @Test("every id in the files is the new one, and nothing else changes")
    func files() throws {
        let tokenizerFile = """
            {"version":"1.0","truncation":null,"padding":{"strategy":"BatchLongest","direction":"Right",\
            "pad_to_multiple_of":null,"pad_id":6,"pad_type_id":0,"pad_token":"[PAD]"},\
            "added_tokens":[{"id":1,"content":"[UNK]","special":true,"normalized":false},\
            {"id":8,"content":"<new>","special":false,"normalized":true}],\
            "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,\
            "strip_accents":null,"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},\
            "post_processor":PROCESSOR,"decoder":null,"model":{"type":"WordPiece","unk_token":"[UNK]",\
            "continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"never":0,"[UNK]":1,"[CLS]":2,\
            "ab":3,"##c":4,"[SEP]":5,"[PAD]":6,"##ø":7}}}
            """
        let old = #"{"type":"BertProcessing","cls":["[CLS]",2],"sep":["[SEP]",5]}"#
        let template = """
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},\
            {"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},\
            {"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"[CLS]":{"id":"[CLS]","ids":[2,5],\
            "tokens":["[CLS]","[SEP]"]}}}
            """
        let newOld = old.replacing(",2]", with: ",1]").replacing(",5]", with: ",4]")
        for (processor, expected) in [(old, newOld), (template, template.replacing("[2,5]", with: "[1,4]"))] {
            let files = [
                "tokenizer.json": tokenizerFile.replacing("PROCESSOR", with: processor),
                "vocab.txt": "never\n[UNK]\n[CLS]\nab\n##c\n[SEP]\n[PAD]\n##ø\n",
                "tokenizer_config.json":
                    #"{"do_lower_case":true,"added_tokens_decoder":{"1":{"content":"[UNK]","special":true},"8":{"content":"<new>"}},"pad_token":"[PAD]"}"#,
                "added_tokens.json": #"{"<new>":8}"#,
                "special_tokens_map.json": "{\"unk_token\":  \"[UNK]\"}",
            ]
            let trimmed = try Fixture.withDirectory(files) { directory in
                let trimmer = try VocabularyTrimmer(directory: directory)
                return try trimmer.plan(used: Self.counts(trimmer.tokenizer, ["abc", "abø"]))
            }
            #expect(trimmed.keptIDs == [1, 2, 3, 4, 5, 6, 7, 8])
            let written = Dictionary(uniqueKeysWithValues: trimmed.files.map { ($0.name, $0.contents) })
            #expect(written.count == 5)
            let wanted = try #require(
                tokenizerFile.replacing("PROCESSOR", with: expected)
                    .replacing(#""pad_id":6"#, with: #""pad_id":5"#)
                    .replacing(#""id":1,"content":"[UNK]""#, with: #""id":0,"content":"[UNK]""#)
                    .replacing(#""id":8,"content":"<new>""#, with: #""id":7,"content":"<new>""#)
                    .split(separator: #""vocab":"#).first)
            let vocabulary =
                ###""vocab":{"[UNK]":0,"[CLS]":1,"ab":2,"##c":3,"[SEP]":4,"[PAD]":5,"##ø":6}}}"###
            let text = wanted + vocabulary
            let json = try JSONValue.parse(written["tokenizer.json"] ?? "")
            #expect(json.serialized() == text)
            #expect(written["vocab.txt"] == "[UNK]\n[CLS]\nab\n##c\n[SEP]\n[PAD]\n##ø\n")
            #expect(written["special_tokens_map.json"] == files["special_tokens_map.json"])
            #expect(try JSONValue.parse(written["added_tokens.json"] ?? "").serialized() == #"{"<new>":7}"#)
            #expect(
                try JSONValue.parse(written["tokenizer_config.json"] ?? "").serialized()
                    == #"{"do_lower_case":true,"added_tokens_decoder":{"0":{"content":"[UNK]","special":true},"7":{"content":"<new>"}},"pad_token":"[PAD]"}"#
            )
            let after = try Self.load(trimmed)
            #expect(after.padTokenID == 5 && after.unknownTokenID == 0 && after.tokenToID("<new>") == 7)
        }
    }

    @Test("a directory with vocab.txt alone")
    func vocabularyFile() throws {
        let text = "[PAD]\r\n[UNK]\n[CLS]\n[SEP]\nthe\n\nof\nthe\nand\n##s\n"
        let trimmed = try Fixture.withDirectory(["vocab.txt": text]) { directory in
            let trimmer = try VocabularyTrimmer(directory: directory)
            return try trimmer.plan(used: Self.counts(trimmer.tokenizer, ["ofs the"]))
        }
        #expect(
            trimmed.files == [
                .init(name: "vocab.txt", contents: "[PAD]\n[UNK]\n[CLS]\n[SEP]\nof\nthe\n##s\n")
            ])
        #expect(trimmed.keptIDs == [0, 1, 2, 3, 6, 7, 9])
        #expect(try Self.load(trimmed).encode("ofs the").ids == [2, 4, 6, 5, 3])
    }

    @Test("what cannot be trimmed is refused with the reason")
    func refusals() throws {
        let trimmer = try VocabularyTrimmer(directory: Fixture.small)
        func refusal(_ change: (inout TokenCounts, inout TrimmingOptions, inout Set<Int>) -> Void) -> String {
            var (used, options, keeping) = (TokenCounts(), TrimmingOptions(), Set<Int>())
            used.add(7, 1)
            change(&used, &options, &keeping)
            do {
                _ = try trimmer.plan(used: used, options: options, keeping: keeping)
                return "nothing"
            } catch { return "\(error)" }
        }
        #expect(refusal { used, _, _ in used = TokenCounts() }.contains("no token was counted"))
        #expect(refusal { used, _, _ in used.add(9_000, 1) }.contains("no token 9000"))
        #expect(refusal { _, _, keeping in keeping = [-1] }.contains("no token -1"))
        #expect(refusal { _, options, _ in options.minimumCount = 0 }.contains("at least 1, not 0"))
        #expect(refusal { _, _, _ in } == "nothing")

        let names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
        let vocabulary = JSONObject(names.enumerated().map { ($1, .integer($0 * 2)) })
        var file = try #require(Fixture.json("small/tokenizer.json").objectValue)
        file.set("model", "vocab", to: .object(vocabulary))
        file["added_tokens"] = [["id": 4, "content": "<a>"], ["id": 5, "content": "<b>"]]
        file["post_processor"] = .null
        // The model's ids are 0, 2, 4 and 6, so an added token's, 4, is taken.
        _ = try Fixture.withDirectory(["tokenizer.json": JSONValue.object(file).serialized()]) { directory in
            #expect(throws: TokenizerError.self) { try VocabularyTrimmer(directory: directory) }
        }
        let gaps = JSONObject(zip(names, [0, 1, 2, 9]).map { ($0, .integer($1)) })
        file.set("model", "vocab", to: .object(gaps))
        try Fixture.withDirectory(["tokenizer.json": JSONValue.object(file).serialized()]) { directory in
            let trimmer = try VocabularyTrimmer(directory: directory)
            var used = TokenCounts()
            used.add(1, 1)
            let error = #expect(throws: TokenizerError.self) { try trimmer.plan(used: used) }
            #expect("\(error.map(String.init(describing:)) ?? "")".contains("gaps"))
        }
    }

    @Test("damaged files are refused, or trimmed to files that load")
    func mutations() throws {
        var generator = SeededGenerator(seed: 3)
        let whole = Array(
            """
            {"added_tokens":[{"id":0,"content":"[PAD]","special":true},{"id":6,"content":"<n>"}],"padding":{"strategy":\
            "BatchLongest","pad_id":0,"pad_type_id":0,"pad_token":"[PAD]"},"post_processor":{"type":"BertProcessing",\
            "cls":["C",2],"sep":["a",3]},"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":\
            "##","max_input_chars_per_word":9,"vocab":{"[PAD]":0,"[UNK]":1,"C":2,"a":3,"##b":4,"x":5}}}
            """.utf8)
        var (trimmedCount, refused) = (0, 0)
        for round in 0..<800 {
            var bytes = whole
            for _ in 0..<(round == 0 ? 0 : Int.random(in: 1...2, using: &generator)) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0x20...0x7E, using: &generator)
                case 1: bytes[place] = UInt8(ascii: "0") + UInt8.random(in: 0...9, using: &generator)
                case 2: bytes.remove(at: place)
                default: bytes.insert(bytes[place], at: place)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            try Fixture.withDirectory(["tokenizer.json": text]) { directory in
                do {
                    let trimmer = try VocabularyTrimmer(directory: directory)
                    let trimmed = try trimmer.plan(used: Self.counts(trimmer.tokenizer, ["ab <n>", "x"]))
                    let after = try Self.load(trimmed)
                    let names = trimmed.keptIDs.map { trimmer.tokenizer.idToToken(Int32($0)) }
                    #expect((0..<trimmed.count).map { after.idToToken(Int32($0)) } == names, "\(text)")
                    trimmedCount += 1
                } catch {
                    #expect(!"\(error)".contains("\n"))
                    refused += 1
                }
            }
        }
        #expect(trimmedCount > 50 && refused > 200)
    }

    @Test("counts")
    func counting() {
        var counts = TokenCounts()
        counts.add(FlatEncoding(ids: [5, 1, 5], typeIDs: [0, 0, 0], offsets: [0, 1, 3]))
        #expect(
            counts.texts == 2 && counts.ids == [1, 5] && counts[5] == 2 && counts[4] == 0 && counts[99] == 0)
        var other = TokenCounts()
        other.add(FlatEncoding(ids: [5, 5, 1], typeIDs: [0, 0, 0], offsets: [0, 1, 3]))
        other.add(90, 0)
        #expect(counts == other && counts.total == 3)
        other.add(90, 1)
        #expect(counts != other)
    }
}

@Suite("Trimmed vocabularies of real data", .enabled(if: RealData.isPresent))
struct RealTrimmingTests {
    @Test("trimmed to half of the sentences, the tokens of these stay, and only new characters become [UNK]")
    func sentences() throws {
        let directory = RealData.directory.appending(path: "tokenizer")
        let sentences = try RealData.sentences()
        let seen = Array(sentences.prefix(sentences.count / 2))
        let trimmer = try VocabularyTrimmer(directory: directory)
        var used = TokenCounts()
        used.add(try trimmer.tokenizer.encodeFlat(batch: seen))
        let trimmed = try trimmer.plan(used: used)
        let after = try Fixture.withDirectory([:]) { output in
            try trimmed.write(to: output)
            return try Tokenizer.load(directory: output)
        }
        #expect(trimmed.count < 20_000 && trimmed.droppedUsedCount == 0)
        let old = try trimmer.tokenizer.encodeFlat(batch: sentences)
        let new = try after.encodeFlat(batch: sentences)
        var inside = 0
        for index in sentences.indices {
            let ids = old[index]
            guard ids.allSatisfy({ $0 != 100 && trimmed.newID(of: Int($0)) != nil }) else { continue }
            inside += 1
            #expect(new[index].map { Int32(trimmed.keptIDs[Int($0)]) } == Array(ids), "\(sentences[index])")
        }
        #expect(inside > sentences.count / 2)
        // What became [UNK] holds a character that the first half does not have.
        var alphabet = Set(seen.joined().lowercased().unicodeScalars)
        alphabet.formUnion((0x20...0x7E as ClosedRange<UInt8>).map { Unicode.Scalar($0) })
        var became = 0
        for index in sentences.indices {
            let unknown = new[index].count { $0 == after.unknownTokenID }
            guard unknown > old[index].count(where: { $0 == 100 }) else { continue }
            became += 1
            #expect(
                sentences[index].lowercased().unicodeScalars.contains { !alphabet.contains($0) },
                "\(sentences[index])")
        }
        #expect(became < sentences.count / 1000)
    }
}
