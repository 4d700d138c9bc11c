import Datasets
import Tokenizers

extension RunData {
    /// The number of tokens of each training text before any is cut.
    func fullLengths(_ tokenizer: Tokenizer, _ request: DataRequest) throws -> [Int] {
        var options = request.columns.options
        options.readsLabels = false
        var lengths: [Int] = []
        for file in [request.train] + request.unlabelled {
            let stream = try TextStream(file, options: options)
            while true {
                let rows = try stream.rows(DatasetLoader.chunkSize)
                if rows.isEmpty { break }
                let encoding = try tokenizer.encodeFlat(
                    batch: rows.map { TextPair($0.text, pair: $0.pair) }, maxLength: nil)
                lengths += zip(encoding.offsets, encoding.offsets.dropFirst()).map { $1 - $0 }
            }
        }
        return lengths
    }
}
