import Torch

/// The vectors of a static student's tokens, made as model2vec makes them: the teacher's hidden states of each token alone, reduced by
/// PCA and weighted (Minish Lab, https://github.com/MinishLab/model2vec; weights: Arora et al., "A Simple but Tough-to-Beat Baseline
/// for Sentence Embeddings", ICLR 2017).
struct StaticTable {
    /// (V, H) float32 on the CPU: one row for each token.
    private(set) var rows: Tensor
    /// The part of the variance that is left; `nil` without PCA.
    private(set) var explainedVariance: Double?

    /// - Parameter rows: The teacher's vectors, as ``TokenVectors`` gives them.
    init(_ rows: Tensor) { self.rows = rows }

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
