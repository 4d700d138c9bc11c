import JSON
import Storage

/// The settings in the files beside `tokenizer.json`: `tokenizer_config.json`, `special_tokens_map.json`,
/// `added_tokens.json`, and the keys of `config.json` that determine the class; read as `AutoTokenizer` reads them.
struct TokenizerSettings {
    /// `tokenizer_config.json`; without keys if there is none.
    private let configuration: StageConfiguration
    /// The special tokens that the files name.
    private var specialTokens: [SpecialToken: AddedToken] = [:]
    /// The special tokens that the files set to null: there is none, whatever the class would have.
    private var absentTokens: Set<SpecialToken> = []
    /// Tokens that are added unless `tokenizer.json` has done so.
    private var addedTokens: [AddedVocabulary.Entry] = []
    /// Special tokens besides those that have names.
    private var extraTokens: [AddedToken] = []
    /// True if these files list the added tokens, so that those of `tokenizer.json` are ignored for a class with stages
    /// of its own.
    private var saysAddedTokens = false

    /// The kind of tokenizer that the files specify; `nil` if none does.
    private(set) var statedKind: TokenizerKind?
    /// The class or the type of model that says so, for messages.
    let className: String
    /// True if this is taken to be a BERT tokenizer when the files name no class.
    var assumesBert = true

    let modelMaxLength: Int?
    let modelInputNames: [String]
    let paddingSide: Side?
    let truncationSide: Side?
    let splitSpecialTokens: Bool

    /// Reads the files of a directory; none of them need be there.
    init(directory: some FileLocation) throws {
        func file(_ name: String) throws -> StageConfiguration? {
            let path = directory.entry(name)
            guard path.fileExists else { return nil }
            return try StageConfiguration(
                file: path, value: .load(contentsOf: path, dialect: .python), expressions: nil)
        }
        let configuration =
            try file("tokenizer_config.json")
            ?? StageConfiguration(file: "tokenizer_config.json", value: .object([:]), expressions: nil)
        // The model reports what is wrong with it.
        try self.init(configuration, model: try? file("config.json"), file: file)
    }

    /// Takes the contents of files.
    ///
    /// - Parameters:
    ///   - configuration: `tokenizer_config.json`.
    ///   - model: `config.json`.
    ///   - file: Reads another one by its name; `nil` where there is none.
    init(
        _ configuration: StageConfiguration, model: StageConfiguration? = nil,
        file: (String) throws -> StageConfiguration? = { _ in nil }
    ) throws {
        self.configuration = configuration
        let modelType = model?.object["model_type"]?.stringValue
        let name =
            try configuration.optionalString("tokenizer_class")
            ?? model?.object["tokenizer_class"]?.stringValue
        statedKind = try TokenizerKind(named: name, modelType: modelType) {
            .unsupported(
                file: configuration.file, part: "tokenizer_class", type: $0,
                supported: [
                    "PreTrainedTokenizerFast", "BertTokenizer", "RobertaTokenizer", "XLMRobertaTokenizer",
                ])
        }
        className = name ?? modelType ?? "none"
        modelMaxLength = try Self.modelMaxLength(configuration)
        modelInputNames =
            try configuration.strings("model_input_names") ?? (statedKind ?? .bert).inputNames
        paddingSide = try configuration.side("padding_side")
        truncationSide = try configuration.side("truncation_side")
        splitSpecialTokens = try configuration.optionalBool("split_special_tokens") ?? false

        try readSpecialTokens(configuration)
        var extra = try extraTokens(configuration)
        if let decoder = try configuration.optionalObject("added_tokens_decoder") {
            saysAddedTokens = true
            try readAddedTokensDecoder(decoder)
        } else {
            // Older directories spread the same over two more files.
            if let map = try file("special_tokens_map.json") {
                try readSpecialTokens(map)
                extra = try extraTokens(map) ?? extra
            }
            if let added = try file("added_tokens.json") { try readAddedTokens(added) }
        }
        extraTokens = extra ?? (statedKind ?? .bert).extraTokens.map { AddedToken(special: $0) }
        sortAddedTokens()
    }

    /// The same with the tokens that `tokenizer.json` adds, where no file beside it says which are added.
    func adding(_ tokens: [AddedVocabulary.Entry]) -> TokenizerSettings {
        guard !saysAddedTokens else { return self }
        var settings = self
        let ids = Set(tokens.compactMap(\.id))
        settings.addedTokens = settings.addedTokens.filter { !ids.contains($0.id ?? -1) } + tokens
        settings.sortAddedTokens()
        return settings
    }

    /// The same for another kind, where one is stated that does not fit the file.
    func replacing(_ kind: TokenizerKind, with other: TokenizerKind) -> TokenizerSettings {
        var settings = self
        if statedKind == kind { settings.statedKind = other }
        return settings
    }

    private mutating func sortAddedTokens() { addedTokens.sort { ($0.id ?? 0) < ($1.id ?? 0) } }
}

// MARK: - Reading

extension TokenizerSettings {
    /// A special token is a string, or an object with the properties of an added token, or null.
    private mutating func readSpecialTokens(_ file: StageConfiguration) throws {
        for name in SpecialToken.allCases {
            let key = name.rawValue
            switch file.object[key] {
            case nil: continue
            case .null:
                absentTokens.insert(name)
                specialTokens[name] = nil
            case .string(let content):
                specialTokens[name] = kind.token(name, content)
            case .object: specialTokens[name] = try AddedToken(file.object(key), special: true)
            case let value?:
                throw file.malformed(key, "expected a string, an object or null, found \(value.typeName)")
            }
            if specialTokens[name] != nil { absentTokens.remove(name) }
        }
    }

    /// `extra_special_tokens`, which 4.x calls `additional_special_tokens`: a list, or tokens by names of their own.
    private func extraTokens(_ file: StageConfiguration) throws -> [AddedToken]? {
        for key in ["extra_special_tokens", "additional_special_tokens"] {
            let values: [JSONValue]
            switch file.object[key] {
            case nil, .null: continue
            case .array(let elements): values = elements
            case .object(let named) where named.values.allSatisfy({ $0.stringValue != nil }):
                values = named.values
            case let value?:
                throw file.malformed(key, "expected a list of tokens, found \(value.typeName)")
            }
            if values.isEmpty { continue }
            return try values.enumerated().map { index, value in
                if let content = value.stringValue { return AddedToken(special: content) }
                return try AddedToken(file.element(key, index, value), special: true)
            }
        }
        return nil
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
}

// MARK: - Their meaning for a tokenizer

extension TokenizerSettings {
    /// The kind whose special tokens count where the files name none.
    private var kind: TokenizerKind { statedKind ?? (assumesBert ? .bert : .file) }

    /// A special token: as the files name it, else the class's own.
    private func token(_ name: SpecialToken) -> AddedToken? {
        if let token = specialTokens[name] { return token }
        return absentTokens.contains(name) ? nil : kind.token(name)
    }

    /// The text of a special token, as the files name it or the class has it.
    func text(of name: SpecialToken) -> String? { token(name)?.content }

    /// The text of a special token that the tokenizer cannot do without.
    func requiredText(of name: SpecialToken) throws -> String {
        guard let text = text(of: name) else {
            throw configuration.malformed(
                name.rawValue, "there is none, and \(className) needs one; name a token of the vocabulary")
        }
        return text
    }

    /// The id that the files give to an added token.
    func statedID(of content: String) -> Int32? {
        addedTokens.first { $0.token.content.utf8.elementsEqual(content.utf8) }?.id.flatMap(
            Int32.init(exactly:))
    }

    /// True or false as the class takes it.
    func flag(_ key: String, or usual: Bool) throws -> Bool { try configuration.optionalBool(key) ?? usual }

    func optionalFlag(_ key: String) throws -> Bool? { try configuration.optionalBool(key) }

    func integer(_ key: String) throws -> Int? { try configuration.optionalInt(key) }

    /// The ids of the special tokens.
    ///
    /// - Throws: ``TokenizerError/malformed(file:key:reason:)`` if the files name one that the vocabulary lacks.
    ///   `mask_token` may be lacking: it is often named out of habit, and only pre-training needs it; and the beginning and
    ///   end of generated texts.
    func specialTokenIDs(in vocabulary: Vocabulary) throws -> [SpecialToken: Int32] {
        var ids: [SpecialToken: Int32] = [:]
        for name in SpecialToken.allCases {
            guard let token = token(name) else { continue }
            ids[name] = vocabulary.id(of: token.content)
            if ids[name] == nil, specialTokens[name] != nil, ![.mask, .bos, .eos].contains(name) {
                throw configuration.malformed(
                    name.rawValue, "\(quoted(token.content)) is not in the vocabulary; add it or name another"
                )
            }
        }
        return ids
    }

    /// The tokens to add to those of `tokenizer.json`: those of `added_tokens_decoder`, then special tokens, then those
    /// without a name.
    func addedTokens(
        besides present: [AddedVocabulary.Entry], in vocabulary: Vocabulary
    ) -> [AddedVocabulary.Entry] {
        var added = addedTokens
        var contents = Set((present + added).map { Array($0.token.content.utf8) })
        for token in SpecialToken.allCases.compactMap(token)
        where !contents.contains(Array(token.content.utf8)) && vocabulary.id(of: token.content) != nil {
            added.append(.init(token: token, id: nil))
            contents.insert(Array(token.content.utf8))
        }
        let known = statedKind?.extraTokens ?? []
        for token in extraTokens where contents.insert(Array(token.content.utf8)).inserted {
            // A token that only the class has is no token of a vocabulary that lacks it.
            if known.contains(token.content), vocabulary.id(of: token.content) == nil { continue }
            added.append(.init(token: token, id: nil))
        }
        return added
    }

    /// The normalizer with the settings of `tokenizer_config.json`, where no class says how it is made.
    func adjusting(_ normalizer: (any Normalizer)?) throws -> (any Normalizer)? {
        guard let bert = normalizer as? BertNormalizer, statedKind == nil, assumesBert else {
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
}
