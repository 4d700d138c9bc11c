import Tokenizers
import Torch
import Transformers

/// The vectors of a static student's tokens, made as model2vec makes them: the teacher's hidden states of each token alone, reduced by
/// PCA and weighted (Minish Lab, https://github.com/MinishLab/model2vec; weights: Arora et al., "A Simple but Tough-to-Beat Baseline
/// for Sentence Embeddings", ICLR 2017).
struct StaticTable {
    /// (V, H) float32 on the CPU: one row for each token.
    private(set) var rows: Tensor
    /// The part of the variance that is left; `nil` without PCA.
    private(set) var explainedVariance: Double?

    /// Reads each token alone with its special tokens: the row is the mean of the last hidden states of them all.
    ///
    /// - Parameters:
    ///   - onProgress: Receives the number of tokens that are done.
    /// - Throws: ``DistillationError`` for hidden states that are not finite; `TorchError`; the errors of a forward pass.
    init(
        _ vocabulary: StaticVocabulary, teacher: TransformerModel, precision: Precision,
        onProgress: (Int) throws -> Void
    ) throws {
        var parts: [Tensor] = []
        for start in stride(from: 0, to: vocabulary.count, by: Self.batchSize) {
            let batch = start..<min(start + Self.batchSize, vocabulary.count)
            let input = PackedInput(
                inputIDs: batch.flatMap(vocabulary.input),
                offsets: (0...batch.count).map { $0 * vocabulary.inputLength })
            let states = try withNoGrad {
                try teacher(input, ForwardOptions(precision: precision, stopsBeforeHead: true)).rows
            }
            let shape = [batch.count, vocabulary.inputLength, try states.size(1)]
            parts.append(try states.reshaped(shape).mean(1).to(.float32, .cpu))
            try onProgress(batch.upperBound)
        }
        rows = try Tensor.concatenated(parts)
        guard try rows.isFinite().to(.float32).min().item() == 1 else {
            throw DistillationError(
                "the teacher's hidden states of a token are no numbers: its weights are damaged, or its training diverged; use "
                    + "another checkpoint")
        }
    }

    /// The tokens that are read at once.
    private static let batchSize = 256

    /// Reduces and weights the rows.
    ///
    /// - Parameters:
    ///   - size: The components that stay; `nil` for all.
    ///   - sif: a of the weights; `nil` for none.
    ///   - unknownRow: The row of unknown words, which model2vec leaves out, where others read their token's vector; `nil` for none.
    mutating func finish(size: Int?, sif: Double?, unknownRow: Int?) throws {
        if let size { try reduce(to: size) }
        if let sif { try weight(sif) }
        if let unknownRow { try clear(unknownRow) }
    }

    /// Keeps so many components.
    mutating func reduce(to count: Int) throws {
        let components = try RowComponents(of: rows, count: count)
        (rows, explainedVariance) = (components.scores, components.explainedVariance)
    }

    /// Weights each token by a / (a + p). Its probability p is taken from its rank in the vocabulary, most of which are in order of
    /// frequency: Zipf's 1 / rank, the first rank being 2.
    mutating func weight(_ a: Double) throws {
        let count = try rows.size(0)
        let inverses = (0..<count).map { 1 / Double($0 + 2) }
        let sum = inverses.reduce(0, +)
        let weights = inverses.map { Float(a / (a + $0 / sum)) }
        rows = try rows * Tensor(weights, shape: [count, 1])
    }

    /// Makes a token's vector zero, so that it does not turn the mean.
    mutating func clear(_ row: Int) throws {
        var kept = [Float](repeating: 1, count: try rows.size(0))
        kept[row] = 0
        rows = try rows * Tensor(kept, shape: [kept.count, 1])
    }
}
