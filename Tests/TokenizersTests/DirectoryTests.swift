import Foundation
import JSON
import RegularExpressions
import Testing

@testable import Tokenizers

@Suite("Tokenizer directories")
struct DirectoryTests {
    /// The files of a golden directory, with the small vocabulary where the script left it out.
    private func files(_ golden: JSONValue) throws -> [String: String] {
        let vocabulary = try Fixture.json("small/tokenizer.json")["model"]["vocab"].serialized()
        return Dictionary(
            uniqueKeysWithValues: golden["files"].objectValue?.map { name, content in
                let text = content.stringValue == nil ? content.serialized() : Fixture.vocabularyText
                return (name, text.replacing("\"@vocabulary\"", with: vocabulary))
            } ?? [])
    }

    @Test("each directory gives what Python's AutoTokenizer makes of it", arguments: 1...16)
    func autoTokenizer(index: Int) throws {
        let all = try Fixture.json("directories.json")
        #expect(all.elements.count == 17)
        let golden = all[index]
        let name = golden["name"].text
        let tokenizer = try Fixture.withDirectory(try files(golden)) { try Tokenizer.load(directory: $0) }
        for (text, ids) in zip(all[0]["texts"].elements, golden["ids"].elements) {
            #expect(try tokenizer.encode(text.text).ids == ids.numbers, "\(name): \(text.serialized())")
        }
        #expect(golden["ids"].elements.count == 23)
        #expect(tokenizer.vocabularySize == golden["size"].intValue, "\(name)")
        #expect(tokenizer.modelMaxLength == golden["model_max_length"].intValue, "\(name)")
        #expect(tokenizer.modelInputNames == golden["input_names"].elements.map(\.text), "\(name)")
        let special = [
            tokenizer.unknownTokenID, tokenizer.clsTokenID, tokenizer.sepTokenID, tokenizer.padTokenID,
            tokenizer.maskTokenID,
        ]
        #expect(special == golden["special"].elements.map { $0.intValue.map { Int32($0) } }, "\(name)")
        let pair = try tokenizer.encode("the of and in to", pair: "was he is as", maxLength: 8)
        #expect(pair.ids == golden["pair"].numbers, "\(name)")
        let encodings = try tokenizer.encode(batch: ["the", "the of and"])
        if golden["padded"].isNull {
            #expect(throws: TokenizerError.self) { try tokenizer.pad(encodings) }
        } else {
            let batch = try tokenizer.pad(encodings)
            #expect(batch.inputIDs == golden["padded"].elements.flatMap(\.numbers), "\(name)")
            if !golden["padded_types"].isNull {
                #expect(batch.tokenTypeIDs == golden["padded_types"].elements.flatMap(\.numbers), "\(name)")
            }
        }
    }

    @Test("a byte order mark before any of a directory's files changes nothing", arguments: 1...16)
    func byteOrderMarks(index: Int) throws {
        let all = try Fixture.json("directories.json")
        let files = try files(all[index])
        let marked = files.mapValues { "\u{FEFF}" + $0 }
        let tokenizer = try Fixture.withDirectory(marked) { try Tokenizer.load(directory: $0) }
        for (text, ids) in zip(all[0]["texts"].elements, all[index]["ids"].elements) {
            #expect(try tokenizer.encode(text.text).ids == ids.numbers, "\(text.serialized())")
        }
    }

    @Test("vocab.txt: line ends of Windows, white space at line ends, empty lines, a token twice")
    func vocabularyFile() throws {
        let text = "[PAD]\r\n[UNK]\r\n[CLS] \t\r\n[SEP]\u{3000}\nthe\n\nof\u{A0}\nthe"
        let tokenizer = try Fixture.withDirectory(["vocab.txt": text]) { try Tokenizer.load(directory: $0) }
        #expect(try tokenizer.encode("the of").ids == [2, 7, 6, 3])
        #expect(
            tokenizer.idToToken(4) == nil && tokenizer.idToToken(7) == "the" && tokenizer.idToToken(5) == "")
        #expect(tokenizer.vocabularySize == 7 && tokenizer.largestTokenID == 7)
    }

    @Test("tokenizers have the same vocabulary exactly if all tokens and ids are the same bytes")
    func sameVocabulary() throws {
        func tokenizer(_ tokens: String...) throws -> Tokenizer {
            let text = (["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + tokens).joined(separator: "\n")
            return try Fixture.withDirectory(["vocab.txt": text]) { try Tokenizer.load(directory: $0) }
        }
        let one = try tokenizer("caf\u{E9}", "the")
        #expect(one.hasSameVocabulary(as: one))
        #expect(try one.hasSameVocabulary(as: tokenizer("caf\u{E9}", "the")))
        #expect(try !one.hasSameVocabulary(as: tokenizer("cafe\u{301}", "the")))
        #expect(try !one.hasSameVocabulary(as: tokenizer("the", "caf\u{E9}")))
        #expect(try !one.hasSameVocabulary(as: tokenizer("caf\u{E9}")))
        #expect(try !one.hasSameVocabulary(as: tokenizer("caf\u{E9}", "the", "of")))
        #expect(try !tokenizer("ab", "c").hasSameVocabulary(as: tokenizer("a", "bc")))
        #expect(Fixture.tokenizer.hasSameVocabulary(as: try Fixture.tokenizer { $0["truncation"] = .null }))
    }

    @Test("every token leads to its id and back")
    func tokensAndIDs() throws {
        let vocabulary = try #require(try Fixture.json("small/tokenizer.json")["model"]["vocab"].objectValue)
        #expect(Fixture.tokenizer.vocabularySize == vocabulary.count && vocabulary.count > 3_000)
        for (token, id) in vocabulary {
            let id = Int32(id.intValue ?? -1)
            #expect(Fixture.tokenizer.tokenToID(token) == id)
            #expect(Fixture.tokenizer.idToToken(id).map { Array($0.utf8) } == Array(token.utf8))
        }
        #expect(Fixture.tokenizer.tokenToID("no such token") == nil)
        #expect(Fixture.tokenizer.idToToken(-1) == nil)
        #expect(Fixture.tokenizer.idToToken(.max) == nil)
    }

    @Test("all files that are read are among those to be copied")
    func fileNames() {
        for name in [
            "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
            "vocab.txt",
        ] {
            #expect(Tokenizer.fileNames.contains(name))
        }
    }
}
