import Torch

/// The similarities of a batch's texts to one another, in the student's vectors as in the teacher's (Zhang et al., "Jasper and
/// Stella", arXiv 2412.19048, section 3).
///
/// - `similarity_mse`: the squared difference of the matrices of cosines, mean over their B² elements.
/// - `similarity_rank`: for each two pairs of texts of which the teacher has one more alike, by how much the student has not, at
///   least `margin`; mean over all pairs of pairs.
final class SimilarityObjective: StandardObjective {
    /// What is compared of the cosines.
    enum Kind {
        case mse, rank
    }

    static let options = VectorPair.options
    static let rankOptions =
        options + [ObjectiveOption("margin", default: "0.015", "by how much the order must be kept")]
    /// The texts whose pairs of pairs are compared: some 16 million of 107 texts' 5,671 pairs.
    static let mostRanked = 107

    let name: String
    let unit = LossUnit.comparisons
    private let kind: Kind
    private let margin: Double
    private var pair: VectorPair

    convenience init(_ specification: ObjectiveSpecification) throws { try self.init(specification, .mse) }

    init(_ specification: ObjectiveSpecification, _ kind: Kind) throws {
        let options = try ObjectiveOptions(
            specification, known: kind == .rank ? Self.rankOptions : Self.options)
        pair = try VectorPair(options)
        margin = kind == .rank ? try options.number("margin", "of at least 0") { $0 >= 0 } : 0
        name = specification.name
        self.kind = kind
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireBatch(of: kind == .rank ? 3 : 2, for: name)
        if kind == .rank, models.batchSize > Self.mostRanked {
            throw DistillationError(
                "\(name) compares each two pairs of a batch's texts, which are too many of \(models.batchSize) texts; use a "
                    + "--per-device-train-batch-size of at most \(Self.mostRanked), or similarity_mse")
        }
        return try pair.prepare(models, objective: name)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try pair.sum(batch, isComparison: true) { student, teacher in
            let (own, theirs) = (try Self.cosines(student), try Self.cosines(teacher))
            return try kind == .mse ? own.meanSquaredError(theirs) : ranks(own, theirs)
        }
    }

    private static func cosines(_ vectors: Tensor) throws -> Tensor {
        let directions = try vectors.normalized()
        return try directions.matmul(directions.transposed())
    }

    private func ranks(_ own: Tensor, _ theirs: Tensor) throws -> Tensor {
        let count = try own.size(0)
        let places = (0..<count).flatMap { row in (row + 1..<count).map { row * count + $0 } }
        // Of fewer than two pairs there is no order.
        guard places.count > 1 else { return try own.zeroInGraph() }
        let chosen = try Tensor(places, device: own.device)
        func differences(_ cosines: Tensor) throws -> Tensor {
            let pairs = try cosines.reshaped([count * count]).indexSelect(dimension: 0, chosen)
            return try pairs.unsqueezed(0) - pairs.unsqueezed(1)
        }
        // 1 where the teacher has the second pair more alike, else −1.
        let signs = try differences(theirs).greaterOrEqual(0).to(.float32) * -2 + 1
        let numbers = try Tensor.arange(places.count, device: own.device).to(.float32)
        let isAbove = try (numbers.unsqueezed(0) - numbers.unsqueezed(1)).clampedBelow(0).clampedAbove(1)
        let losses = try (differences(own) * signs + margin).clampedBelow(0) * isAbove
        return try losses.sum() / Double(places.count * (places.count - 1) / 2)
    }
}
