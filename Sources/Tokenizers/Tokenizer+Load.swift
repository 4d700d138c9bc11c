import Foundation

extension Tokenizer {
    /// Loads the tokenizer of a model's directory: `tokenizer.json` if there is one, else `vocab.txt`; with either
    /// `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`.
    ///
    /// Where the files contradict each other, the result is what Python's `AutoTokenizer` makes of them.
    ///
    /// - Throws: ``TokenizerError``, or the error of a file that cannot be read, which names the file.
    public static func load(directory: URL) throws -> Tokenizer {
        let path = directory.path(percentEncoded: false)
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw TokenizerError.missing(directory: path, reason: "no such directory; check the path")
        }
        guard isDirectory.boolValue else {
            throw TokenizerError.missing(directory: path, reason: "is a file; give the model's directory")
        }
        let settings = try TokenizerSettings(directory: directory)
        let tokenizerFile = directory.appending(path: "tokenizer.json")
        let vocabularyFile = directory.appending(path: "vocab.txt")
        if exists(tokenizerFile) {
            let parts = try TokenizerParts(contentsOf: tokenizerFile)
            return try Tokenizer(parts, settings, file: tokenizerFile.path(percentEncoded: false))
        }
        guard exists(vocabularyFile) else {
            throw TokenizerError.missing(
                directory: path,
                reason: "holds neither tokenizer.json nor vocab.txt; copy the tokenizer's files there")
        }
        let parts = try TokenizerParts(vocabularyFile: vocabularyFile, settings)
        return try Tokenizer(parts, settings, file: vocabularyFile.path(percentEncoded: false))
    }

    private static func exists(_ url: URL) -> Bool {
        FileManager.default.fileExists(atPath: url.path(percentEncoded: false))
    }
}
