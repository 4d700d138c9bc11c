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
        let (json, merges) = (
            directory.appending(path: "vocab.json"), directory.appending(path: "merges.txt")
        )
        if exists(json), exists(merges) {
            let parts = try TokenizerParts(vocabulary: json, merges: merges, settings)
            return try Tokenizer(parts, settings, file: json.path(percentEncoded: false))
        }
        guard exists(vocabularyFile) else {
            for name in sentencePieceNames where exists(directory.appending(path: name)) {
                throw TokenizerError.missing(
                    directory: path,
                    reason: "holds \(name) but no tokenizer.json; make one with Python: "
                        + "AutoTokenizer.from_pretrained(directory).save_pretrained(directory)")
            }
            throw TokenizerError.missing(
                directory: path,
                reason: "holds neither tokenizer.json nor vocab.txt, nor vocab.json with merges.txt; "
                    + "copy the tokenizer's files there")
        }
        let parts = try TokenizerParts(vocabularyFile: vocabularyFile, settings)
        return try Tokenizer(parts, settings, file: vocabularyFile.path(percentEncoded: false))
    }

    /// SentencePiece's own files, by the names that models give them.
    private static let sentencePieceNames = [
        "sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model",
    ]

    private static func exists(_ url: URL) -> Bool {
        FileManager.default.fileExists(atPath: url.path(percentEncoded: false))
    }
}
