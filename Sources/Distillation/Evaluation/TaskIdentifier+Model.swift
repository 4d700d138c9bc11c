import Foundation
import Transformers

extension TaskIdentifier {
    /// The task of a model's directory or GGUF file.
    ///
    /// - Throws: `GGUFError`, `ArchitectureError`, `JSONError` or `FileError` where it cannot be read.
    package init(ofModel model: URL) throws {
        self =
            SentenceTransformer.isDirectory(model)
            ? .embedding : try TokenizerFiles.configuration(of: model).task
    }
}
