import Foundation
import JSON
import RegularExpressions
import Testing

@testable import Tokenizers

/// Expressions and normalizers that take ever longer, or make texts ever longer.
@Suite("Stages have limits of time and size")
struct BudgetTests {
    private func replacing(_ text: String, by content: String) -> JSONValue {
        ["type": "Replace", "pattern": ["String": .string(text)], "content": .string(content)]
    }

    private func split(_ expression: String) -> JSONValue {
        ["type": "Split", "pattern": ["Regex": .string(expression)], "behavior": "Isolated", "invert": false]
    }

    private func error(_ body: () throws -> Void) -> TokenizerError? {
        #expect(throws: TokenizerError.self, performing: body)
    }

    @Test(
        "an expression that tries too many ways is an error that names it, and never an answer",
        arguments: [
            "(a|a)*$", "(a+)+$", "(a|aa)+$", "(.*a){20}$",
        ])
    func expressions(_ expression: String) throws {
        let tokenizer = try Fixture.tokenizer { $0["pre_tokenizer"] = split(expression) }
        let text = String(repeating: "a", count: 60) + "!"
        let start = ContinuousClock.now
        let found = error { _ = try tokenizer.encodeFlat(batch: ["the", text], threads: 1) }
        #expect(ContinuousClock.now - start < .seconds(60))
        #expect(found?.textIndex == 1)
        let message = found?.description ?? ""
        #expect(
            message.contains("pre_tokenizer.pattern.Regex: \(quoted(expression)) takes too long"),
            "\(message)")
        // The same expression on a text that it does not stall on.
        #expect(try !tokenizer.encode("the").ids.isEmpty)
    }

    @Test("an expression that needs too much memory is an error")
    func memory() throws {
        let tokenizer = try Fixture.tokenizer { $0["pre_tokenizer"] = split("(?:a|b|c)+") }
        let found = error { _ = try tokenizer.encode(String(repeating: "abc", count: 1_000_000)) }
        #expect(found?.description.contains("takes too") == true, "\(String(describing: found))")
    }

    @Test("usual expressions take a long text at once")
    func usual() throws {
        let tokenizer = try Fixture.tokenizer {
            $0["pre_tokenizer"] = split(#"\p{L}+|\p{N}+|[^\s\p{L}\p{N}]+"#)
        }
        let text = String(repeating: "the of 12 and, in ", count: 20_000)
        #expect(try tokenizer.encode(text, addSpecialTokens: false).ids.count > 80_000)
    }

    @Test("lines are what ^, $ and . see, as in Oniguruma's syntax for Ruby")
    func lines() throws {
        func pieces(_ expression: String, _ text: String) throws -> [String] {
            let pattern = TextPattern.regex(
                try ICURegularExpressions().expression(expression, place: "here"))
            var text = text
            return try text.withUTF8 { bytes in
                try pattern.matches(in: bytes, TextBudget(bytes: bytes.count)).map {
                    String(decoding: bytes[$0], as: UTF8.self)
                }
            }
        }
        #expect(try pieces("^a", "a\na\ra") == ["a", "a"])
        #expect(try pieces("a$", "a\na") == ["a", "a"])
        #expect(try pieces(".+", "a\rb\u{2028}c\nd") == ["a\rb\u{2028}c", "d"])
    }

    @Test("a text may not grow without limit in the normalizers")
    func growth() throws {
        let fourfold: JSONValue = [
            "type": "Sequence",
            "normalizers": .array(
                [JSONValue](repeating: replacing("a", by: String(repeating: "a", count: 1000)), count: 4)),
        ]
        let tokenizer = try Fixture.tokenizer {
            $0["normalizer"] = fourfold
            $0["added_tokens"] = []
        }
        let message = error { _ = try tokenizer.encode("a good film") }?.description ?? ""
        #expect(
            message.contains("normalizer.normalizers[2]: makes a text of 11 bytes longer than"), "\(message)")
        // A thousand times as long, but no longer, is fine.
        #expect(try tokenizer.encode("b good film").ids == Fixture.tokenizer.encode("b good film").ids)
    }

    @Test("pre-tokenizers that make bytes of bytes are limited too")
    func bytes() throws {
        let byteLevel: JSONValue = [
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false,
        ]
        let tokenizer = try Fixture.tokenizer {
            $0["normalizer"] = .null
            $0["pre_tokenizer"] = [
                "type": "Sequence", "pretokenizers": .array([JSONValue](repeating: byteLevel, count: 40)),
            ]
        }
        let message = error { _ = try tokenizer.encode("é é é") }?.description ?? ""
        #expect(message.contains("pre_tokenizer: makes a text"), "\(message)")
    }
}
