import Tokenizers

/// The text of tokens that come one by one. What it gives is final: no part of a character, and what earlier tokens mean does not change.
package struct TokenText {
    private let tokenizer: Tokenizer
    private var ids: [Int32]
    /// The first token that is decoded with the next, so that spaces come out as in the whole text.
    private var start = 0
    /// The tokens whose text was given.
    private var read: Int
    private var before: [UInt8]

    /// - Parameter context: The tokens before the first.
    /// - Throws: `TokenizerError` where the tokenizer's decoder is not known.
    package init(_ tokenizer: Tokenizer, after context: [Int32]) throws {
        self.tokenizer = tokenizer
        ids = context.suffix(4)
        read = ids.count
        before = try Array(tokenizer.decode(ids).utf8)
    }

    /// Adds a token and returns the text that is final with it: nothing within a character.
    package mutating func append(_ id: Int32) throws -> [UInt8] {
        ids.append(id)
        let after = try Array(tokenizer.decode(ids[start...]).utf8)
        // A character that is not whole ends in U+FFFD.
        guard after.count > before.count, !after.ends(with: [0xEF, 0xBF, 0xBD]) else { return [] }
        let piece = after[before.count...]
        (start, read) = (read, ids.count)
        before = try Array(tokenizer.decode(ids[start...]).utf8)
        return Array(piece)
    }

    /// Returns the text of what is left; an unfinished character becomes U+FFFD.
    package mutating func finish() throws -> [UInt8] {
        let after = try Array(tokenizer.decode(ids[start...]).utf8)
        guard after.count > before.count else { return [] }
        defer { before = after }
        return Array(after[before.count...])
    }
}

extension Array where Element == UInt8 {
    fileprivate func ends(with suffix: [UInt8]) -> Bool { self.suffix(suffix.count).elementsEqual(suffix) }
}
