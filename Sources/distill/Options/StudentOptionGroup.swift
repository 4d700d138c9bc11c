import ArgumentParser
import Distillation
import Foundation
import Yams

/// What the student is.
struct StudentOptionGroup: ParsableArguments {
    @Option(
        help: ArgumentHelp("A model directory to start the student from.", valueName: "dir"),
        completion: .directory)
    var student: String?

    @Option(help: "The student's layers. (default: 6)")
    var layers: Int?

    @Option(help: "The student's width. (default: 384)")
    var hiddenSize: Int?

    @Option(help: "The width inside its feed-forward layers. (default: the teacher's)")
    var intermediateSize: Int?

    @Option(
        help:
            "Its attention heads; they must divide the width. (default: the teacher's; with --init narrowed-teacher, as many as keep their size)"
    )
    var attentionHeads: Int?

    @Option(
        name: .customLong("init"),
        help:
            "How it starts: random, teacher-layers (a choice of the teacher's own), or narrowed-teacher (the most important part of them, for smaller sizes). (default: random)"
    )
    var initialization: StudentOptions.Initialization?

    @Option(
        help: ArgumentHelp(
            "The teacher's layers that it starts from: uniform, first, last, alternate, or one for each, counted from 0. (default: uniform)",
            valueName: "choice|0,2,4"),
        transform: { text in
            guard let layers = TeacherLayers(text) else {
                throw ValidationError(
                    "'\(text)' is neither uniform, first, last, alternate nor a list of layers such as 0,2,4")
            }
            return layers
        })
    var teacherLayers: TeacherLayers?

    @Flag(
        help:
            "Train and judge it with the rounding of int8 weights and activations, for `distill quantize` afterwards."
    )
    var quantizeAware = false

    func options(_ settings: Settings) throws -> StudentOptions {
        var options = StudentOptions()
        options.directory = try settings.value("student", student).map { try ModelReference.directory($0) }
        try settings.assign("layers", layers, to: &options.layers)
        try settings.assign("hidden_size", hiddenSize, to: &options.hiddenSize)
        try settings.assign("intermediate_size", intermediateSize, to: &options.intermediateSize)
        try settings.assign("attention_heads", attentionHeads, to: &options.attentionHeads)
        try settings.assign("init", initialization, to: &options.initialization)
        try settings.assign("teacher_layers", teacherLayers, to: &options.teacherLayers)
        return options
    }
}

extension StudentOptions.Initialization: ExpressibleByArgument {}

extension TeacherLayers: SettingValue {
    static var settingDescription: String {
        "uniform, first, last, alternate or a list of whole numbers, such as [0, 2, 4]"
    }
    init?(setting node: Node) {
        if let text = node.scalar?.string {
            self.init(text)
        } else {
            guard let numbers = [Int](setting: node) else { return nil }
            self = .numbers(numbers)
        }
    }
}
