import Torch

/// The distance between a student's vector of a text and its teacher's, mean over the texts.
///
/// - `sentence_cosine`: 1 − cosine (`EmbedDistillLoss` of sentence-transformers).
/// - `sentence_mse`: the mean over the components of the squared difference (Reimers and Gurevych, arXiv 2004.09813, equation 1).
/// - `sentence_l2`: the length of the difference.
final class VectorObjective: StandardObjective {
    /// The distance of two vectors.
    enum Kind {
        case cosine, mse, l2
    }

    static let options = VectorPair.options

    let name: String
    let unit = LossUnit.rows
    private let kind: Kind
    private var pair: VectorPair

    convenience init(_ specification: ObjectiveSpecification) throws { try self.init(specification, .cosine) }

    init(_ specification: ObjectiveSpecification, _ kind: Kind) throws {
        pair = try VectorPair(ObjectiveOptions(specification, known: Self.options))
        name = specification.name
        self.kind = kind
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try pair.prepare(models, objective: name)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try pair.sum(batch) { student, teacher in
            switch kind {
            case .cosine: try 1 - (student.normalized() * teacher.normalized()).sum(-1).mean()
            case .mse: try student.meanSquaredError(teacher)
            case .l2: try (student - teacher).norm(-1).mean()
            }
        }
    }
}
