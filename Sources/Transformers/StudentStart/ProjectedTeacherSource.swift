import Torch

/// A narrower student's parameters from its teacher's by least squares on texts: the student computes the teacher's hidden
/// states, projected to fewer dimensions, as nearly as each of its layers can.
///
/// - The student's dimensions are the principal directions of the teacher's hidden states (`ProjectionBasis`); embedding
///   tables are projected to them.
/// - Layer by layer, each linear layer is the ridge regression from what the *student* computes before it to what the teacher
///   has there: queries, keys and values of the kept heads, the kept neurons, and what is missing to the projected sum after
///   attention and after the feed-forward network. So every layer corrects what earlier ones lost. Each dimension of a norm
///   is a regression by itself.
/// - The kept heads are those whose outputs explain most of what attention writes, chosen one after another, in all layers alike
///   where these share a position bias (MPNet); the kept neurons those whose outputs vary most. The head is fitted to the
///   teacher's logits.
///
/// Principal directions to narrow a transformer are from Ashkboos et al., "SliceGPT" (arXiv 2401.15024), for norms without
/// mean; regressions in the order of the layers, on the smaller model's own inputs, from He et al., "Channel Pruning" (arXiv
/// 1707.06168).
///
/// It is computed on one thread, so that its bits do not depend on the number of threads.
public struct ProjectedTeacherSource: ParameterSource {
    private let parameters: [String: Tensor]

    /// - Parameters:
    ///   - teacher: The model that the student is fitted to.
    ///   - layers: For each layer of the student, the teacher's layer that initializes it, counted from 0.
    ///   - student: The student's sizes; its heads are of the teacher's size.
    ///   - texts: Batches of texts; some ten thousand tokens are enough.
    /// - Throws: ``TransformersError`` where the student is wider than the teacher, its heads are of another size, the
    ///   family's layers are of another kind, or the teacher's weights are not finite.
    public init(
        teacher: TransformerModel, layers: [Int], student: ModelConfiguration, texts: [PackedInput]
    ) throws {
        try Self.check(student, teacher, layers)
        let model = try AutoModel.make(student, source: nil, seed: 0, device: teacher.device)
        try Runtime.withThreadCount(1) {
            try withNoGrad {
                try ProjectionFit(teacher: teacher, student: model, texts: texts).run(layers: layers)
            }
        }
        parameters = try model.parameters.snapshot()
        for (name, tensor) in parameters {
            guard try FiniteWeights.holds(tensor) else {
                throw TransformersError(
                    "'\(name)' of the student, fitted to its teacher, has numbers that are not finite: the teacher's "
                        + "weights are damaged; use another teacher, or --init random")
            }
        }
    }

    /// Checks that a student of these sizes can be fitted to its teacher.
    private static func check(
        _ student: ModelConfiguration, _ teacher: TransformerModel, _ layers: [Int]
    ) throws {
        try student.validate()
        let own = teacher.configuration
        let parts = try teacher.encoder.parts
        guard own.family.layout.layers.ownPrefix != nil, parts.finalNorm == nil, parts.embeddings.canProject,
            parts.layers.allSatisfy({ ($0 as? PostNormLayer)?.attention is DotProductAttention })
        else {
            throw TransformersError(
                "--init projected-teacher cannot fit \(own.family.title)'s layers; use --init narrowed-teacher or "
                    + "teacher-layers, or --init random")
        }
        _ = try TeacherLayerMap(teacher: teacher, layers: layers)
        for (name, size, largest) in [
            ("hidden size", student.hiddenSize, own.hiddenSize),
            ("intermediate size", student.intermediateSize, own.intermediateSize),
        ] where size > largest {
            throw TransformersError(
                "the student's \(name) is \(size), the teacher's \(largest); --init projected-teacher keeps a part of "
                    + "the teacher, choose at most its sizes, or use --init random")
        }
        guard student.headSize == own.headSize else {
            throw TransformersError(
                "the student's head size (hidden size / heads) is \(student.headSize), the teacher's \(own.headSize); "
                    + "--init projected-teacher keeps whole heads: choose a hidden size that is a multiple of "
                    + "\(own.headSize), with as many heads, or use --init narrowed-teacher")
        }
    }

    /// - Throws: ``TransformersError`` where the student has other sizes than it was fitted with.
    public func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        guard let fitted = parameters[name], fitted.shape == shape else {
            throw TransformersError(
                "'\(name)' \(shape) is no parameter of the student that was fitted to its teacher")
        }
        return try fitted.clone().to(.float32, device)
    }
}
