import DistillRuntime

/// The predictions for the lines of a text.
final class PredictionRun {
    private let predictor: LinePredictor
    private let run: LineRun
    private let arguments: Arguments

    /// The settings of the model's files, and options, that are ignored.
    let warnings: [String]

    init(_ arguments: Arguments) throws {
        self.arguments = arguments
        if let name = arguments.given.first(where: GenerationArguments.names.contains) {
            // What is wrong with the directory itself is told first.
            _ = try PredictionRun.predictor(arguments, prompt: nil)
            throw UsageError("\(name) is for language models, which \(arguments.model) is not")
        }
        guard arguments.prompts.count < 2 else {
            throw UsageError(
                "several --prompt are for language models, which \(arguments.model) is not; name one prompt")
        }
        let output = try arguments.output.map { try PredictionFile($0) }
        let predictor = try PredictionRun.predictor(arguments, prompt: arguments.prompts.first)
        for (isGiven, option, name) in [
            (arguments.hasPairs, .pairs, "--pairs"),
            (arguments.aggregation != nil, .aggregation, "--aggregation"),
            (!arguments.prompts.isEmpty, .prompt, "--prompt"),
            (arguments.given.contains("--threshold"), .threshold, "--threshold"),
        ] as [(Bool, LinePredictor.KindOption, String)] where isGiven {
            if let refusal = predictor.refusal(of: option, called: name) { throw UsageError(refusal) }
        }
        if let refusal = output?.refusal(vectorWidth: predictor.vectorWidth, model: arguments.model) {
            throw UsageError(refusal)
        }
        var warnings = predictor.warnings
        if let wanted = arguments.maxLength, let most = predictor.mostTokens, wanted > most {
            warnings.append(
                "the model has \(most) positions, so texts are cut there, not at --max-length \(wanted)")
        }
        self.warnings = warnings
        self.predictor = predictor
        run = LineRun(predictor) { "line \($0)" }
        self.output = output
    }

    private let output: PredictionFile?

    /// Opens the model.
    private static func predictor(_ arguments: Arguments, prompt: String?) throws -> LinePredictor {
        try LinePredictor(
            directory: arguments.model,
            .init(
                .init(maxLength: arguments.maxLength, usesBFloat16: arguments.usesBFloat16),
                threshold: arguments.threshold, strategy: arguments.aggregation, prompt: prompt))
    }

    /// Predicts all lines of the file, and writes to the output file, or else by a function.
    func predict(_ write: (String) -> Void) throws {
        let reader = try LineReader(path: arguments.file)
        let hasPairs = arguments.hasPairs
        func next() throws -> [LineInput]? {
            try Interruption.check()
            return try reader.next()?.map { LineInput($0, hasPairs: hasPairs) }
        }
        if let output {
            Interruption.install()
            return try run.write(output, next: next)
        }
        while let inputs = try next() { write(try run.lines(for: inputs).map { $0 + "\n" }.joined()) }
    }

    /// The warning about texts that were cut; `nil` where none was.
    var cutWarning: String? {
        guard run.cutCount > 0, let maxLength = predictor.maxLength else { return nil }
        let mostTokens = predictor.mostTokens ?? maxLength
        let file = arguments.file == "-" ? "standard input" : arguments.file
        return
            "\(file): \(run.cutCount) of \(run.count) texts \(run.cutCount == 1 ? "is" : "are") longer than \(maxLength) tokens "
            + "and cut there; "
            + (mostTokens > maxLength
                ? "a larger --max-length keeps more of them, up to \(mostTokens)"
                : "the model has positions for no more")
    }
}
