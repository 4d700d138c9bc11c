import Torch
import Transformers

/// Pairs of hidden states of the two models, projected to the same width by learned matrices where requested.
struct HiddenComparison {
    private let layers: LayerMap
    private let projection: LearnedProjection
    private var pairs: [LayerMap.Pair] = []
    /// By pair; empty where the widths are compared as they are.
    private var projections: [Linear] = []

    /// The options of an objective that compares hidden states.
    ///
    /// - Parameter layers: The layers that are compared where none are chosen.
    static func options(layers: String) -> [ObjectiveOption] {
        [LayerMap.option(default: layers, .hiddenStates), LearnedProjection.option]
    }

    init(_ options: ObjectiveOptions) throws {
        self.init(layers: try LayerMap(options), projection: try options.choice("projection"))
    }

    init(layers: LayerMap, projection: LearnedProjection) {
        self.layers = layers
        self.projection = projection
    }

    /// - Throws: ``DistillationError`` where the teacher's tokens or widths do not fit, or a layer is missing.
    mutating func prepare(_ models: ObjectiveModels, objective: String) throws -> ObjectiveNeeds {
        let teacher = try models.alignedTeacher(for: objective)
        pairs = try layers.pairs(
            studentLayers: models.student.numHiddenLayers, teacherLayers: teacher.numHiddenLayers,
            counting: .hiddenStates, objective: objective)
        let (inner, outer) = (models.student.hiddenSize, teacher.hiddenSize)
        projections = []
        if try projection.isNeeded(student: inner, teacher: outer, objective: objective) {
            let scope = models.learned.unused(objective)
            projections = try pairs.map { pair in
                try Linear(
                    scope["\(pair.student)_\(pair.teacher)"], inputs: inner, outputs: outer, bias: false,
                    initializer: .normal(standardDeviation: models.student.initializerRange))
            }
        }
        return ObjectiveNeeds(
            studentHiddenStates: Set(pairs.map(\.student)), teacherHiddenStates: Set(pairs.map(\.teacher)))
    }

    /// The mean over the pairs of a loss of (rows, teacher's H) on both sides.
    ///
    /// - Parameters:
    ///   - batch: What the two models put out.
    ///   - objective: The name, for messages.
    ///   - rows: Chooses rows of (T, H) before they are projected.
    ///   - loss: A scalar.
    func mean(
        _ batch: ObjectiveBatch, objective: String, rows: (Tensor) throws -> Tensor = { $0 },
        of loss: (_ student: Tensor, _ teacher: Tensor) throws -> Tensor
    ) throws -> Tensor {
        guard !pairs.isEmpty else {
            throw DistillationError("\(objective): call prepare(_:) before loss(_:)")
        }
        var losses: [Tensor] = []
        for (index, pair) in pairs.enumerated() {
            var student = try rows(batch.student.hiddenState(pair.student))
            if !projections.isEmpty { student = try projections[index](student) }
            let teacher = try rows(batch.teacherFeatures.hiddenState(pair.teacher).detached())
            losses.append(try loss(student, teacher))
        }
        return try Tensor.stacked(losses).mean()
    }
}
