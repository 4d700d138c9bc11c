import Foundation
import Tokenizers
import Torch
import Transformers

/// Makes the student that the options describe, after checking that the teacher can teach it.
struct StudentBuilder {
    let options: StudentOptions
    let teacher: TrainedClassifier
    let seed: UInt64
    let device: Device

    /// The recipe's student, where the user asks for nothing else.
    static let defaultLayers = 6
    static let defaultHiddenSize = 384

    /// A student with what the user may want to know of it.
    struct Student {
        let model: any SequenceClassifier
        let notes: [String]
    }

    func build() throws -> Student {
        if let directory = options.directory { return try load(directory) }
        let configuration = try self.configuration()
        var source: (any ParameterSource)?
        var notes: [String] = []
        if options.initialization == .teacherLayers {
            let layers = try teacherLayers(count: configuration.numHiddenLayers)
            source = try TeacherLayerSource(teacher: teacher.model, layers: layers)
            notes.append(
                "The student starts from the teacher's layers \(layers.map(String.init).joined(separator: ", "))."
            )
        }
        let model = try AutoModel.make(configuration, source: source, seed: seed, device: device)
        return Student(model: model, notes: notes)
    }

    /// The teacher's configuration with the sizes that were asked for.
    func configuration() throws -> BertConfiguration {
        var configuration = teacher.model.configuration
        configuration.numHiddenLayers = options.layers ?? Self.defaultLayers
        configuration.hiddenSize = options.hiddenSize ?? Self.defaultHiddenSize
        configuration.intermediateSize = options.intermediateSize ?? configuration.intermediateSize
        configuration.numAttentionHeads = options.attentionHeads ?? configuration.numAttentionHeads
        guard configuration.numAttentionHeads > 0,
            configuration.hiddenSize.isMultiple(of: configuration.numAttentionHeads)
        else {
            throw DistillationError(
                "the student's hidden size \(configuration.hiddenSize) is not divisible by its "
                    + "\(configuration.numAttentionHeads) attention heads; pass --attention-heads with a divisor, "
                    + "or another --hidden-size")
        }
        try configuration.validate()
        return configuration
    }

    private func teacherLayers(count: Int) throws -> [Int] {
        let available = teacher.model.configuration.numHiddenLayers
        guard let layers = options.teacherLayers else {
            guard count <= available else {
                throw DistillationError(
                    "the student's \(count) layers cannot start from the teacher's \(available); "
                        + "pass --layers \(available) or less, or --init random")
            }
            return uniformLayers(teacher: available, student: count)
        }
        guard layers.count == count else {
            throw DistillationError(
                "--teacher-layers names \(layers.count) layers, the student has \(count); name one for each")
        }
        if let wrong = layers.first(where: { !(0..<available).contains($0) }) {
            throw DistillationError(
                "the teacher has layers 0 to \(available - 1); --teacher-layers names \(wrong)")
        }
        return layers
    }

    private func load(_ directory: URL) throws -> Student {
        let names = teacher.labels.names
        let own = try BertConfiguration(contentsOf: directory)
        let (model, report) = try AutoModel.load(
            from: directory, labelNames: hasOwnLabels(own) ? nil : names,
            problemType: teacher.model.configuration.problemType, seed: seed, device: device)
        let labels = model.configuration.labelNames
        guard labels == names else {
            throw DistillationError(
                "\(directory.path): the student's labels (\(labels.joined(separator: ", "))) differ from the "
                    + "teacher's (\(names.joined(separator: ", "))) in names or order; make id2label of its "
                    + "config.json the teacher's")
        }
        return Student(
            model: model, notes: report.newlyInitialized.isEmpty ? [] : [report.description])
    }

    /// Whether a checkpoint's labels are names of its own rather than the numbers of a fresh configuration.
    private func hasOwnLabels(_ configuration: BertConfiguration) -> Bool {
        configuration.labelNames != configuration.labelNames.indices.map { "LABEL_\($0)" }
    }
}

extension StudentBuilder {
    init(_ setup: DistillationSetup, seed: UInt64) {
        self.init(
            options: setup.request.student, teacher: setup.teacher, seed: seed, device: setup.request.device)
    }
}
