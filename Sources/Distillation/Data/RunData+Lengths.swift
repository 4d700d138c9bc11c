import Datasets
import Foundation
import Tokenizers

extension RunData {
    /// The number of tokens of each training text before any is cut.
    ///
    /// - Parameter prompt: The text that stands before each text.
    func fullLengths(_ tokenizer: Tokenizer, _ request: DataRequest, prompt: String) throws -> [Int] {
        var lengths: [Int] = []
        for (index, file) in ([request.train] + request.unlabelled).enumerated() {
            let next = try texts(of: file, request, isPlain: index > 0, prompt: prompt)
            while true {
                let texts = try next()
                if texts.isEmpty { break }
                let encoding = try tokenizer.encodeFlat(batch: texts, maxLength: nil)
                lengths += zip(encoding.offsets, encoding.offsets.dropFirst()).map { $1 - $0 }
            }
        }
        return lengths
    }

    /// What gives a file's next texts, none at the end.
    ///
    /// - Parameter isPlain: True of a file that has no translations.
    private func texts(
        of file: URL, _ request: DataRequest, isPlain: Bool, prompt: String
    ) throws -> () throws -> [TextPair] {
        var options = request.columns.options
        options.readsLabels = false
        guard problemType.definition.embedsTexts else {
            let stream = try TextStream(file, options: options)
            return { try stream.rows(DatasetLoader.chunkSize).map { TextPair($0.text, pair: $0.pair) } }
        }
        let reader: any ChunkReader
        if !isPlain, let columns = try request.columns.translations {
            reader = try TranslationReader(
                file, TranslationSource(columns: columns), delimited: options.delimited, prompt: prompt)
        } else {
            reader = try EmbeddingReader(file, options: options, prompt: prompt)
        }
        return {
            (try reader.next(DatasetLoader.chunkSize) as? PairChunk)?.texts.map { TextPair($0) } ?? []
        }
    }
}
