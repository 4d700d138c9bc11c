import Torch
import Transformers

/// Exact search: for each query the documents whose vectors are most like its own.
///
/// Products are computed in blocks, of as many queries and documents as take a few megabytes, so that documents' vectors may stay in
/// the file that holds them. They are computed in float64 and rounded to float32: equal vectors then have equal scores, wherever
/// they stand in a block.
struct RetrievalSearch {
    /// How two vectors are compared.
    let similarity: VectorSimilarity
    /// The most documents for a query.
    let depth: Int

    /// Documents, and queries, of a block.
    static let documentsPerBlock = 4096
    static let queriesPerBlock = 512

    init(similarity: VectorSimilarity, depth: Int = RetrievalMetrics.depth) {
        (self.similarity, self.depth) = (similarity, depth)
    }

    /// The best documents of each query, the best first.
    ///
    /// - Parameters:
    ///   - queries: The queries' vectors.
    ///   - documents: The documents' vectors.
    ///   - order: The place of each document among all, by their names, which decides between equal scores.
    ///   - shouldStop: Ends the search early.
    /// - Returns: `nil` where it was stopped.
    /// - Throws: ``DistillationError`` for vectors of two widths; `FileError` where they cannot be read.
    func search(
        _ queries: Logits, in documents: any TeacherOutputs, order: [Int32],
        shouldStop: () -> Bool = { false }
    ) throws -> [[RankedDocument]]? {
        guard queries.classes == documents.classes else {
            throw DistillationError(
                "the queries' vectors have \(queries.classes) components, the documents' \(documents.classes): they cannot be compared; "
                    + "give the student its teacher's width (--projection keep), or let one model embed both")
        }
        return try withNoGrad {
            let blocks = try stride(from: 0, to: queries.count, by: Self.queriesPerBlock).map { start in
                let rows = start..<min(start + Self.queriesPerBlock, queries.count)
                return (rows: rows, vectors: try prepared(queries.rows(rows), queries.classes))
            }
            var found = (0..<queries.count).map { _ in RankedDocuments(depth: depth, order: order) }
            for start in stride(from: 0, to: documents.count, by: Self.documentsPerBlock) {
                if shouldStop() { return nil }
                let end = min(start + Self.documentsPerBlock, documents.count)
                let block = try prepared(documents.rows(start..<end), documents.classes)
                for (rows, vectors) in blocks {
                    let scores: [Float] = try vectors.matmul(block.transposed()).to(.float32).array()
                    scores.withUnsafeBufferPointer { scores in
                        for (place, row) in rows.enumerated() {
                            let first = place * (end - start)
                            found[row].offer(
                                .init(rebasing: scores[first..<first + end - start]), from: start)
                        }
                    }
                }
            }
            return found.map(\.ranked)
        }
    }

    /// (rows, d) of float64, divided by their lengths where cosines are wanted.
    private func prepared(_ values: [Float], _ width: Int) throws -> Tensor {
        let vectors = try Tensor(values, shape: [values.count / max(1, width), width]).to(.float64)
        return similarity == .cosine ? try vectors.normalized() : vectors
    }
}

/// How two vectors are compared: `similarity_fn_name` of sentence-transformers.
enum VectorSimilarity: String {
    case cosine, dot
}
