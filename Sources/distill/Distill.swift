import ArgumentParser
import DistillRuntime
import Distillation
import Files
import Foundation

/// The root command. What it does for each subcommand is in `Commands/`.
struct Distill: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distill",
        abstract: "Turns a large transformer, an encoder or a language model, into a small, fast one.",
        discussion: """
            A teacher is fine-tuned on labeled texts; a student then learns from the teacher's softened outputs \
            and the labels. A language model's student learns the teacher's next tokens from conversations or texts. Models are \
            directories in Hugging Face format, going in and coming out; language models may be .gguf files too.

            Examples:
              distill finetune --model all-MiniLM-L6-v2 --train train.csv --output teacher
              distill check    --teacher teacher --train train.csv --layers 3
              distill run      --teacher teacher --train train.csv --output student --layers 3 --init teacher-layers
              distill evaluate --model student --data test.csv --teacher teacher
              echo "A film to remember." | distill predict --model student
              distill serve    --model student
              distill generate --model language-model.gguf --prompt "What is a wren?"
              distill run      --teacher language-model.gguf --train chats.jsonl --output student --layers 20

            Shell completions:
              distill --generate-completion-script zsh   (or bash, fish)
            """,
        version: Version.current,
        subcommands: [
            FineTuneCommand.self, RunCommand.self, CheckCommand.self, TuneCommand.self, LabelCommand.self,
            EvaluateCommand.self, PruneCommand.self, QuantizeCommand.self, ExportCommand.self,
            BenchmarkCommand.self,
            ReportCommand.self, PredictCommand.self, ServeCommand.self, GenerateCommand.self,
            DownloadCommand.self, CacheCommand.self,
            ObjectivesCommand.self,
            BenchmarkWorkerCommand.self,
        ])
}

@main
enum Main {
    static func main() {
        // A closed pipe or a full disk is an error where it happens, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        CalibrationFile().install()
        MappedFile.endsWhereShortened()
        EndingSignals.unblock()
        do {
            try OpenFiles.require()
            var command = try Distill.parseAsRoot()
            // Help is given anywhere.
            if Distill.configuration.subcommands.contains(where: { type(of: command) == $0 }) {
                try InstructionSet.require()
            }
            try command.run()
        } catch let error as UsageError {
            Terminal.error("Error: \(error)")
            exit(EX_USAGE)
        } catch let error as InterruptedError {
            Terminal.error("Error: \(error)")
            exit(Interrupt.exitCode)
        } catch let error as OutputClosedError {
            // The reader of the output, for example `head`, has closed it.
            exit(error.exitCode)
        } catch {
            // As `Distill.exit(withError:)`, but names from files that are in errors cannot steer the terminal.
            let (text, code) = (Distill.fullMessage(for: error), Distill.exitCode(for: error))
            if !text.isEmpty {
                if code.isSuccess { try? Terminal.output(text) } else { Terminal.error(text) }
            }
            exit(code.rawValue)
        }
    }
}

/// The error that ends the program with exit code 64: an invalid setting, from the command line or a configuration file.
typealias UsageError = SettingsError

extension SettingsReader {
    /// A reader of some options where there is no configuration file.
    convenience init(_ register: (inout Settings) -> Void) {
        var settings = Settings()
        register(&settings)
        self.init(settings, locator: .commandLine)
    }
}
