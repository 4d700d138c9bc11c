import Torch

/// A student's scores of the documents of several queries, and what they are compared with.
///
/// All losses on a query's documents are computed of these, whether a cross-encoder gave the scores or two vectors.
struct GroupScores {
    /// (D) in the graph.
    let student: Tensor
    /// (D) The teacher's scores, or the labels.
    let target: Tensor
    /// The documents of each query.
    let groups: [Range<Int>]

    /// The scores as matrices with a row for each query, filled up to the most documents.
    struct Matrices {
        /// (G, M) What is filled up has the score of the row's first document.
        let student: Tensor
        let target: Tensor
        /// (G, M) 1 for documents, 0 for what is filled up.
        let mask: Tensor

        /// (G, M, M) Of each two documents i and j of a query: 1 where both are there.
        var pairs: Tensor { get throws { try mask.unsqueezed(2) * mask.unsqueezed(1) } }

        /// Log-probabilities over the documents of each query of some scores (G, M).
        func logSoftmax(_ scores: Tensor) throws -> Tensor {
            try scores.maskedFill(mask.equal(0), GroupScores.low).logSoftmax()
        }
    }

    /// A score that no softmax gives any probability.
    static let low = -1e16

    /// True if there is nothing to compare.
    var isEmpty: Bool { groups.isEmpty }

    /// The matrices; there must be a group.
    func matrices() throws -> Matrices { try matrices(order: groups.map { Array($0) }) }

    /// The matrices with the documents of each query by falling scores of the student.
    func sortedMatrices() throws -> Matrices {
        let values: [Float] = try student.detached().to(.float32, .cpu).array()
        return try matrices(
            order: groups.map { group in group.sorted { (values[$1], $0) < (values[$0], $1) } })
    }

    private func matrices(order: [[Int]]) throws -> Matrices {
        let width = order.map(\.count).max() ?? 0
        let places = order.flatMap { row in row + [Int](repeating: row[0], count: width - row.count) }
        let mask = order.flatMap { row in
            [Float](repeating: 1, count: row.count) + [Float](repeating: 0, count: width - row.count)
        }
        let index = try Tensor(places, device: student.device)
        let shape = [order.count, width]
        return Matrices(
            student: try student.indexSelect(dimension: 0, index).reshaped(shape),
            target: try target.indexSelect(dimension: 0, index).reshaped(shape),
            mask: try Tensor(mask, shape: shape, device: student.device))
    }
}
