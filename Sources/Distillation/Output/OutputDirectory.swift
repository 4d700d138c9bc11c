import Files
import Foundation
import Tokenizers
import Transformers

/// Where a run saves its model. At any moment the directory is either absent or a complete model: every save
/// is built beside it and then renamed into its place.
struct OutputDirectory {
    let url: URL

    /// - Throws: `FileError` where the directory is not empty and may not be replaced.
    init(_ url: URL, overwrite: Bool) throws {
        // Checked before any work is done; nothing stays of it.
        try StagedDirectory(for: url, overwrite: overwrite).discard()
        self.url = url
    }

    /// Saves the model with its tokenizer's files, a model card and a report, in place of an earlier save.
    ///
    /// - Parameter tokenizerDirectory: Its tokenizer files are copied as they are.
    func save(
        _ model: any SequenceClassifier, tokenizerDirectory: URL, files: [(name: String, text: String)]
    ) throws {
        let staged = try StagedDirectory(for: url, overwrite: true)
        try ModelWriter.save(model, to: staged.url)
        for name in Tokenizer.fileNames {
            let source = tokenizerDirectory.appending(path: name)
            guard FileManager.default.fileExists(atPath: source.path) else { continue }
            let bytes = try MappedFile(source)
            try AtomicFile.write(to: staged.url.appending(path: name)) { try $0.write(bytes.bytes) }
        }
        for file in files { try AtomicFile.write(file.text, to: staged.url.appending(path: file.name)) }
        try staged.commit()
    }
}
