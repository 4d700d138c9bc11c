import Datasets
import Foundation
import Tokenizers

extension CacheOptions {
    /// A loader for the data that a model reads.
    package func loader(
        _ options: DatasetOptions, tokenizer: Tokenizer, directory: URL, maxLength: Int,
        languageModel: LanguageModelText? = nil, prompt: String = "", log: RunLog
    ) -> DatasetLoader {
        for removed in CacheLeftovers.remove(in: root) { log.tell(removed) }
        return DatasetLoader(
            options: options, tokenizer: tokenizer, tokenizerDirectory: directory, maxLength: maxLength,
            root: data ? root : nil, memo: DigestMemo(root: data ? root : nil),
            warn: { log.warnOnce($0) }, languageModel: languageModel, prompt: prompt,
            onRead: { try log.advance(by: $0) })
    }
}

extension DatasetLoader {
    /// A loader that keeps nothing and takes nothing that was kept.
    package static func uncached(
        _ options: DatasetOptions, tokenizer: Tokenizer, directory: URL, maxLength: Int, log: RunLog
    ) -> DatasetLoader {
        DatasetLoader(
            options: options, tokenizer: tokenizer, tokenizerDirectory: directory, maxLength: maxLength,
            root: nil, memo: DigestMemo(root: nil), warn: { log.warnOnce($0) },
            onRead: { try log.advance(by: $0) })
    }
}
