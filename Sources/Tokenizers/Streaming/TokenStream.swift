/// Turns ids into text while they come, one after another.
///
/// What ``append(_:)`` and ``finish()`` give is, joined, what ``Tokenizer/decode(_:skipSpecialTokens:)`` makes of all ids at once,
/// byte for byte. Text is given as soon as no later token can change it: a character whose bytes are spread over tokens when it
/// is complete, and bytes of byte fallback with the first token behind them, since Hugging Face's decoder turns a whole run
/// of them into U+FFFD if any is wrong.
///
/// ```swift
/// var stream = try TokenStream(tokenizer)
/// for id in ids { print(try stream.append(id), terminator: "") }
/// print(try stream.finish())
/// ```
public struct TokenStream: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecialTokens: Bool
    private var stages: [any DecoderStage]
    private var tail = UTF8Tail()
    /// True where there is no decoder, so that spaces stand between tokens.
    private let separates: Bool
    private var isFirst = true

    /// Begins a text.
    ///
    /// - Parameters:
    ///   - tokenizer: The tokenizer of the ids.
    ///   - skipSpecialTokens: True to leave out special tokens such as `</s>`.
    /// - Throws: ``TokenizerError`` if the file's decoder is of a type that is not known, or malformed.
    public init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool = true) throws {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skipSpecialTokens
        let decoder = try tokenizer.decoder.get()
        separates = decoder == nil
        stages = decoder.map(DecoderStages.make) ?? []
    }

    /// Takes the next id.
    ///
    /// - Parameter id: A token's number; a number without a token is left out.
    /// - Returns: The text that is final now, in whole characters of Unicode; often empty.
    /// - Throws: ``TokenizerError`` where a stage of the decoder cannot take the text.
    public mutating func append(_ id: Int32) throws -> String {
        let added = tokenizer.addedVocabulary
        if skipsSpecialTokens, added.specialIDs.contains(id) { return "" }
        guard let bytes = added.vocabulary.bytes(of: id) else { return "" }
        var tokens = [Array(bytes)]
        if separates, !isFirst { tokens.insert([0x20], at: 0) }
        isFirst = false
        for index in stages.indices where !tokens.isEmpty { tokens = try stages[index].take(tokens) }
        return tail.take(tokens.joined())
    }

    /// Ends the text.
    ///
    /// - Returns: What was held back; U+FFFD for bytes that are no UTF-8.
    /// - Throws: ``TokenizerError`` where a stage of the decoder cannot take the text.
    public mutating func finish() throws -> String {
        var tokens: [[UInt8]] = []
        for index in stages.indices {
            if !tokens.isEmpty { tokens = try stages[index].take(tokens) }
            tokens += try stages[index].finish()
        }
        return tail.take(tokens.joined()) + tail.finish()
    }
}
