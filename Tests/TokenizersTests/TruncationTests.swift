import JSON
import RegularExpressions
import Testing

@testable import Tokenizers

@Suite("Truncation and padding")
struct TruncationTests {
    @Test("every length, strategy and pair leaves as many tokens as with Hugging Face, or fails as there")
    func counts() throws {
        let golden = try Fixture.json("truncation.json")
        let words = golden["words"].elements.map(\.text)
        #expect(golden["counts"].elements.count > 800)
        for example in golden["counts"].elements {
            let first = words.prefix(example[0].intValue ?? 0).joined(separator: " ")
            let second = example[1].intValue.map { words.prefix($0).joined(separator: " ") }
            let strategy = try #require(TruncationStrategy(rawValue: example[2].text))
            let special = example[3] == true
            let length = try #require(example[4].intValue)
            func encode() throws -> Encoding {
                try Fixture.tokenizer.encode(
                    first, pair: second, addSpecialTokens: special, maxLength: length, truncation: strategy)
            }
            if example[5].isNull {
                #expect(throws: TokenizerError.self, "\(example.serialized())") { try encode() }
            } else {
                let encoding = try encode()
                let types = zip(encoding.typeIDs, encoding.specialTokensMask).filter { $0.1 == 0 }.map(\.0)
                let counts = [Int32(types.count { $0 == 0 }), Int32(types.count { $0 == 1 })]
                #expect(counts == example[5].numbers, "\(example.serialized())")
            }
        }
    }

    @Test("tokens are cut off at the side asked for")
    func sides() throws {
        let golden = try Fixture.json("truncation.json")
        let words = golden["words"].elements.map(\.text)
        for example in golden["sides"].elements {
            let side = Side(rawValue: example[0].text)
            let length = example[1].intValue
            let (all, five) = (words.joined(separator: " "), words.prefix(5).joined(separator: " "))
            #expect(
                try Fixture.tokenizer.encode(all, maxLength: length, truncationSide: side).ids
                    == example[2].numbers)
            let pair = try Fixture.tokenizer.encode(five, pair: all, maxLength: length, truncationSide: side)
            #expect(pair.ids == example[3].numbers)
        }
    }

    @Test("a length without room for the special tokens is an error that says so", arguments: [-3, 0, 1])
    func noRoom(length: Int) throws {
        let error = #expect(throws: TokenizerError.self) {
            try Fixture.tokenizer.encode("the", maxLength: length)
        }
        #expect(error?.description.contains("\(length) has no room for the 2 special tokens") == true)
        #expect(try Fixture.tokenizer.encode("the", maxLength: 2).count == 2)
    }

    @Test("padding equals Hugging Face's: either side, fixed or longest, multiples")
    func padding() throws {
        let golden = try Fixture.json("padding.json")
        let encodings = try golden["texts"].elements.map { try Fixture.tokenizer.encode($0.text) }
        #expect(golden["cases"].elements.count == 24)
        for example in golden["cases"].elements {
            let batch = try Fixture.tokenizer.pad(
                encodings, toMultipleOf: example[2].intValue ?? 1, length: example[1].intValue,
                side: Side(rawValue: example[0].text))
            let rows = example[3].elements
            #expect(batch.inputIDs == rows.flatMap(\.[0].numbers), "\(example.serialized())")
            #expect(batch.tokenTypeIDs == rows.flatMap(\.[1].numbers))
            #expect(batch.attentionMask == rows.flatMap(\.[2].numbers))
            #expect(batch.batchSize == 4 && batch.sequenceLength == rows[0][0].elements.count)
        }
    }

    @Test("no encodings make an empty batch")
    func empty() throws {
        let batch = try Fixture.tokenizer.pad([])
        #expect(batch.batchSize == 0 && batch.inputIDs.isEmpty && batch.sequenceLength == 0)
    }

    @Test("padding that cannot be done is an error that says why")
    func paddingErrors() throws {
        let encodings = [try Fixture.tokenizer.encode("the of and")]
        func message(_ body: () throws -> BatchEncoding) -> String {
            #expect(throws: TokenizerError.self) { try body() }?.description ?? ""
        }
        #expect(
            message { try Fixture.tokenizer.pad(encodings, length: 4) }.contains(
                "5 tokens, more than the length 4"))
        #expect(message { try Fixture.tokenizer.pad(encodings, toMultipleOf: 0) }.contains("multiples of 0"))
        #expect(message { try Fixture.tokenizer.pad(encodings, toMultipleOf: .max, length: .max - 1) } != "")
        #expect(
            message { try Fixture.tokenizer.pad(encodings + encodings, toMultipleOf: .max) }.contains(
                "too large"))
        let unpadded = try Fixture.withDirectory([
            "vocab.txt": "[UNK]\n[CLS]\n[SEP]\nthe\n", "tokenizer_config.json": "{}",
        ]) { try Tokenizer.load(directory: $0) }
        let ragged = try [unpadded.encode("the"), unpadded.encode("")]
        #expect(message { try unpadded.pad(ragged) }.contains("no padding token"))
        #expect(try unpadded.pad([ragged[0]]).inputIDs == [1, 3, 2])
    }
}
