import ArgumentParser
import Distillation
import Foundation

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

    @Option(help: "Its attention heads; they must divide the width. (default: the teacher's)")
    var attentionHeads: Int?

    @Option(
        name: .customLong("init"),
        help: "How it starts: random, or teacher-layers (a choice of the teacher's own). (default: random)")
    var initialization: StudentOptions.Initialization?

    @Option(
        help: ArgumentHelp(
            "The teacher's layers for --init teacher-layers, counted from 0. (default: evenly spaced)",
            valueName: "0,2,4"),
        transform: { text in
            guard let layers = [Int](commaSeparated: text) else {
                throw ValidationError("'\(text)' is not a list of layers such as 0,2,4")
            }
            return layers
        })
    var teacherLayers: [Int]?

    func options(_ settings: Settings) throws -> StudentOptions {
        var options = StudentOptions()
        options.directory = try settings.value("student", student).map { URL(filePath: $0) }
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
