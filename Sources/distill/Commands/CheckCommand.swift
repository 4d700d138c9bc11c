import ArgumentParser
import Distillation
import Foundation

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Look for everything that would keep `distill run` from beginning, or spoil it.",
        discussion: """
            Takes the options of `distill run` and lists all findings together: labels, vocabularies, inputs, an untrained \
            teacher, settings that cannot work, texts that are cut, validation texts that are training texts too, \
            memory. For a language model also conversations that cannot be trained on, stop tokens that nothing ends with, and the \
            first text with what is trained of it in ⟦ ⟧. Nothing is trained or saved. Exit code 1 where there is an error.

            Examples:
              distill check --teacher teacher --train train.csv --layers 3
              distill check --teacher language-model.gguf --train chats.jsonl --layers 20
              distill check --config distill.yaml --json
            """)

    @OptionGroup var options: RunOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    func run() throws {
        let request = try options.request(output: URL(filePath: "student"))
        Interrupt.install(.nothing)
        let renderer = RunRenderer(quiet: true)
        let findings = try DistillationRun.check(
            request, onEvent: { renderer.handle($0) }, shouldStop: { Interrupt.isRequested })
        let hasErrors = findings.contains { $0.severity == .error }
        try display.print(findings) {
            findings.isEmpty ? "Nothing was found." : findings.map { "\($0)" }.joined(separator: "\n")
        }
        if hasErrors { throw ExitCode(1) }
    }
}
