import ChatTemplates
import Conversations
import Files
import Foundation
import GGUF
import JSON
import RegularExpressions
import Tokenizers

/// The keys of a language model's tokenizer, as llama.cpp's converter writes them, found to give the tokenizer's own ids.
///
/// llama.cpp knows a fixed number of ways to split texts, by their names. Which of them is this tokenizer's is found by what it
/// does: the file's tokenizer is built again from the keys, by the reader of GGUF files, and has to give the same ids for
/// ``GGUFProbes``.
struct GGUFVocabularyMetadata {
    /// The keys in the order in which they are written.
    let entries: [(key: String, value: GGUFValue)]
    /// What llama.cpp does otherwise, in sentences.
    let notes: [String]

    /// - Throws: ``ExportError`` where no way of llama.cpp gives the tokenizer's ids; the errors of the tokenizer's files.
    init(model: GGUFExportModel) throws {
        let whole = try Tokenizer.load(directory: model.directory)
        guard let tokenizer = whole.limited(to: model.configuration.vocabSize, place: model.path) else {
            throw ExportError(
                "\(model.path): the tokenizer has \(whole.vocabularySize) tokens, the model \(model.configuration.vocabSize); use the "
                    + "tokenizer that belongs to the model")
        }
        guard let pairs = tokenizer.bytePairs else {
            throw ExportError(
                "\(model.path): the tokenizer is no byte pair encoding of bytes or with bytes for characters without a token, which "
                    + "is what llama.cpp knows of this family; use a model with such a tokenizer")
        }
        let table = GGUFTokenTable(pairs, size: model.configuration.vocabSize)
        let (special, specialNotes) = try Self.specialTokens(tokenizer, model, table)
        let common = table.entries(pairs) + special
        let chosen = try GGUFTokenizerMatch(tokenizer: tokenizer, pairs: pairs, path: model.path)
            .choice(of: common)
        entries = chosen.entries + (try Self.templates(model.directory))
        var notes = specialNotes + table.notes + chosen.notes
        if pairs.kind == .byteLevel, pairs.composes {
            notes.append(
                "The tokenizer composes characters (NFC) first, which llama.cpp does not: texts with decomposed characters have other "
                    + "tokens there.")
        }
        self.notes = notes
    }

    /// The tokens that begin and end texts, and those that stop answers.
    private static func specialTokens(
        _ tokenizer: Tokenizer, _ model: GGUFExportModel, _ table: GGUFTokenTable
    ) throws -> (entries: [(key: String, value: GGUFValue)], notes: [String]) {
        let around = try tokenizer.encode("a")
        let isSpecial = around.specialTokensMask.map { $0 == 1 }
        let before = Array(around.ids.prefix(isSpecial.prefix(while: { $0 }).count))
        let after = Array(around.ids.suffix(isSpecial.reversed().prefix(while: { $0 }).count))
        guard before.count <= 1, after.count <= 1 else {
            throw ExportError(
                "\(model.path): the tokenizer puts \(before.count) tokens before a text and \(after.count) behind it; llama.cpp knows "
                    + "one each (bos and eos)")
        }
        let tokens = try LanguageModelTokens.load(directory: model.directory, tokenizer: tokenizer)
        let end = after.first ?? tokens.eosID ?? tokens.stopIDs.first
        let others = tokens.stopIDs.filter { $0 != end }
        var entries: [(key: String, value: GGUFValue)] = []
        func add(_ name: String, _ id: Int32?) {
            guard let id, table.indices.contains(Int(id)) else { return }
            entries.append(("tokenizer.ggml.\(name)_token_id", .uint32(UInt32(id))))
        }
        add("bos", before.first ?? tokenizer.bosTokenID)
        add("eos", end)
        add("eot", others.first)
        add("unknown", tokenizer.unknownTokenID)
        add("padding", tokenizer.padTokenID)
        entries.append(("tokenizer.ggml.add_bos_token", .bool(!before.isEmpty)))
        entries.append(("tokenizer.ggml.add_eos_token", .bool(!after.isEmpty)))
        let rest = others.dropFirst().compactMap(tokenizer.idToToken)
        let notes =
            rest.isEmpty
            ? []
            : [
                "Of the tokens that end an answer the file names two; it lacks \(rest.joined(separator: ", "))."
            ]
        return (entries, notes)
    }

    private static func templates(_ directory: URL) throws -> [(key: String, value: GGUFValue)] {
        let templates = try ChatTemplates.load(directory: directory).templates
        let others = templates.keys.filter { $0 != "default" }.sorted()
        var entries: [(key: String, value: GGUFValue)] = []
        if let own = templates["default"] { entries.append(("tokenizer.chat_template", .string(own.source))) }
        if !others.isEmpty { entries.append(("tokenizer.chat_templates", .array(.string(others)))) }
        return entries
            + others.map { ("tokenizer.chat_template.\($0)", .string(templates[$0]?.source ?? "")) }
    }
}

/// The tokens by id, as a file lists them.
struct GGUFTokenTable {
    private var contents: [String]
    private var kinds: [GGUFTokenKind]
    /// The number of rows of the model without a token.
    private let unused: Int

    var indices: Range<Int> { contents.indices }

    /// - Parameters:
    ///   - size: The model's number of tokens; those without one get names of their own.
    init(_ pairs: BytePairs, size: Int) {
        contents = [String](repeating: "", count: size)
        kinds = [GGUFTokenKind](repeating: .unused, count: size)
        for token in pairs.tokens where token.id < size && !token.content.isEmpty {
            contents[token.id] = token.content
            switch token.meaning {
            case .normal: kinds[token.id] = .normal
            case .added(let isSpecial): kinds[token.id] = isSpecial ? .control : .userDefined
            }
            guard pairs.kind == .byteFallback else { continue }
            if Self.isByte(token.content) { kinds[token.id] = .byte }
            // llama.cpp looks for these in the text as it is.
            if kinds[token.id] == .userDefined {
                contents[token.id] = token.content.replacing("▁", with: " ")
            }
        }
        unused = kinds.count { $0 == .unused }
        for id in contents.indices where kinds[id] == .unused { contents[id] = "[PAD\(id)]" }
    }

    private static func isByte(_ token: String) -> Bool {
        token.utf8.count == 6 && token.hasPrefix("<0x") && token.hasSuffix(">")
    }

    /// The keys of tokens, their kinds, and what joins them.
    func entries(_ pairs: BytePairs) -> [(key: String, value: GGUFValue)] {
        func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }
        let tokens: [(key: String, value: GGUFValue)] = [
            (key("tokens"), .array(.string(contents))),
            (key("token_type"), .array(.int32(kinds.map { Int32($0.rawValue) }))),
        ]
        switch pairs.kind {
        case .byteLevel:
            let merges = pairs.merges.compactMap { left, right, _ -> String? in
                guard contents.indices.contains(Int(left)), contents.indices.contains(Int(right)) else {
                    return nil
                }
                return contents[Int(left)] + " " + contents[Int(right)]
            }
            return [(key("model"), .string("gpt2"))] + tokens + [(key("merges"), .array(.string(merges)))]
        case .byteFallback:
            return [(key("model"), .string("llama")), (key("pre"), .string("default"))] + tokens
                + [(key("scores"), .array(.float32(scores(pairs))))]
        }
    }

    /// A token that merges make is joined the sooner, the earlier its first merge is.
    private func scores(_ pairs: BytePairs) -> [Float] {
        var scores = [Float](repeating: 0, count: contents.count)
        var next = 0
        for merge in pairs.merges where scores.indices.contains(Int(merge.id)) && scores[Int(merge.id)] == 0 {
            next += 1
            scores[Int(merge.id)] = -Float(next)
        }
        // Behind them those that nothing makes.
        for id in scores.indices where scores[id] == 0 && kinds[id] == .normal {
            scores[id] = -Float(next + 1)
        }
        return scores
    }

    var notes: [String] {
        unused == 0
            ? []
            : [
                "The model has \(unused) rows without a token; the file names them [PAD…] and marks them unused."
            ]
    }
}
