/// Finds regular expressions of `tokenizer.json` for which this module has no scanner of its own.
///
/// It is handed to ``Tokenizer/load(directory:expressions:)``, so that programs whose tokenizers need none can do
/// without. The module `RegularExpressions` has one.
public protocol RegularExpressionEngine: Sendable {
    /// Reads an expression.
    ///
    /// - Parameters:
    ///   - pattern: The expression, in Oniguruma's syntax for Ruby.
    ///   - place: The file, and the path within it, for errors of searches.
    /// - Returns: The expression.
    /// - Throws: An error whose description says, behind file and key, what is wrong and what to do.
    func expression(_ pattern: String, place: String) throws -> any RegularExpression
}

/// A regular expression that was read by a ``RegularExpressionEngine``.
public protocol RegularExpression: Sendable {
    /// Finds all matches in a text.
    ///
    /// - Parameters:
    ///   - text: UTF-8.
    ///   - budget: The limits for the text that this is, or is a part of.
    /// - Returns: The byte ranges of the matches that are not empty, in order.
    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` where it takes too long, or too much memory.
    func matches(in text: UnsafeBufferPointer<UInt8>, _ budget: TextBudget) throws -> [Range<Int>]
}
