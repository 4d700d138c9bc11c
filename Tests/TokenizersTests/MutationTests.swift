import Foundation
import JSON
import RegularExpressions
import TestSupport
import Testing

@testable import Tokenizers

/// Files with errors put in at random must be refused or read, but never end the process.
@Suite("Mutated files")
struct MutationTests {
    private static let tokenizerJSON = Array(
        """
        {"version":"1.0","truncation":{"max_length":12,"strategy":"LongestFirst","stride":0},\
        "padding":{"strategy":{"Fixed":8},"direction":"Right","pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,\
        "pad_token":"[PAD]"},"added_tokens":[{"id":0,"content":"[PAD]","special":true,"normalized":false},\
        {"id":9,"content":"<é>","single_word":true,"lstrip":true,"rstrip":true,"normalized":true,"special":false}],\
        "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,\
        "lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"TemplateProcessing",\
        "single":[{"SpecialToken":{"id":"C","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],\
        "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],\
        "special_tokens":{"C":{"id":"C","ids":[2],"tokens":["C"]}}},"model":{"type":"WordPiece","unk_token":"[UNK]",\
        "continuing_subword_prefix":"##","max_input_chars_per_word":9,"vocab":{"[PAD]":0,"[UNK]":1,"C":2,"a":3,\
        "##a":4,"b":5,"##é":6,"世":7,"ab":8}}}
        """.utf8)

    private static let configuration = Array(
        """
        {"do_lower_case":false,"strip_accents":null,"cls_token":"C","pad_token":{"content":"[PAD]","lstrip":true},\
        "sep_token":null,"added_tokens_decoder":{"9":{"content":"<é>","normalized":true}},"model_max_length":1e30,\
        "padding_side":"left","truncation_side":"right","model_input_names":["input_ids"],"tokenizer_class":"BertTokenizer"}
        """.utf8)

    private let texts = ["", "a ab aa ba bé aé", "<É> a<é>b 世世 [PAD] \u{1B44}\u{302E}", "aaaaaaaaaaaa"]

    /// Flips, drops, doubles or swaps a few bytes, or cuts the end off.
    private func mutate(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[place] = UInt8(ascii: "0") + UInt8.random(in: 0...9, using: &generator)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(bytes[place], at: place)
            case 4: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &generator))
            default:
                if Int.random(in: 0..<8, using: &generator) == 0 { bytes.removeLast(bytes.count - place) }
            }
        }
        return bytes
    }

    /// Uses a tokenizer in every way.
    private func exercise(_ tokenizer: Tokenizer) {
        for text in texts {
            _ = try? tokenizer.encode(text, pair: "b a", maxLength: tokenizer.truncation?.maxLength)
            guard let encoding = try? tokenizer.encode(text) else { continue }
            let isConsistent = encoding.ids.allSatisfy { tokenizer.idToToken($0) != nil }
            #expect(isConsistent && encoding.typeIDs.count == encoding.count)
            _ = try? tokenizer.pad([encoding, encoding], toMultipleOf: tokenizer.padding?.multipleOf ?? 1)
        }
    }

    @Test("tokenizer.json")
    func tokenizerFile() throws {
        var generator = SeededGenerator(seed: 11)
        let settings = try TokenizerSettings(directory: Fixture.directory.appending(path: "none"))
        var (loaded, refused) = (0, 0)
        for round in 0..<3000 {
            let bytes = round == 0 ? Self.tokenizerJSON : mutate(Self.tokenizerJSON, using: &generator)
            do {
                let file = try StageConfiguration(file: "tokenizer.json", value: JSONValue.parse(bytes))
                let tokenizer = try Tokenizer(TokenizerParts(file), settings, file: "tokenizer.json")
                exercise(tokenizer)
                loaded += 1
            } catch {
                #expect(!"\(error)".contains("\n"))
                refused += 1
            }
        }
        #expect(loaded > 100 && refused > 1000)
    }

    @Test("tokenizer_config.json and vocab.txt")
    func configurationAndVocabulary() throws {
        var generator = SeededGenerator(seed: 12)
        let vocabulary = Array("[PAD]\n[UNK]\nC\na\n##a\n[SEP]\n##é\n世\nab\n".utf8)
        var (loaded, refused) = (0, 0)
        for round in 0..<1500 {
            try Fixture.withDirectory([:]) { directory in
                let (first, second) =
                    round % 2 == 0
                    ? (mutate(vocabulary, using: &generator), Self.configuration)
                    : (vocabulary, mutate(Self.configuration, using: &generator))
                try Data(first).write(to: directory.appending(path: "vocab.txt"))
                try Data(second).write(to: directory.appending(path: "tokenizer_config.json"))
                do {
                    exercise(try Tokenizer.load(directory: directory))
                    loaded += 1
                } catch {
                    #expect(!"\(error)".contains("\n"))
                    refused += 1
                }
            }
        }
        #expect(loaded > 100 && refused > 100)
    }
}
