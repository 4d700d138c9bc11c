import ArgumentParser
import Distillation
import Foundation

/// Who teaches, and what the student learns from.
struct TeachingOptions: ParsableArguments {
    @Option(
        name: .customLong("teacher"),
        help: ArgumentHelp(
            "The teacher: a directory that `distill finetune` made, or any fine-tuned classifier. Several times for several teachers.",
            valueName: "dir"),
        completion: .directory)
    var teachers: [String] = []

    @Option(
        help: ArgumentHelp("The weights of several teachers, such as 2,1. (default: equal)", valueName: "2,1")
    )
    var teacherWeights: String?

    @Option(
        help:
            "How several teachers become one: the mean of their probabilities, or of their logits. (default: probabilities)"
    )
    var teacherCombination: TeacherCombination?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Divides both sides' logits before the softmax: a number, or a schedule such as linear(8,1). (default: 4)",
            valueName: "T"))
    var temperature: Schedule?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The weight of the teacher's side; the labels' is 1 − alpha. (default: 0.7)", valueName: "alpha"))
    var alpha: Schedule?

    @Option(
        name: .customLong("objective"),
        help: ArgumentHelp(
            "In place of temperature and alpha: a loss by name, with weight and options. Several times for a sum.",
            valueName: "name(weight=1)"))
    var objectives: [String] = []

    @Option(help: "Mask this share of the words of a training text, anew in each epoch. (default: 0)")
    var maskProbability: Double?

    @Option(help: "Leave this share of the words of a training text out, anew in each epoch. (default: 0)")
    var wordDropout: Double?

    @Option(help: "The share of texts that are changed so. (default: 1)")
    var augmentationShare: Double?

    func assign(_ settings: Settings, to request: inout DistillRequest) throws {
        try settings.assign("teacher_combination", teacherCombination, to: &request.combination)
        try settings.assign("temperature", temperature, to: &request.temperature)
        try settings.assign("alpha", alpha, to: &request.alpha)
        request.objectives = try settings.list(
            "objectives",
            objectives.map { text in
                try UsageError.checking { try ObjectiveSpecification(text: text) }
            }
        ) { try ObjectiveSpecification(setting: $0) }
        request.stages = try settings.list("stages", []) { try TrainingStage(setting: $0) }
        let masked = try settings.value("mask_probability", maskProbability)
        let dropped = try settings.value("word_dropout", wordDropout)
        let share = try settings.value("augmentation_share", augmentationShare)
        if masked != nil || dropped != nil {
            request.augmentation = try UsageError.checking {
                try Augmentation(
                    maskProbability: masked ?? 0, wordDropout: dropped ?? 0, share: share ?? 1)
            }
        }
    }

    /// - Throws: ``UsageError`` where there is none, or weights do not fit.
    func teachers(_ settings: Settings) throws -> [TeacherRequest] {
        let single = try settings.list(
            "teacher", teachers.map { TeacherRequest(try ModelReference.directory($0)) }
        ) {
            try TeacherRequest(setting: $0)
        }
        let several = try settings.list("teachers", []) { try TeacherRequest(setting: $0) }
        var result = single.isEmpty ? several : single
        guard !result.isEmpty else {
            _ = try settings.required("teacher", String?.none)
            return []
        }
        guard let text = try settings.value("teacher_weights", teacherWeights) else { return result }
        let weights = text.split(separator: ",").compactMap {
            Double($0.trimmingCharacters(in: .whitespaces))
        }
        guard weights.count == result.count else {
            throw UsageError(
                "teacher_weights must be \(result.count) numbers, one for each teacher, got '\(text)'")
        }
        for place in result.indices { result[place].weight = weights[place] }
        return result
    }
}

extension Schedule: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension TeacherCombination: ExpressibleByArgument {}
