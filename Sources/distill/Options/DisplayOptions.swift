import ArgumentParser
import Distillation

/// The options for what is shown.
struct DisplayOptions: ParsableArguments {
    @Flag(help: "Print the result as JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "Show no progress, only warnings and the result.")
    var quiet = false

    // Options are validated before the models and data that they name are fetched.
    func validate() { if quiet { Terminal.isQuiet = true } }

    /// Prints a result: as JSON, or as text.
    func print(_ report: some Encodable, text: () -> String) throws {
        try Terminal.output(json ? try JSONText.encode(report) : text())
    }
}
