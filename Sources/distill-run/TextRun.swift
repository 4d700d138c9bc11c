import Decoding
import DistillRuntime
import JSON
import Storage

/// The texts that a language model writes after prompts.
final class TextRun {
    private let model: LanguageModel
    private let arguments: Arguments
    private let options: GenerationOptions
    private let output: PredictionFile?

    /// The settings of the model's files that are ignored.
    var warnings: [String] { model.warnings }

    init(_ arguments: Arguments) throws {
        self.arguments = arguments
        for name in ["--pairs", "--max-length", "--threshold", "--aggregation"]
        where arguments.given.contains(name) {
            throw UsageError(
                "\(name) is not for language models, of which \(arguments.model) is one; leave it out")
        }
        let forms = (arguments.usesBFloat16 ? [.bfloat16] : []) + arguments.generation.forms
        guard Set(forms).count < 2 else {
            throw UsageError(
                "give one of \(forms.map { "--" + $0.rawValue }.joined(separator: " and ")), not both")
        }
        guard arguments.prompts.isEmpty || arguments.file == "-" else {
            throw UsageError("give --prompt or a file of prompts, not both")
        }
        guard !arguments.prompts.contains("") else { throw UsageError("--prompt is empty; give it a text") }
        output = try arguments.output.map { try PredictionFile($0) }
        if let refusal = output?.refusal(vectorWidth: nil, model: arguments.model) {
            throw UsageError(refusal)
        }
        let given = arguments.generation
        model = try LanguageModel(
            arguments.model,
            .init(weights: forms.first ?? .stored, batchSize: given.batchSize))
        guard given.isChat != true || model.hasChatTemplate else {
            throw UsageError(
                "\(arguments.model): has no chat template; leave out --chat, or put one into the model's directory as "
                    + "chat_template.jinja")
        }
        var options = model.defaults
        options.apply(given.changes)
        if let problem = options.problem(of: given.changes) { throw UsageError(problem) }
        self.options = options
    }

    /// Generates all texts, and writes them to the output file as lines of JSON, or else by a function: of one prompt as it comes, of
    /// others as lines of JSON.
    func generate(_ write: (String) -> Void) throws {
        if let output {
            Interruption.install()
            return try AtomicFile.write(to: output.path) { writer in
                try generateLines { try writer.write($0) }
            }
        }
        let prompts = arguments.prompts
        if prompts.count == 1 {
            _ = try model.generate([prompt(prompts[0])], options) { event in
                if case .piece(_, let text) = event { write(text) }
            }
            return write("\n")
        }
        try generateLines(write)
    }

    /// Generates all texts, and writes a line of JSON for each, so many at a time.
    private func generateLines(_ write: (String) throws -> Void) throws {
        let prompts = arguments.prompts
        guard prompts.isEmpty else { return try write(try lines(prompts, before: 0)) }
        let reader = try LineReader(path: arguments.file, maximumCount: 8 * arguments.generation.batchSize)
        var count = 0
        while let lines = try reader.next() {
            let texts = lines.map(\.text)
            try write(try self.lines(texts, before: count))
            count += texts.count
        }
    }

    /// A line of JSON for each prompt, with an error for one that is empty or too long.
    private func lines(_ texts: [String], before count: Int) throws -> String {
        let prompts = try texts.enumerated().map { try tokens($1, number: count + $0 + 1) }
        // A line without a text has its number too, so that a prompt's draws do not depend on the lines before it.
        var lines: [String] = []
        var next = prompts.startIndex
        while next < prompts.endIndex {
            if case .failure(let problem) = prompts[next] {
                lines.append(JSONValue.object(["error": .string(problem.description)]).serialized())
                next += 1
                continue
            }
            let run = prompts[next...].prefix { (try? $0.get()) != nil }
            let made = try model.generate(
                run.map { .tokens(try $0.get()) }, options, firstPrompt: count + next
            ) { _ in try Interruption.check() }
            lines += made.map { $0.json.serialized() }
            next = run.endIndex
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// A prompt's tokens, or what is wrong with it.
    private func tokens(_ text: String, number: Int) throws -> Result<[Int32], UsageError> {
        let place = arguments.prompts.isEmpty ? "line \(number)" : "prompt \(number)"
        guard !text.allSatisfy({ $0.isWhitespace }) else { return .failure(UsageError("\(place) is empty")) }
        let tokens = try model.tokens(of: prompt(text))
        let positions = model.configuration.maxLength
        guard tokens.count <= positions else {
            return .failure(
                UsageError(
                    "\(place) has \(tokens.count) tokens, the model \(positions) positions; shorten it"))
        }
        return .success(tokens)
    }

    private func prompt(_ text: String) -> LanguageModel.Prompt {
        model.prompt(text, isChat: arguments.generation.isChat)
    }
}
