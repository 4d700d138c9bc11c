import Files
import Foundation
import GGUF
import RegularExpressions
import Tokenizers

/// The search for the way of llama.cpp that gives a tokenizer's ids.
struct GGUFTokenizerMatch {
    typealias Entries = [(key: String, value: GGUFValue)]

    let tokenizer: Tokenizer
    let pairs: BytePairs
    /// The model's path, for messages.
    let path: String

    /// A way of llama.cpp: its name, and the keys that say so.
    private struct Candidate {
        let name: String
        let keys: Entries
    }

    private var candidates: [Candidate] {
        switch pairs.kind {
        case .byteLevel:
            GGUFPreTokenizer.distinct.map {
                Candidate(name: $0, keys: [("tokenizer.ggml.pre", .string($0))])
            }
        case .byteFallback:
            [true, false].map {
                Candidate(
                    name: "SentencePiece\($0 ? "" : " without a space before texts")",
                    keys: [("tokenizer.ggml.add_space_prefix", .bool($0))])
            }
        }
    }

    /// What was found: the keys with those of the way that gives the tokenizer's ids, and what it does otherwise, in sentences.
    struct Choice {
        let entries: Entries
        var notes: [String] = []
    }

    /// - Throws: ``ExportError`` where there is none, with a text that differs for the nearest.
    func choice(of entries: Entries) throws -> Choice {
        let probes = GGUFProbes(tokenizer: tokenizer, pairs: pairs)
        var nearest: (name: String, text: String, wrong: Int)?
        for candidate in candidates {
            let all = entries + candidate.keys
            guard let other = try rebuilt(all) else { continue }
            var wrong = try differing(probes.texts, other)
            // The vocabulary, token by token, for the few that pass.
            if wrong.isEmpty { wrong = try differing(probes.tokens, other) }
            if wrong.isEmpty {
                let special = try differing(probes.special, other)
                guard let text = special.first else { return Choice(entries: all) }
                // SentencePiece's space before a text, which newer tokenizers put before the first part alone.
                if pairs.kind == .byteFallback {
                    return Choice(
                        entries: all,
                        notes: [
                            "llama.cpp puts a space before each part of a text between special tokens, this tokenizer does not: it has "
                                + "other tokens for \(quoted(text))."
                        ])
                }
                wrong = special
            }
            if let text = wrong.first, wrong.count < nearest?.wrong ?? .max {
                nearest = (candidate.name, text, wrong.count)
            }
        }
        let reason =
            nearest.map { name, text, _ in
                "the nearest, \(name), gives other tokens for \(quoted(text))"
            } ?? "none can be built of its tokens"
        throw ExportError(
            "\(path): llama.cpp has no tokenizer that gives this one's tokens: \(reason). A file with it would be read wrongly; "
                + "use a model with the tokenizer of GPT-2, SmolLM, Llama, Qwen or Gemma")
    }

    /// The texts that another tokenizer gives other ids for.
    private func differing(_ texts: [String], _ other: Tokenizer) throws -> [String] {
        let (own, found) = (try tokenizer.encode(batch: texts), try other.encode(batch: texts))
        return zip(texts, zip(own, found)).filter { $1.0.ids != $1.1.ids }.map(\.0)
    }

    /// The tokenizer that the reader of GGUF files makes of the keys; `nil` where they are not one's.
    private func rebuilt(_ entries: Entries) throws -> Tokenizer? {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "tokenizer.gguf")
        try GGUFWriter(metadata: [("general.architecture", .string("llama"))] + entries, tensors: [])
            .write(to: file)
        do {
            try GGUFTokenizer(GGUFCheckpoint(file: file)).write(to: folder.url)
            return try Tokenizer.load(directory: folder.url)
        } catch is TokenizerError {
            return nil
        }
    }

    private func quoted(_ text: String) -> String {
        let shown = text.count > 60 ? String(text.prefix(60)) + "…" : text
        return shown.debugDescription
    }
}

/// Texts in which tokenizers differ.
struct GGUFProbes {
    /// Texts in which ways to split differ.
    let texts: [String]
    /// Texts with special tokens among them.
    let special: [String]
    /// What the vocabulary's tokens stand for, each with what may stand before it.
    let tokens: [String]

    /// The most tokens of the vocabulary that are tried, spread over all.
    private static let mostTokens = 20_000

    init(tokenizer: Tokenizer, pairs: BytePairs) {
        let added = pairs.tokens.filter { $0.meaning != .normal && !$0.content.isEmpty }.map(\.content)
        let around = added.prefix(200).flatMap { ["a\($0)b", "a \($0) b", "\($0)\n\($0) \($0)"] }
        // llama.cpp takes a text's characters as they come.
        func composed(_ text: String) -> String {
            pairs.composes ? text.precomposedStringWithCanonicalMapping : text
        }
        // Most texts have none of the characters with which special tokens begin.
        let starts = Set(added.compactMap(\.unicodeScalars.first))
        let isPlain = { (text: String) in
            !text.unicodeScalars.contains(where: starts.contains) || !added.contains { text.contains($0) }
        }
        texts = Self.fixed.filter(isPlain).map(composed)
        special = (Self.fixed.filter { !isPlain($0) } + around).map(composed)
        let step = max(1, pairs.tokens.count / Self.mostTokens)
        tokens = stride(from: 0, to: pairs.tokens.count, by: step).compactMap { place in
            let token = pairs.tokens[place]
            guard token.meaning == .normal, let bytes = tokenizer.bytes(ofToken: Int32(token.id)) else {
                return nil
            }
            let text = String(decoding: bytes, as: UTF8.self)
            return isPlain(text) ? composed(text) : nil
        }
    }

    private static let fixed = [
        "", " ", "  ", "   ", "\n", "\n\n", " \n", "\n ", "\t", "\r\n", "\r", " \t \n\n  x", "a", " a", "  a",
        "a ", "a  ",
        "Hello, world!", "Hello,  world !", "it's IT'S we'Ve I'M they'll you'd don't 'tis 'S", "x's'd", "1",
        "12", "123",
        "1234", "12345678", " 1 22 333 4444", "3.14159", "1,234,567.89", "a1b22c333", "x=10;y=20",
        "٣٤٥ ५६७ Ⅷ ½ ²³",
        "snake_case camelCase CamelCase HTTPServer v2.0", "foo(bar[0]) -> {baz: \"qux\"}",
        "#include <stdio.h>\n\nint main() {\n    return 0;\n}\n",
        "\tif x:\n\t\treturn  y\n", "...!!! ??? --- === +++", "a...b", " ...", "!a", "(a) [b] {c}",
        "\"quoted\" 'single' `code`",
        "https://example.org/a?b=c&d=%20#e", "me@example.org", "Grüße aus Köln, Straße, naïve café",
        "e\u{301} o\u{308} \u{1E9B}\u{323}",
        "Привет, мир! Ёлка", "Ελληνικά ΑΒΓ", "日本語のテキスト。漢字カナ", "中文，标点。", "한국어 텍스트", "العربية نص", "עברית",
        "हिन्दी पाठ",
        "ไทยไม่มีช่องว่าง", "👍 👨‍👩‍👧‍👦 🏳️‍🌈 😀😀", "\u{A0}no\u{A0}break\u{3000}wide\u{2003}em",
        "zero\u{200B}width\u{200D}joiner\u{FEFF}",
        "\u{85}\u{2028}\u{2029}", "a\u{0}b", "ⅰⅱ ℌ ﬁ", "e.g. i.e. U.S.A.", "100% $5 €6 £7 #8", "▁under▁score",
        "<s> </s> <unk>",
        "<|endoftext|> <|im_start|>user\n", "the end of the line.\n\n\nAnother  paragraph.   ",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "                                        x", "\n\n\n\n\n\n\n\nx",
        "-------- ======== ********",
    ]
}
