import Foundation
import Testing
import Transformers

@testable import Distillation

/// A setting that a task, or a student from a directory, does not have is refused rather than passed over.
@Suite("Settings that do not fit")
struct FittingSettingsTests {
    private func request() -> DistillRequest {
        DistillRequest(
            teacher: URL(filePath: "teacher"), data: DataRequest(train: URL(filePath: "train.csv")),
            output: URL(filePath: "student"))
    }

    /// A setting, by what the error names, with the tasks that have it.
    enum Setting: String, CaseIterable {
        case temperature
        case classWeights = "class_weights"
        case smoothing = "label_smoothing_factor"
        case tokens = "label_tokens"

        var tasks: Set<TaskIdentifier> {
            switch self {
            case .temperature: [.singleLabel, .multiLabel, .tokenClassification, .causalLanguageModel]
            case .classWeights: [.singleLabel, .multiLabel, .tokenClassification]
            case .smoothing: [.singleLabel, .tokenClassification]
            case .tokens: [.tokenClassification]
            }
        }

        func apply(to request: inout DistillRequest) {
            switch self {
            case .temperature: request.temperature = 2
            case .classWeights: request.training.classWeights = "balanced"
            case .smoothing: request.training.labelSmoothingFactor = 0.1
            case .tokens: request.data.rowUnit = .tokens
            }
        }
    }

    @Test("settings of labels are refused by tasks without such labels", arguments: Setting.allCases)
    func labels(setting: Setting) throws {
        for task in TaskIdentifier.allCases {
            var request = request()
            try request.requireFitting(task)
            setting.apply(to: &request)
            if setting.tasks.contains(task) {
                try request.requireFitting(task)
            } else {
                #expect("\(task)") { try request.requireFitting(task) } throws: {
                    "\($0)".contains(setting.rawValue) && "\($0)".contains(task.rawValue)
                }
            }
        }
    }

    @Test("a static student's classifier is none of a model for embeddings")
    func classifier() throws {
        var request = request()
        request.student.table = StaticOptions()
        request.student.table?.classifierHiddenSize = 8
        try request.requireFitting(.singleLabel)
        #expect { try request.requireFitting(.embedding) } throws: {
            "\($0)".contains("classifier_hidden_size")
        }
    }

    @Test(
        "a student from a directory has sizes of its own",
        arguments: [
            "layers", "hidden_size", "intermediate_size", "attention_heads", "init", "teacher_layers",
        ])
    func directory(name: String) throws {
        var options = StudentOptions()
        switch name {
        case "layers": options.layers = 2
        case "hidden_size": options.hiddenSize = 32
        case "intermediate_size": options.intermediateSize = 64
        case "attention_heads": options.attentionHeads = 2
        case "init": options.initialization = .teacherLayers
        default: options.teacherLayers = [1, 2]
        }
        try options.validate()
        options.directory = URL(filePath: "bert")
        #expect { try options.validate() } throws: {
            "\($0)".hasPrefix("\(name) ") && "\($0)".contains("bert")
        }
    }
}
