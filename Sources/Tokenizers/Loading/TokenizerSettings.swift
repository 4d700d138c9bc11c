import Foundation
import JSON

/// What the files beside `tokenizer.json` say: `tokenizer_config.json`, `special_tokens_map.json` and
/// `added_tokens.json`, read as `AutoTokenizer` reads them.
struct TokenizerSettings {
    /// `tokenizer_config.json`; without keys if there is none.
    private let configuration: StageConfiguration
    /// The special tokens that the files name.
    private var specialTokens: [SpecialToken: AddedToken] = [:]
    /// The special tokens that the files set to null: there is none, even if BERT's name for it is a token.
    private var absentTokens: Set<SpecialToken> = []
    /// Tokens that are added unless `tokenizer.json` has done so.
    private var addedTokens: [AddedVocabulary.Entry] = []
    /// The class that Python would use, without "Fast".
    private let tokenizerClass: String?

    /// Whether this is taken for BERT's tokenizer if the files name no class.
    var assumesBert = true

    let modelMaxLength: Int?
    let modelInputNames: [String]
    let paddingSide: Side?
    let truncationSide: Side?
    let splitSpecialTokens: Bool

    /// Reads the files of a directory; none of them need be there.
    init(directory: URL) throws {
        func file(_ name: String) throws -> StageConfiguration? {
            let url = directory.appending(path: name)
            let path = url.path(percentEncoded: false)
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            return try StageConfiguration(file: path, value: .load(contentsOf: url))
        }
        let configuration =
            try file("tokenizer_config.json")
            ?? StageConfiguration(file: "tokenizer_config.json", value: .object([:]))
        self.configuration = configuration
        let name = try configuration.optionalString("tokenizer_class")
        tokenizerClass = name.map { $0.hasSuffix("Fast") ? String($0.dropLast(4)) : $0 }
        modelMaxLength = try Self.modelMaxLength(configuration)
        modelInputNames = try Self.modelInputNames(configuration, tokenizerClass)
        paddingSide = try configuration.side("padding_side")
        truncationSide = try configuration.side("truncation_side")
        splitSpecialTokens = try configuration.optionalBool("split_special_tokens") ?? false

        try readSpecialTokens(configuration)
        if let decoder = try configuration.optionalObject("added_tokens_decoder") {
            try readAddedTokensDecoder(decoder)
        } else {
            // Older directories spread the same over two more files.
            if let map = try file("special_tokens_map.json") { try readSpecialTokens(map) }
            if let added = try file("added_tokens.json") { try readAddedTokens(added) }
        }
        addedTokens.sort { ($0.id ?? 0) < ($1.id ?? 0) }
    }
}

// MARK: - Reading

extension TokenizerSettings {
    /// A special token is a string, or an object with the properties of an added token, or null.
    private mutating func readSpecialTokens(_ file: StageConfiguration) throws {
        for name in SpecialToken.allCases {
            let key = name.rawValue
            switch file.object[key] {
            case nil: continue
            case .null: absentTokens.insert(name)
            case .string(let content): specialTokens[name] = AddedToken(special: content)
            case .object: specialTokens[name] = try AddedToken(file.object(key), special: true)
            case let value?:
                throw file.malformed(key, "expected a string, an object or null, found \(value.typeName)")
            }
        }
    }

    /// `{"103": {"content": "[MASK]", …}, …}`
    private mutating func readAddedTokensDecoder(_ decoder: StageConfiguration) throws {
        for key in decoder.object.keys {
            guard let id = Int(key) else {
                throw decoder.malformed(quoted(key), "expected a token's id as key")
            }
            addedTokens.append(.init(token: try AddedToken(decoder.object(key)), id: id))
        }
    }

    /// `{"[NEW]": 30522, …}`
    private mutating func readAddedTokens(_ file: StageConfiguration) throws {
        let named = specialTokens.values.map(\.content)
        for key in file.object.keys {
            var token = AddedToken(special: key)
            token.special = named.contains { $0.utf8.elementsEqual(key.utf8) }
            token.normalized = !token.special
            addedTokens.append(.init(token: token, id: try file.int(key)))
        }
    }

    /// Python writes "no limit" as the number 1e30.
    private static func modelMaxLength(_ configuration: StageConfiguration) throws -> Int? {
        guard let value = configuration.object["model_max_length"], !value.isNull else { return nil }
        guard let number = value.doubleValue, number >= 1 else {
            throw configuration.malformed(
                "model_max_length", "expected a number of at least 1, found \(value.serialized())")
        }
        return number < 1e9 ? Int(number) : nil
    }

    private static func modelInputNames(_ configuration: StageConfiguration, _ tokenizerClass: String?) throws
        -> [String]
    {
        if let names = try configuration.optionalArray("model_input_names") {
            return try names.map { name in
                guard let name = name.stringValue else {
                    throw configuration.malformed(
                        "model_input_names", "expected strings, found \(name.typeName)")
                }
                return name
            }
        }
        let family = tokenizerClass.flatMap(TokenizerFamily.init(tokenizerClass:))
        let tellsTextsApart = tokenizerClass != "DistilBertTokenizer" && family?.tellsTextsApart ?? true
        return tellsTextsApart
            ? ["input_ids", "token_type_ids", "attention_mask"] : ["input_ids", "attention_mask"]
    }
}

// MARK: - What they mean for a tokenizer

extension TokenizerSettings {
    /// A special token: as the files name it, else BERT's own, if this is a tokenizer of the BERT family.
    private func token(_ name: SpecialToken) -> AddedToken? {
        if let token = specialTokens[name] { return token }
        if absentTokens.contains(name) { return nil }
        if let family = tokenizerClass.flatMap(TokenizerFamily.init(tokenizerClass:)) {
            return family.token(name)
        }
        return isBert ? AddedToken(special: name.bertName) : nil
    }

    /// The text of a special token that BERT cannot do without.
    func requiredName(of name: SpecialToken) -> String { specialTokens[name]?.content ?? name.bertName }

    /// The ids of the special tokens.
    ///
    /// - Throws: ``TokenizerError/malformed(file:key:reason:)`` if the files name one that the vocabulary lacks.
    ///   `mask_token` may be lacking: it is often named out of habit, and only pre-training needs it.
    func specialTokenIDs(in vocabulary: Vocabulary) throws -> [SpecialToken: Int32] {
        var ids: [SpecialToken: Int32] = [:]
        for name in SpecialToken.allCases {
            guard let token = token(name) else { continue }
            ids[name] = vocabulary.id(of: token.content)
            if ids[name] == nil, specialTokens[name] != nil, name != .mask {
                throw configuration.malformed(
                    name.rawValue, "\(quoted(token.content)) is not in the vocabulary; add it or name another"
                )
            }
        }
        return ids
    }

    /// The tokens to add to those of `tokenizer.json`: those of `added_tokens_decoder`, then special tokens.
    func addedTokens(
        besides present: [AddedVocabulary.Entry], in vocabulary: Vocabulary
    ) -> [AddedVocabulary.Entry] {
        var added = addedTokens
        for token in SpecialToken.allCases.compactMap(token) {
            let isThere = (present + added).contains {
                $0.token.content.utf8.elementsEqual(token.content.utf8)
            }
            if !isThere, vocabulary.id(of: token.content) != nil {
                added.append(.init(token: token, id: nil))
            }
        }
        return added
    }

    /// The normaliser with the settings of `tokenizer_config.json`, which count more than those of
    /// `tokenizer.json` for the tokenizers of the BERT family.
    func adjusting(_ normalizer: (any Normalizer)?) throws -> (any Normalizer)? {
        guard let bert = normalizer as? BertNormalizer, isBert else {
            return normalizer
        }
        let stripAccents = try configuration.optionalBool("strip_accents")
        return BertNormalizer(
            cleanText: bert.cleanText,
            handleChineseChars: try configuration.optionalBool("tokenize_chinese_chars")
                ?? bert.handleChineseChars,
            stripAccents: configuration.object["strip_accents"] == nil ? bert.stripAccents : stripAccents,
            lowercase: try configuration.optionalBool("do_lower_case") ?? bert.lowercase)
    }

    /// - Throws: ``TokenizerError/unsupported(file:part:type:supported:)`` if `vocab.txt` belongs to a tokenizer
    ///   that is not BERT's.
    func requireBert(for file: String) throws {
        guard let tokenizerClass, !isBert else { return }
        throw TokenizerError.unsupported(
            file: configuration.file, part: "tokenizer_class", type: tokenizerClass,
            supported: Self.bertClasses.sorted())
    }

    /// Whether texts get a space in front, for byte-level tokenizers without `tokenizer.json`.
    func addsPrefixSpace() throws -> Bool { try configuration.optionalBool("add_prefix_space") ?? false }

    /// The family that the class names, without BERT's.
    var family: TokenizerFamily? { tokenizerClass.flatMap(TokenizerFamily.init(tokenizerClass:)) }

    /// The text of a special token, as the files name it or the family has it.
    func name(of name: SpecialToken) -> String? { token(name)?.content }

    /// Whether this is BERT's tokenizer, as it is taken to be if the files do not say.
    private var isBert: Bool { tokenizerClass.map(Self.bertClasses.contains) ?? assumesBert }

    /// The tokenizers that are BERT's under another name.
    private static let bertClasses: Set<String> = [
        "BertTokenizer", "ConvBertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "LayoutLMTokenizer",
        "LxmertTokenizer", "MobileBertTokenizer", "RetriBertTokenizer", "SqueezeBertTokenizer",
    ]
}
