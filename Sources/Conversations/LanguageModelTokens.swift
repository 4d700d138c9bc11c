import Files
import Foundation
import JSON
import Tokenizers

/// The tokens at which a language model's texts begin and end, as its files say.
public struct LanguageModelTokens: Sendable, Equatable {
    /// The token that begins a text (`bos_token`); `nil` if there is none.
    public var bosID: Int32?
    /// The token that ends a document (the tokenizer's `eos_token`); `nil` if there is none.
    public var eosID: Int32?
    /// The stop tokens of `generation_config.json` (`eos_token_id`); none where it has none.
    public var generationEOSIDs: [Int32]
    /// The stop tokens of `config.json` (`eos_token_id`); none where it has none.
    public var configurationEOSIDs: [Int32]

    /// Makes a choice of tokens.
    ///
    /// - Parameters:
    ///   - bosID: The token that begins a text.
    ///   - eosID: The token that ends a document.
    ///   - generationEOSIDs: The stop tokens of `generation_config.json`.
    ///   - configurationEOSIDs: The stop tokens of `config.json`.
    public init(
        bosID: Int32? = nil, eosID: Int32? = nil, generationEOSIDs: [Int32] = [],
        configurationEOSIDs: [Int32] = []
    ) {
        self.bosID = bosID
        self.eosID = eosID
        self.generationEOSIDs = generationEOSIDs
        self.configurationEOSIDs = configurationEOSIDs
    }

    /// The tokens at which generation stops: those of `generation_config.json`, without any those of `config.json`, as in
    /// transformers; without any the tokenizer's `eos_token`.
    public var stopIDs: [Int32] {
        if !generationEOSIDs.isEmpty { return generationEOSIDs }
        return configurationEOSIDs.isEmpty ? [eosID].compactMap(\.self) : configurationEOSIDs
    }

    /// Reads a model's files; neither `generation_config.json` nor `config.json` need be there.
    ///
    /// - Parameters:
    ///   - directory: The model's directory.
    ///   - tokenizer: Its tokenizer.
    /// - Returns: The tokens.
    /// - Throws: ``ConversationsError`` for ids that are none, or a `JSONError`; both name the file.
    public static func load(directory: URL, tokenizer: Tokenizer) throws -> LanguageModelTokens {
        LanguageModelTokens(
            bosID: tokenizer.bosTokenID, eosID: tokenizer.eosTokenID,
            generationEOSIDs: try eosIDs(directory.appending(path: "generation_config.json")),
            configurationEOSIDs: try eosIDs(directory.appending(path: "config.json")))
    }

    private static func eosIDs(_ url: URL) throws -> [Int32] {
        let path = url.path(percentEncoded: false)
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        guard let object = try JSONValue.load(contentsOf: url, dialect: .python).objectValue else {
            throw ConversationsError("\(path): is not an object; give the model's own file")
        }
        let key = "eos_token_id"
        // Models of texts and images keep the language model's settings apart.
        let value = object[key] ?? object["text_config"]?.objectValue?[key] ?? .null
        let values: [JSONValue] =
            switch value {
            case .null: []
            case .array(let elements): elements
            default: [value]
            }
        return try values.map { value in
            guard let id = value.intValue.flatMap(Int32.init(exactly:)), id >= 0 else {
                throw ConversationsError(
                    "\(path): \(key) must be an integer from 0 on or a list of such, got \(value.serialized().prefix(60))"
                )
            }
            return id
        }
    }
}
