import Torch
import Transformers

/// The turn of a static student's table towards its teacher's vectors, before the first step: the matrix M by which the texts' vectors,
/// each divided by its length, come nearest to the teacher's by least squares. As a mean is linear, the table of rows · M gives texts
/// these vectors.
///
/// The principal components of tokens are not those of texts; without it training would first have to turn every row.
final class StaticFit {
    private let outputs: any TeacherOutputs
    private let data: EncodedDataset
    /// Solved once for all seeds.
    private var matrix: Tensor?

    /// The most texts that the matrix is fitted on: an even choice of more.
    static let mostTexts = 40_000
    /// The texts of a batch.
    private static let batchSize = 512
    /// The penalty on squared coefficients, as a fraction of the vectors' mean square.
    private static let ridge = 1e-3

    /// - Parameters:
    ///   - outputs: The teacher's vectors of the training texts.
    ///   - data: The training texts as the student reads them.
    init(_ outputs: any TeacherOutputs, _ data: EncodedDataset) {
        (self.outputs, self.data) = (outputs, data)
    }

    /// Turns a student's table, where its vectors are the table's and as wide as the teacher's.
    ///
    /// - Throws: `FileError` where texts or vectors cannot be read; `TorchError`.
    func turn(_ model: TransformerModel) throws {
        let configuration = model.configuration
        guard configuration.isTable, let modules = configuration.embedding,
            configuration.hiddenSize == outputs.classes, modules.stages.allSatisfy({ $0 == .normalize }),
            data.count > configuration.hiddenSize, let table = model.parameters["embeddings.weight"]
        else { return }
        // On one thread, so that its bits do not depend on their number.
        try Runtime.withThreadCount(1) {
            try withNoGrad {
                let matrix = try matrix ?? solved(model)
                self.matrix = matrix
                try table.copy(from: table.matmul(matrix.to(.float32, model.device)))
            }
        }
    }

    /// (H, H) float64.
    private func solved(_ model: TransformerModel) throws -> Tensor {
        let width = model.configuration.hiddenSize
        let count = min(data.count, Self.mostTexts)
        let chosen = (0..<count).map { $0 * data.count / count }
        var products = try Tensor.zeros([width, width], dtype: .float64)
        var targets = try Tensor.zeros([width, width], dtype: .float64)
        for start in stride(from: 0, to: count, by: Self.batchSize) {
            let indices = Array(chosen[start..<min(start + Self.batchSize, count)])
            let vectors = try model(
                Batch(data, indices: indices).input, ForwardOptions(stopsBeforeHead: true)
            ).rows.to(.float64, .cpu).normalized()
            let transposed = try vectors.transposed()
            let own = try Tensor(outputs.rows(indices), shape: [indices.count, width]).to(.float64)
            products = try products + transposed.matmul(vectors)
            targets = try targets + transposed.matmul(own)
        }
        let values: [Double] = try products.array()
        var penalty = [Double](repeating: 0, count: width * width)
        let mean = (0..<width).reduce(0) { $0 + values[$1 * width + $1] } / Double(width)
        for place in 0..<width { penalty[place * width + place] = Self.ridge * mean + 1e-12 }
        return try (products + Tensor(penalty, shape: [width, width])).solved(targets)
    }
}
