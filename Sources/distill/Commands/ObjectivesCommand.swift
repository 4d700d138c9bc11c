import ArgumentParser
import Distillation
import Foundation

struct ObjectivesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "objectives",
        abstract: "List the losses that a student can learn from, with their options.")

    func run() throws {
        for entry in ObjectiveRegistry.standard.entries {
            try Terminal.output(entry.name + "\n    " + entry.summary)
        }
    }
}
