import Files
import Foundation
import JSON
import RegularExpressions
import Testing

@testable import Tokenizers

/// Tokenizers in programs that have no engine for regular expressions.
@Suite("Without an engine for regular expressions")
struct WithoutEngineTests {
    /// A directory with the small tokenizer, whose pre-tokenizer has an expression.
    private func withDirectory(_ expression: String, _ body: (URL) throws -> Void) throws {
        var file = try #require(Fixture.json("small/tokenizer.json").objectValue)
        file["pre_tokenizer"] = [
            "type": "Sequence",
            "pretokenizers": [
                ["type": "Split", "pattern": ["Regex": .string(expression)], "behavior": "Isolated"]
            ],
        ]
        try Fixture.withDirectory(["tokenizer.json": JSONValue.object(file).serialized()], body)
    }

    @Test("a general expression is an error that names file and key; with an engine it is none")
    func general() throws {
        try withDirectory(#"\p{L}+|\d"#) { directory in
            let error = #expect(throws: TokenizerError.self) {
                try Tokenizer.load(directory: directory.path, expressions: nil)
            }
            #expect(
                error?.description
                    == #"\#(directory.path)/tokenizer.json: pre_tokenizer.pretokenizers[0].pattern.Regex: "#
                    + #""\\p{L}+|\\d" is a general regular expression, which this program cannot search for; use "#
                    + "the full program (distill), or a tokenizer with the expression of GPT-2, Llama 3 or Qwen"
            )
            let tokenizer = try Tokenizer.load(directory: directory)
            #expect(try tokenizer.encode("the film").count > 2)
        }
    }

    @Test(
        "expressions with scanners need none", arguments: [TextPattern.gpt2Expression, " {2,}"])
    func scanners(expression: String) throws {
        try withDirectory(expression) { directory in
            let text = "the  film, in 1999"
            let without = try Tokenizer.load(directory: directory.path, expressions: nil).encode(text)
            #expect(try without == Tokenizer.load(directory: directory).encode(text))
            #expect(without.count > 2)
        }
    }

    @Test("a path and a URL, relative or with a slash at the end, give the same tokenizer")
    func paths() throws {
        let path = Fixture.small.path
        for place in [path, path + "/", "/" + path] {
            let tokenizer = try Tokenizer.load(directory: place, expressions: nil)
            #expect(tokenizer.hasSameVocabulary(as: Fixture.tokenizer))
        }
    }
}
