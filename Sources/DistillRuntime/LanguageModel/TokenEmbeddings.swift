import Architectures
import GGUF

/// A decoder's embeddings of tokens, read where the file has them, and of positions where these have a table.
///
/// Shapes: T tokens of all texts, H hidden size.
final class TokenEmbeddings: Sendable {
    private let table: Table
    private let positions: StoredTensor?
    private let scale: Float?
    private let width: Int
    private let vocabulary: Int
    private let path: String

    /// The rows of tokens.
    private enum Table: Sendable {
        case stored(StoredTensor)
        case int8(StoredMatrix.Int8Values)
        case blocks(GGUFModelTensor)
    }

    init(_ store: WeightStore, _ configuration: ModelConfiguration, _ settings: DecoderSettings) throws {
        let names = configuration.family.layout.embeddings
        let (width, vocabulary) = (configuration.hiddenSize, configuration.vocabSize)
        (self.width, self.vocabulary) = (width, vocabulary)
        let name = names.word + ".weight"
        if case .int8(let values) = store.isInt8(name)
            ? try store.matrix(name, rows: vocabulary, columns: width) : nil
        {
            table = .int8(values)
        } else if let blocks = try store.blockTable(name, shape: [vocabulary, width]) {
            table = .blocks(blocks)
        } else {
            table = .stored(try store.tensor(name, shape: [vocabulary, width]))
        }
        positions = try names.position.map {
            try store.tensor($0 + ".weight", shape: [configuration.maxPositionEmbeddings, width])
        }
        scale = settings.embeddingScale.map { Float($0) }
        path = store.path
    }

    /// Computes (T, H) of tokens.
    ///
    /// - Parameters:
    ///   - ids: The tokens of all texts.
    ///   - offsets: The beginning of each text among them.
    ///   - firstPlaces: The place of each text's first token.
    /// - Throws: ``RuntimeError`` for a token that the model does not have, and an embedding that is not finite.
    func callAsFunction(_ ids: [Int32], offsets: [Int], firstPlaces: [Int]) throws -> AlignedBuffer<Float> {
        let output = try AlignedBuffer<Float>(count: ids.count * width)
        let position = try AlignedBuffer<Float>(count: positions == nil ? 0 : width)
        for (text, first) in firstPlaces.enumerated() {
            for token in offsets[text]..<offsets[text + 1] {
                let row = output.pointer + token * width
                try read(Int(ids[token]), to: row)
                if let scale { for index in 0..<width { row[index] *= scale } }
                guard let positions else { continue }
                let place = first + token - offsets[text]
                guard positions.widen(from: place * width, count: width, to: position.pointer) else {
                    throw notFinite("position \(place)")
                }
                for index in 0..<width { row[index] += position.pointer[index] }
            }
        }
        return output
    }

    private func read(_ id: Int, to row: UnsafeMutablePointer<Float>) throws {
        guard (0..<vocabulary).contains(id) else {
            throw RuntimeError(
                "\(path): there is no token \(id), the model has \(vocabulary) (vocab_size); use its own tokenizer"
            )
        }
        switch table {
        case .stored(let tensor):
            guard tensor.widen(from: id * width, count: width, to: row) else {
                throw notFinite("token \(id)")
            }
        case .blocks(let tensor):
            let values = UnsafeMutableBufferPointer(start: row, count: width)
            try tensor.fill(values, rows: id..<id + 1)
            guard UnsafeBufferPointer(values).areFinite else { throw notFinite("token \(id)") }
        case .int8(let int8):
            let scale = int8.scales.pointer[id]
            for index in 0..<width { row[index] = Float(int8.values[id * width + index]) * scale }
        }
    }

    private func notFinite(_ what: String) -> RuntimeError {
        RuntimeError(
            "\(path): the embedding of \(what) holds a number that is infinite or not a number (NaN): the weights are damaged; "
                + "take another checkpoint")
    }
}
