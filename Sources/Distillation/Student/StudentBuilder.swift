import Exporters
import Foundation
import Tokenizers
import Torch
import Transformers

/// Builds the student that the options describe, after checking that the teacher can teach it.
struct StudentBuilder {
    let options: StudentOptions
    /// `nil` where the teacher is known by its scores alone; the student is then a checkpoint.
    let teacher: LoadedModel?
    /// The labels that the student is to have.
    let labelNames: [String]
    let task: TaskIdentifier
    let seed: UInt64
    let device: Device
    /// True if the student is trained with the rounding of int8.
    var quantizeAware = false
    /// The type of GGUF file with whose rounding a language model is trained; `nil` for none.
    var quantizeAwareType: GGUFOutputType?
    /// The tokens of a text that an embedding student reads; `nil` for its teacher's.
    var maxLength: Int?
    /// The fits of students to their teacher; `nil` where there are no texts.
    var projection: TeacherProjection?
    /// The low-rank adapters that are trained; `nil` to train the student whole.
    var lora: LoRAOptions?
    /// The components of the vectors of several teachers together; `nil` of one teacher.
    var joinedWidth: Int?
    /// The tokens that a language model's student has of its teacher's; `nil` for all.
    var vocabulary: TrimmedVocabulary?

    /// The number of layers by default.
    static let defaultLayers = 6
    static let defaultHiddenSize = 384

    /// A student with notes for the user.
    struct Student {
        let model: TransformerModel
        var notes: [String]
    }

    /// True if building the first student takes seconds, as it is fitted to its teacher.
    var fits: Bool {
        options.directory == nil
            && ([.projected, .pruned].contains(initialization)
                || (predictsTokens && options.teacherLayers == nil)
                || options.teacherLayers?.isMeasured == true)
    }

    var predictsTokens: Bool { task.predictsTokens }

    var initialization: StudentOptions.Initialization {
        options.initialization(for: task)
    }

    func build() throws -> Student {
        try requireFittingRounding()
        guard !quantizeAware || lora?.hook == nil else {
            throw DistillationError(
                "--lora-dropout computes adapters apart from their weights, which --quantize-aware rounds together; leave one out"
            )
        }
        let (instrument, dropout) = (quantizeAware ? FakeQuantization() : nil, lora?.hook)
        var student = try build(instrument ?? dropout)
        guard !student.model.parameters.isQuantized else {
            throw DistillationError(
                "\(options.directory?.path ?? "the student"): is quantized, and int8 weights cannot be trained; start from the "
                    + "model in floating point, with --quantize-aware if it is to be int8")
        }
        instrument?.ignored = QuantizationMethod().smallLayers(of: student.model)
        if let lora { try student.model.adapt(lora, seed: seed, dropout: dropout) }
        try round(student.model)
        if options.dropout == nil, task.embedsTexts, !student.model.configuration.isTable {
            student.notes.append("The student is trained without dropout; --dropout gives it one.")
        }
        student.notes += [student.model.adapterNote, student.model.roundingNote].compactMap(\.self)
        return student
    }

    private func build(_ instrument: (any LayerHook)?) throws -> Student {
        if let directory = options.directory { return try load(directory, instrument) }
        let teacher = try model
        guard !teacher.model.configuration.isTable else {
            throw DistillationError(
                "\(teacher.directory.path): is a static table, which has no layers for a student to start from; name the student with "
                    + "--student")
        }
        var configuration = try self.configuration()
        var source: (any ParameterSource)?
        var notes: [String] = []
        if initialization != .random {
            let layers = try teacherLayers(count: configuration.numHiddenLayers)
            if predictsTokens {
                configuration = try teacher.model.configuration.pruned(
                    to: configuration.shape, layers: layers)
            }
            source = try self.source(layers, configuration)
            if task.embedsTexts {
                source = source.map {
                    EmbeddingStudentSource($0, teacher: teacher.model, student: configuration)
                }
            }
            let how =
                switch initialization {
                case .random, .teacherLayers: ""
                case .narrowed: ", narrowed to its sizes"
                case .pruned:
                    ", pruned to \(configuration.shape) by \(projection?.tokens ?? 0) tokens of training texts"
                case .projected: ", fitted to them on \(projection?.tokens ?? 0) tokens of training texts"
                }
            notes.append(
                "The student starts from the teacher's layers "
                    + "\(layers.map(String.init).joined(separator: ", "))\(how).")
        }
        try trim(&configuration, &source)
        change(&configuration)
        let model = try AutoModel.make(
            configuration, source: source, seed: seed, device: device, instrument: instrument)
        return Student(model: model, notes: notes)
    }

    /// The teacher whose sizes or layers the student has.
    ///
    /// - Throws: ``DistillationError`` where there are only its scores.
    var model: LoadedModel {
        get throws {
            guard let teacher else {
                throw DistillationError(
                    "the student is missing: scores have no model whose sizes or layers it could take; name a pretrained encoder "
                        + "with --student")
            }
            return teacher
        }
    }

    /// Returns the teacher's configuration with the requested sizes.
    func configuration() throws -> ModelConfiguration {
        let teacher = try model
        if initialization == .pruned { return try prepared(prunedConfiguration(teacher.model.configuration)) }
        var configuration = teacher.model.configuration
        if predictsTokens {
            let own = configuration.numHiddenLayers
            configuration.numHiddenLayers = options.layers ?? max(1, own * 2 / 3)
            try requireWidth(configuration)
            return configuration
        }
        let (own, embeds) = (configuration, task.embedsTexts)
        configuration.numHiddenLayers =
            options.layers ?? (embeds ? max(1, own.numHiddenLayers / 2) : Self.defaultLayers)
        configuration.hiddenSize = options.hiddenSize ?? (embeds ? own.hiddenSize : Self.defaultHiddenSize)
        configuration.intermediateSize = options.intermediateSize ?? configuration.intermediateSize
        configuration.numAttentionHeads = options.attentionHeads ?? defaultHeads(configuration.hiddenSize)
        guard configuration.numAttentionHeads > 0,
            configuration.hiddenSize.isMultiple(of: configuration.numAttentionHeads)
        else {
            throw DistillationError(
                "the student's hidden size \(configuration.hiddenSize) is not divisible by its "
                    + "\(configuration.numAttentionHeads) attention heads; pass --attention-heads with a divisor, "
                    + "or another --hidden-size\(wholeHeads)")
        }
        return try prepared(configuration)
    }

    /// Gives a configuration of some sizes what belongs to the task.
    private func prepared(_ sized: ModelConfiguration) throws -> ModelConfiguration {
        var configuration = sized
        if task.ranksDocuments {
            configuration.task = task
            configuration.scoreActivation = options.scoreActivation ?? .identity
        }
        if task.embedsTexts { configuration.embedding = try modules(nil, width: configuration.hiddenSize) }
        try configuration.validate()
        return configuration
    }

    /// The sizes that keep whole heads, where the start does so.
    private var wholeHeads: String {
        guard initialization.narrows, let teacher else { return "" }
        return ": a multiple of \(teacher.model.configuration.headSize) keeps whole heads"
    }

    /// The number of heads by default: a narrowed student keeps whole heads where it can, as they do more than the same
    /// number of parts of heads.
    private func defaultHeads(_ hiddenSize: Int) -> Int {
        guard let own = teacher?.model.configuration else { return 0 }
        let headSize = own.headSize
        guard initialization.narrows, hiddenSize > 0, hiddenSize <= own.hiddenSize,
            hiddenSize.isMultiple(of: headSize)
        else { return own.numAttentionHeads }
        return hiddenSize / headSize
    }

    private func source(_ layers: [Int], _ configuration: ModelConfiguration) throws -> any ParameterSource {
        let teacher = try model
        guard !teacher.model.parameters.isQuantized else {
            throw DistillationError(
                "\(teacher.directory.path): is quantized, so a student cannot start from its layers; pass --init random, or the "
                    + "teacher in floating point")
        }
        switch initialization {
        case .random, .teacherLayers: return try TeacherLayerSource(teacher: teacher.model, layers: layers)
        case .narrowed:
            return try NarrowedTeacherSource(teacher: teacher.model, layers: layers, student: configuration)
        case .pruned:
            return try measurements().pruned(teacher.model, to: configuration.shape, layers: layers)
        case .projected:
            guard let projection else {
                throw DistillationError(
                    "--init projected-teacher fits the student to its teacher on training texts; there are none"
                )
            }
            return try projection.source(teacher.model, layers: layers, student: configuration)
        }
    }

    /// Gives a student's configuration what its options ask for beside its sizes.
    func change(_ configuration: inout ModelConfiguration) {
        prepareTable(&configuration)
        // A value that no model can have is a finding of its own.
        guard let dropout = options.dropout(for: task), (0..<1).contains(dropout), !configuration.isTable
        else { return }
        configuration.setDropout(dropout)
    }

    /// Gives a static student what its options ask for.
    private func prepareTable(_ configuration: inout ModelConfiguration) {
        guard configuration.isTable, let table = options.table else { return }
        configuration.hasTokenWeights = table.tokenWeights
        guard configuration.embedding == nil else { return }
        configuration.classifierHiddenSize = table.classifierHiddenSize ?? configuration.classifierHiddenSize
    }

    private func load(_ directory: URL, _ instrument: (any LayerHook)?) throws -> Student {
        let names = labelNames
        if task.embedsTexts { return try loadEmbedding(directory, instrument) }
        let own = try TokenizerFiles.configuration(of: directory)
        guard own.task.predictsTokens == predictsTokens else {
            throw DistillationError(
                "\(directory.path): is \(own.task.predictsTokens ? "a" : "no") language model, unlike the teacher; give a student of "
                    + "the teacher's kind")
        }
        let (model, report) = try AutoModel.load(
            from: directory, labelNames: predictsTokens || hasOwnLabels(own) ? nil : names,
            task: task, scoreActivation: options.scoreActivation,
            mismatchRemedy:
                "give a student without a head or with one for these classes, which `distill finetune "
                + "--ignore-mismatched-sizes` makes of it",
            seed: seed, device: device, instrument: instrument, change: change)
        let labels = model.configuration.labelNames
        guard labels == names || predictsTokens || task.ranksDocuments else {
            throw DistillationError(
                "\(directory.path): the student's labels (\(labels.joined(separator: ", "))) differ from the "
                    + "teacher's (\(names.joined(separator: ", "))) in names or order; make id2label of its "
                    + "config.json the teacher's")
        }
        return Student(
            model: model, notes: report.newlyInitialized.isEmpty ? [] : [report.description])
    }

    /// Returns true if a checkpoint has label names of its own rather than the numbers of a fresh configuration.
    private func hasOwnLabels(_ configuration: ModelConfiguration) -> Bool {
        configuration.labelNames != configuration.labelNames.indices.map { "LABEL_\($0)" }
    }
}

extension StudentOptions.Initialization {
    /// True if the student may be narrower than its teacher, and keeps whole heads.
    fileprivate var narrows: Bool { self == .narrowed || self == .projected }
}
