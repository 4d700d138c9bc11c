import Transformers

extension StudentBuilder {
    /// The teacher's layers that the student's start from.
    ///
    /// - Parameter count: The number of the student's layers.
    /// - Throws: ``DistillationError`` where the teacher has too few, or there is nothing to measure them on.
    func teacherLayers(count: Int) throws -> [Int] {
        let teacher = try model.model
        let available = teacher.configuration.numHiddenLayers
        if let chosen = options.teacherLayers, !chosen.isMeasured {
            let layers = try chosen.layers(teacher: available, student: count)
            guard initialization != .pruned || Set(layers).sorted() == layers else {
                throw DistillationError(
                    "--teacher-layers: pruning keeps layers in their order, each once; name them so")
            }
            return layers
        }
        guard count <= available else {
            throw DistillationError(
                "the student's \(count) layers cannot start from the teacher's \(available); "
                    + "pass --layers \(available) or less, or --init random")
        }
        guard predictsTokens || options.teacherLayers != nil || initialization == .pruned else {
            return uniformLayers(teacher: available, student: count)
        }
        let usual = initialization == .pruned ? TeacherLayers.choice(.lossDrop) : .choice(.influence)
        guard (options.teacherLayers ?? usual) == .choice(.influence) else {
            return count == available
                ? Array(0..<available) : try measurements().layersByLoss(teacher, count)
        }
        return try LayerChoice.influence.layers(
            teacher: available, student: count, influence: measurements().influence(teacher))
    }

    /// What is measured of the teacher.
    ///
    /// - Throws: ``DistillationError`` where there are no texts.
    func measurements() throws -> TeacherProjection {
        guard let projection else {
            throw DistillationError(
                "what the teacher's layers and their parts are worth is measured on training texts; there are none, so name the "
                    + "layers, with another --init than pruned")
        }
        return projection
    }

    /// The sizes of a student that is pruned.
    ///
    /// - Throws: ``DistillationError`` where nothing is to be cut; `TransformersError` for sizes that do not fit.
    func prunedConfiguration(_ teacher: ModelConfiguration) throws -> ModelConfiguration {
        var sizes = PrunedSizes(
            layers: options.layers, hiddenSize: options.hiddenSize,
            intermediateSize: options.intermediateSize,
            attentionHeads: options.attentionHeads, keyValueHeads: options.keyValueHeads)
        if sizes == PrunedSizes() {
            guard predictsTokens else {
                throw DistillationError(
                    "--init pruned cuts the teacher to smaller sizes; give --layers, --intermediate-size or --hidden-size"
                )
            }
            sizes.layers = max(1, teacher.numHiddenLayers * 2 / 3)
        }
        let shape = try sizes.shape(of: teacher)
        var configuration = try teacher.pruned(to: shape, layers: Array(0..<teacher.numHiddenLayers))
        configuration.numHiddenLayers = shape.layers
        return configuration
    }

    /// A language model's student is as wide as its teacher, unless it is pruned.
    ///
    /// - Throws: ``DistillationError`` where another width is asked for.
    func requireWidth(_ own: ModelConfiguration) throws {
        for (name, wanted, given) in [
            ("--hidden-size", options.hiddenSize, own.hiddenSize),
            ("--intermediate-size", options.intermediateSize, own.intermediateSize),
            ("--attention-heads", options.attentionHeads, own.numAttentionHeads),
        ] where wanted != nil && wanted != given {
            throw DistillationError(
                "\(name) \(wanted ?? 0): a language model's student has its teacher's width (\(given)); add --init pruned to cut the "
                    + "teacher to a smaller one, choose --layers alone, or give a smaller model of the same tokenizer with --student"
            )
        }
        guard initialization == .teacherLayers || initialization == .random else {
            throw DistillationError(
                "--init \(initialization.rawValue) makes narrower encoders; a language model starts from teacher-layers or pruned"
            )
        }
    }
}
