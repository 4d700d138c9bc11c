import JSON
import Storage

/// The tokens of an encoder's tokenizer that a static table has vectors for, and the tokenizer's file with these alone.
///
/// As model2vec does it: tokens that texts cannot have go, which are `[unused0]` and its like, and the added tokens but for those of
/// padding and of unknown words. What is left is numbered anew without gaps, in the old order; nothing is put around a text; and a
/// byte-level tokenizer puts a space before it, so that a word is the same token at a text's beginning and further on.
public struct StaticVocabulary: Sendable {
    /// The old ids of the tokens that stay, ascending; a token's new id, which is the row of its vector, is its index here.
    public let keptIDs: [Int32]
    /// The number of tokens before, added ones included.
    public let originalCount: Int
    /// The row of the token for unknown words; `nil` where there is none.
    public let unknownRow: Int?
    /// The contents of `tokenizer.json`.
    public let file: String
    /// The tokens that the encoder reads before a text and after it.
    private let frame: (before: [Int32], after: [Int32])

    /// The number of tokens that stay.
    public var count: Int { keptIDs.count }

    /// Reads a tokenizer.
    ///
    /// - Parameters:
    ///   - directory: The encoder's directory, with `tokenizer.json`.
    ///   - expressions: As for ``Tokenizer/load(directory:expressions:)``.
    /// - Throws: ``TokenizerError`` where it cannot be loaded, has no `tokenizer.json`, or keeps no token.
    public init(directory: some FileLocation, expressions: (any RegularExpressionEngine)?) throws {
        let path = directory.filePath
        let tokenizer = try Tokenizer.load(directory: path, expressions: expressions)
        let name = path.entry("tokenizer.json")
        guard name.fileExists else {
            throw TokenizerError.missing(
                directory: path,
                reason:
                    "has no tokenizer.json, by which static models are read; load and save the tokenizer with transformers"
            )
        }
        let content = try StageConfiguration(file: name, value: .load(contentsOf: name), expressions: nil)
        let own = try TokenizerParts.addedTokens(content)
        let added =
            try own
            + TokenizerSettings(directory: path).addedTokens(besides: own, in: tokenizer.model.vocabulary)
        let wanted = [tokenizer.unknownTokenID, tokenizer.model.unknownTokenID, tokenizer.padTokenID]
            .compactMap { $0.flatMap(tokenizer.idToToken) }.map { Array($0.utf8) }
        let dropped = Set(added.map { Array($0.token.content.utf8) }).subtracting(wanted)
        let reduced = try ReducedTokenizer(content, dropping: dropped)
        guard !reduced.keptIDs.isEmpty else {
            throw TokenizerError.invalidVocabulary(
                file: name,
                reason: "all of its tokens are special ones, so that no text has any; use another tokenizer"
            )
        }
        keptIDs = reduced.keptIDs.map(Int32.init)
        originalCount = tokenizer.vocabularySize
        let unknown = tokenizer.unknownTokenID ?? tokenizer.model.unknownTokenID
        unknownRow = unknown.flatMap { reduced.newIDs[Int($0)] }
        file = JSONValue.object(try reduced.file()).serialized(pretty: true) + "\n"
        frame = Self.frame(tokenizer.postProcessor)
    }

    private static func frame(_ processor: any PostProcessor) -> (before: [Int32], after: [Int32]) {
        let template = processor.template(isPair: false)
        let text = template.firstIndex { $0.specialTokenID == nil } ?? template.endIndex
        return (
            template[..<text].compactMap(\.specialTokenID), template[text...].compactMap(\.specialTokenID)
        )
    }

    /// The number of tokens of ``input(row:)``.
    public var inputLength: Int { frame.before.count + 1 + frame.after.count }

    /// What the encoder reads of a token alone: its old id between the special tokens that every text has.
    public func input(row: Int) -> [Int32] { frame.before + [keptIDs[row]] + frame.after }
}
