import Foundation
import Torch

/// The principal components of a teacher's vectors of the training texts, by which they become shorter: what a bias-free dense layer
/// behind the teacher would compute (Reimers and Gurevych's `model_distillation.py` of sentence-transformers).
///
/// The components are those of the centred vectors; the mean is not subtracted from what is projected, since cosines would change.
struct PrincipalComponents: Sendable {
    /// (N, D) the components, by falling variance, each of length 1 and with its largest number above 0.
    let weight: [Float]
    /// N
    let count: Int
    /// D
    let width: Int
    /// True to divide what is projected by its length.
    let normalizes: Bool
    /// The fraction of the vectors' variance that the components have.
    let explained: Double

    /// The most vectors that the components are fitted to: an even choice of more.
    static let mostRows = 40_000

    /// Fits the components, on one thread, so that their bits do not depend on the number of threads.
    ///
    /// - Parameters:
    ///   - outputs: The teacher's vectors.
    ///   - count: N.
    ///   - normalizes: True if the teacher's vectors have the length 1, and are to have it again.
    /// - Throws: ``DistillationError`` where there are fewer vectors than components; `FileError`, `TorchError`.
    init(fitting outputs: any TeacherOutputs, count: Int, normalizes: Bool) throws {
        let (rows, width) = (min(outputs.count, Self.mostRows), outputs.classes)
        guard rows > count else {
            throw DistillationError(
                "--pca: \(count) principal components of \(outputs.count) training texts' vectors are not determined; give more texts, "
                    + "or a smaller --embedding-size")
        }
        let directions = try Runtime.withThreadCount(1) {
            try withNoGrad {
                let chosen = (0..<rows).map { $0 * outputs.count / rows }
                return try PrincipalDirections(
                    of: Tensor(outputs.rows(chosen), shape: [rows, width]), count: count)
            }
        }
        let columns: [Double] = try directions.columns.array()
        var weight: [Float] = []
        weight.reserveCapacity(count * width)
        for component in 0..<count {
            let column = (0..<width).map { columns[$0 * count + component] }
            let largest = column.max { abs($0) < abs($1) } ?? 0
            weight += column.map { Float(largest < 0 ? -$0 : $0) }
        }
        self.weight = weight
        (self.count, self.width, self.normalizes) = (count, width, normalizes)
        explained = directions.explainedVariance
    }

    /// Appends a vector's N components.
    func append(_ vector: ArraySlice<Float>, to values: inout [Float]) {
        let start = values.count
        var squares = 0.0
        vector.withUnsafeBufferPointer { vector in
            for component in 0..<count {
                var sum = 0.0
                let first = component * width
                for index in 0..<width { sum += Double(vector[index]) * Double(weight[first + index]) }
                squares += sum * sum
                values.append(Float(sum))
            }
        }
        guard normalizes, squares > 0 else { return }
        let scale = Float(1 / squares.squareRoot())
        for index in start..<values.count { values[index] *= scale }
    }

    /// The most bytes of projected vectors that are kept in memory: others are projected each time that they are read.
    private static let mostBytes = 1 << 30
    /// The vectors that are projected at once.
    private static let rowsAtOnce = 4096

    /// All of a teacher's vectors, projected: once, as far as there is room, since every epoch reads them.
    ///
    /// - Throws: `FileError` where they cannot be read; `TorchError`.
    func projecting(_ base: any TeacherOutputs) throws -> any TeacherOutputs {
        guard base.count * count * MemoryLayout<Float>.size <= Self.mostBytes else {
            return ProjectedOutputs(base: base, components: self)
        }
        // On one thread, so that their bits do not depend on the number of threads.
        var values: [Float] = []
        values.reserveCapacity(base.count * count)
        try Runtime.withThreadCount(1) {
            try withNoGrad {
                let columns = try Tensor(weight, shape: [count, width]).to(.float64).transposed().contiguous()
                for start in stride(from: 0, to: base.count, by: Self.rowsAtOnce) {
                    let rows = start..<min(start + Self.rowsAtOnce, base.count)
                    let vectors = try Tensor(base.rows(rows), shape: [rows.count, width]).to(.float64).matmul(
                        columns)
                    values += try (normalizes ? vectors.normalized() : vectors).to(.float32).array(
                        of: Float.self)
                }
            }
        }
        return Logits(values: values, classes: count)
    }

    /// (R, D) → (R, N) on any device.
    func callAsFunction(_ vectors: Tensor) throws -> Tensor {
        let matrix = try Tensor(weight, shape: [count, width], device: vectors.device)
        let projected = try vectors.matmul(matrix.transposed())
        return normalizes ? try projected.normalized() : projected
    }
}

/// A teacher's vectors, projected to their principal components.
struct ProjectedOutputs: TeacherOutputs {
    let base: any TeacherOutputs
    let components: PrincipalComponents

    var count: Int { base.count }
    var classes: Int { components.count }

    func appendRow(_ index: Int, to values: inout [Float]) throws {
        components.append(try base.rows([index])[...], to: &values)
    }
}
