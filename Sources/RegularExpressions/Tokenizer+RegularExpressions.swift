import Files
import Foundation
import Tokenizers

extension Tokenizer {
    /// Loads the tokenizer of a model's directory, whatever regular expressions it needs.
    ///
    /// - Parameter directory: The model's directory.
    /// - Returns: The tokenizer.
    /// - Throws: `TokenizerError`, or the error of a file that cannot be read, which names the file.
    public static func load(directory: URL) throws -> Tokenizer {
        try load(directory: directory, expressions: ICURegularExpressions())
    }
}

extension VocabularyTrimmer {
    /// Opens a tokenizer, whatever regular expressions it needs.
    ///
    /// - Parameter directory: The tokenizer's files, such as a model's directory.
    /// - Throws: `TokenizerError` where it cannot be loaded, or its model is not WordPiece.
    public init(directory: URL) throws {
        try self.init(directory: directory, expressions: ICURegularExpressions())
    }
}
