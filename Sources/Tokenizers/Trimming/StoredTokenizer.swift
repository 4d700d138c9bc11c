import JSON
import Storage

/// The files of a tokenizer as they are stored, and as they are with fewer tokens.
struct StoredTokenizer: Sendable {
    /// The files that may hold ids or tokens, or go along with them.
    private static let names = [
        "tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json", "vocab.json", "merges.txt",
    ]

    private let directory: String
    /// The JSON files that are there, by name.
    private var values: [String: JSONValue] = [:]

    /// Reads the JSON files.
    init(directory: String) throws {
        self.directory = directory
        for name in Self.names where name.hasSuffix(".json") && isThere(name) {
            values[name] = try JSONValue.load(contentsOf: path(name))
        }
    }

    /// Returns the prefix of tokens that continue a word.
    func continuingSubwordPrefix() throws -> String {
        guard let file = try file("tokenizer.json") else { return "##" }
        return try file.object("model").string("continuing_subword_prefix")
    }

    /// The ids of the special tokens that the post-processor knows, whether or not it adds them.
    func postProcessorIDs() throws -> [Int] {
        let tokens = try file("tokenizer.json")?.optionalObject("post_processor")?.optionalObject(
            "special_tokens")
        return try tokens?.object.keys.flatMap {
            try tokens?.object($0).array("ids").compactMap(\.intValue) ?? []
        } ?? []
    }

    /// The tokens that `tokenizer.json` adds.
    func addedTokens() throws -> [AddedVocabulary.Entry] {
        try (file("tokenizer.json")?.objects("added_tokens") ?? []).map {
            AddedVocabulary.Entry(token: try AddedToken($0), id: try $0.int("id"))
        }
    }

    /// The files with some of the tokens.
    ///
    /// - Parameters:
    ///   - kept: The old ids in ascending order; a new id is the index of the old one.
    ///   - tokenizer: The tokenizer loaded from the files.
    /// - Throws: ``TokenizerError``
    func trimmed(to kept: [Int], of tokenizer: Tokenizer) throws -> [TrimmedVocabulary.File] {
        let map = IDMap(
            newIDs: Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) }),
            vocabulary: tokenizer.model.vocabulary)
        try requireDense(kept, tokenizer)
        return try Self.names.filter(isThere).map { name in
            switch name {
            case "vocab.txt":
                return .init(name: name, contents: try Self.vocabulary(kept, tokenizer, file: path(name)))
            case "special_tokens_map.json":
                return .init(name: name, contents: try text(of: name))
            case "merges.txt":
                let merges = try MergesFile.read(path(name)).filter(map.keeps)
                let lines = ["#version: 0.2"] + merges.map { "\($0) \($1)" }
                return .init(name: name, contents: lines.joined(separator: "\n") + "\n")
            default: break
            }
            guard let file = try file(name) else { return .init(name: name, contents: "") }
            let object =
                switch name {
                case "tokenizer.json": try map.tokenizer(file)
                case "tokenizer_config.json": try map.configuration(file)
                case "vocab.json": map.vocabulary(file.object)
                default: try map.addedTokens(file)
                }
            return .init(name: name, contents: JSONValue.object(object).serialized(pretty: true) + "\n")
        }
    }

    /// Loaders give added tokens the ids that follow the model's, so these must come first.
    private func requireDense(_ kept: [Int], _ tokenizer: Tokenizer) throws {
        let model = tokenizer.model.vocabulary
        let isOfModel = kept.map { id in
            tokenizer.idToToken(Int32(id)).flatMap { model.id(of: $0) } == Int32(id)
        }
        guard let firstAdded = isOfModel.firstIndex(of: false) else { return }
        guard !isOfModel[firstAdded...].contains(true) else {
            throw TokenizerError.invalidVocabulary(
                file: path(""),
                reason:
                    "added token \(kept[firstAdded]) has an id among those of the model's own tokens, which have "
                    + "gaps; load and save the tokenizer with transformers, which numbers them anew")
        }
    }

    /// The model's tokens that stay, a line each.
    private static func vocabulary(_ kept: [Int], _ tokenizer: Tokenizer, file: String) throws -> String {
        let model = tokenizer.model.vocabulary
        var text = ""
        for id in kept {
            guard let token = tokenizer.idToToken(Int32(id)), model.id(of: token) == Int32(id) else { break }
            let isOnOneLine = !token.unicodeScalars.contains("\n")
            guard isOnOneLine, token.unicodeScalars.last?.properties.isWhitespace != true else {
                throw TokenizerError.invalidVocabulary(
                    file: file,
                    reason: "token \(quoted(token)) cannot be on a line of its own; remove vocab.txt, "
                        + "tokenizer.json holds all of it")
            }
            text += token + "\n"
        }
        return text
    }

    // MARK: - Files

    private func path(_ name: String) -> String {
        name.isEmpty ? directory : directory.entry(name)
    }

    private func isThere(_ name: String) -> Bool { path(name).fileExists }

    private func file(_ name: String) throws -> StageConfiguration? {
        try values[name].map { try StageConfiguration(file: path(name), value: $0, expressions: nil) }
    }

    private func text(of name: String) throws -> String {
        String(decoding: try FileSystem.bytes(of: path(name)), as: UTF8.self)
    }
}
