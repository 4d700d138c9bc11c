import Torch

/// A narrower student's parameters from its teacher's: embeddings, pooler, head and a choice of layers, of which the most
/// important hidden dimensions, heads and intermediate neurons are kept (structured selection, as in Xia et al.,
/// "Sheared LLaMA", arXiv 2310.06694, but chosen from the weights alone).
///
/// Importance comes from the weights alone:
///
/// - A hidden dimension's is the sum, over the norms of the embeddings and of the chosen layers, of its
///   fraction of the norm's squared weights (its gains): everything written to the residual stream passes
///   through these gains.
/// - A head's is ‖W_qᵀ W_k‖ · ‖W_o W_v‖, the norms of what it compares and of what it moves. Where the
///   student's heads are smaller, each keeps its largest ‖q_i‖ · ‖k_i‖ for scores and ‖v_i‖ · ‖o_i‖ for
///   values.
/// - A neuron's is ‖w_in ∘ g‖ · ‖w_out‖, with g the gains of the norm before it; one of the pooler's is its norm times that
///   of the classifier's weights.
///
/// The kept entries are copied. But where fewer dimensions of the residual stream or of the pooler are read,
/// each row of the reading matrix (query, key, value, intermediate, pooler, classifier) is scaled to the norm
/// that it had: its sums have fewer summands, and would be too small. Matrices that write to the residual
/// stream need no factor, because it is normalized after every sum; nor do scores of smaller heads: attention
/// divides by the root of the smaller size, which makes up for the summands that they lost.
///
/// Chosen by measurement on all-MiniLM-L6-v2: the correlation between the teacher's and the student's
/// similarities of texts by their first token is 0.49 at half of every width with all layers, and about 0
/// with random weights. Compensation by least squares, principal components of the embeddings, factors for
/// matrices that write or for the size of heads, and dimensions by variance or by the mass of their matrices
/// did worse; gains weighted by the matrices that read them did about as well. Whole heads keep much more
/// than parts of all heads: 0.17 where the heads' size is halved in place of their number.
///
/// Where a size is the teacher's own, nothing is selected or scaled along it; with all of the teacher's sizes the
/// parameters are those of ``TeacherLayerSource``.
public struct NarrowedTeacherSource: ParameterSource {
    private let map: TeacherLayerMap
    private let selection: NarrowedSelection
    private let layout: ParameterLayout
    private let layer: PostNormLayerNames
    private let head: HeadNames

    /// - Parameters:
    ///   - teacher: The model that the parameters are taken from.
    ///   - layers: For each layer of the student, the teacher's layer that initializes it, counted from 0.
    ///   - student: The student's sizes; a head of it must not be larger than the teacher's either.
    /// - Throws: ``TransformersError`` where the teacher has no such layer, the student is wider than the teacher, or a
    ///   weight is not finite.
    public init(teacher: TransformerModel, layers: [Int], student: ModelConfiguration) throws {
        try student.validate()
        try Self.requireNarrower(student, than: teacher.configuration)
        let family = teacher.configuration.family
        guard family.layout.hasAxes else {
            throw TransformersError(
                "--init narrowed-teacher does not know \(family.title)'s parts; use --init teacher-layers with the "
                    + "teacher's sizes, or --init random")
        }
        layout = family.layout
        layer = try family.postNormLayer()
        head = layout.head(teacher.configuration.headKind)
        map = try TeacherLayerMap(teacher: teacher, layers: layers)
        selection = try withNoGrad { [map, layer] in
            try NarrowedSelection(map, layer, teacher: teacher.configuration, student: student)
        }
    }

    private static func requireNarrower(_ student: ModelConfiguration, than teacher: ModelConfiguration)
        throws
    {
        let sizes = [
            ("hidden size", student.hiddenSize, teacher.hiddenSize),
            ("intermediate size", student.intermediateSize, teacher.intermediateSize),
            ("number of attention heads", student.numAttentionHeads, teacher.numAttentionHeads),
            ("head size (hidden size / heads)", student.headSize, teacher.headSize),
        ]
        for (name, own, largest) in sizes where own > largest {
            throw TransformersError(
                "the student's \(name) is \(own), the teacher's \(largest); --init narrowed-teacher keeps a part "
                    + "of the teacher, choose at most its sizes, or use --init random")
        }
    }

    /// - Throws: ``TransformersError`` where the teacher's parameter has another shape after the selection.
    public func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        let origin = try map.origin(of: name)
        let narrowed = try withNoGrad { try self.narrowed(origin) }
        guard narrowed.shape == shape else {
            throw TransformersError(
                "'\(name)' has the shape \(shape) in the student, '\(origin.name)' \(origin.tensor.shape) in "
                    + "the teacher, of which \(narrowed.shape) would be kept; vocabulary, positions, token types "
                    + "and labels must be the teacher's, or use --init random")
        }
        return try narrowed.clone().to(.float32, device)
    }

    private func narrowed(_ origin: TeacherLayerMap.Origin) throws -> Tensor {
        let axes = try ParameterAxis.axes(of: origin, layout, layer, head)
        var tensor = try origin.tensor.detached()
        for (dimension, axis) in axes.enumerated() {
            guard let kept = selection.kept(axis) else { continue }
            tensor = try tensor.indexSelect(dimension: dimension, Tensor(kept, device: tensor.device))
            // Rows came first, so that only kept ones are compared.
            if dimension == 1, ParameterAxis.isScaled(axes) {
                let whole = try origin.tensor.detached()
                tensor = try tensor * ratio(of: whole, rows: selection.kept(axes[0]), to: tensor)
            }
        }
        return tensor
    }

    /// (rows, 1): each row's norm in the whole matrix, divided by that of what is kept of it.
    private func ratio(of whole: Tensor, rows: [Int]?, to kept: Tensor) throws -> Tensor {
        var norms = try whole.norm(1, keepDimensions: true)
        if let rows { norms = try norms.indexSelect(dimension: 0, Tensor(rows, device: norms.device)) }
        let own = try kept.norm(1, keepDimensions: true)
        // A row of zeros stays one.
        return try Tensor.where(own.greater(0), norms / own, norms.zerosLike())
    }
}
