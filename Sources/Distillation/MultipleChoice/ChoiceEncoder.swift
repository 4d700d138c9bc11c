import Conversations
import Tokenizers

/// Turns questions into the tokens that are scored, as lm-eval does.
///
/// A choice follows its query behind a delimiter. Spaces at the query's end belong to what follows; its tokens are those of both
/// texts together without as many as the query alone has. Without a query the token that begins a text, or the one that ends
/// one, stands for it.
struct ChoiceEncoder {
    private let tokenizer: Tokenizer
    private let delimiter: String
    private let maxLength: Int
    private let suffixCount: Int
    private let prefixID: Int32?
    private let beginning: String?

    /// - Parameters:
    ///   - tokenizer: The model's tokenizer.
    ///   - delimiter: The text between query and choice.
    ///   - maxLength: The most tokens that the model reads; of longer texts the beginning is left out.
    /// - Throws: `TokenizerError`.
    init(_ tokenizer: Tokenizer, delimiter: String, maxLength: Int) throws {
        self.tokenizer = tokenizer
        self.delimiter = delimiter
        self.maxLength = maxLength
        suffixCount = try tokenizer.encodeWithBytePlaces("").suffixCount
        prefixID = tokenizer.bosTokenID ?? tokenizer.eosTokenID
        beginning = prefixID.flatMap(tokenizer.idToToken)
    }

    /// A choice behind its query.
    struct Encoded {
        /// The tokens, of which those of the choice are targets.
        var text: TokenizedText
        /// True if the beginning was left out.
        var isCut: Bool
    }

    /// The tokens of a choice behind its query.
    ///
    /// - Throws: ``DistillationError`` with the reason for a choice that cannot be scored, without its place; `TokenizerError`.
    func encode(_ choice: String, after query: String) throws -> Encoded {
        let (context, continuation) = Self.parts(query, delimiter + choice)
        var before = context.isEmpty ? [] : try ids(context)
        var scored: [Int32]
        if before.isEmpty {
            scored = try tokenizer.encode(continuation, addSpecialTokens: false).ids
            if let prefixID, scored.first != prefixID {
                before = [prefixID]
            } else {
                // As the continuation begins with the token that stands for no context.
                (before, scored) = (Array(scored.prefix(1)), Array(scored.dropFirst()))
            }
        } else {
            scored = Array(try ids(context + continuation).dropFirst(before.count))
        }
        guard !scored.isEmpty else {
            throw DistillationError(
                "the choice '\(choice.prefix(40))' has no token of its own behind the query, so that it cannot be scored"
            )
        }
        guard scored.count < maxLength else {
            throw DistillationError(
                "the choice '\(choice.prefix(40))' has \(scored.count) tokens, the model reads \(maxLength); shorten it"
            )
        }
        let all = before + scored
        let kept = Array(all.suffix(maxLength))
        return Encoded(
            text: TokenizedText(
                ids: kept, isTrained: kept.indices.map { $0 >= kept.count - scored.count }),
            isCut: kept.count < all.count)
    }

    /// A text's tokens with those that the tokenizer puts before it, unless the text has them.
    private func ids(_ text: String) throws -> [Int32] {
        let begins = beginning.map { text.utf8.starts(with: $0.utf8) } ?? false
        let ids = try tokenizer.encode(text, addSpecialTokens: !begins).ids
        return begins ? ids : Array(ids.dropLast(suffixCount))
    }

    /// Moves white space at the context's end to what follows.
    private static func parts(_ context: String, _ continuation: String) -> (String, String) {
        let scalars = context.unicodeScalars
        var end = scalars.endIndex
        while end > scalars.startIndex {
            let before = scalars.index(before: end)
            let scalar = scalars[before]
            // Python's white space.
            guard scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value) else { break }
            end = before
        }
        return (String(scalars[..<end]), String(scalars[end...]) + continuation)
    }
}
