import DistillRuntime
import Distillation
import Tokenizers

/// What `distill predict` asks for predictions: the runtime, or libtorch where the runtime has no kernels.
protocol CommandPredictor: LineAnswering {
    /// The settings of the model's files that are ignored; each a line for the user.
    var warnings: [String] { get }

    /// True if a single text is no input: the model scores documents for queries.
    var needsPairs: Bool { get }

    /// The warning about texts that were cut; `nil` where none was.
    func cutWarning(_ run: LineRun, _ source: String) -> String?
}

extension CommandPredictor {
    var needsPairs: Bool { false }
}

extension LinePredictor: CommandPredictor {
    var needsPairs: Bool { model?.configuration.task == .ranking }

    func cutWarning(_ run: LineRun, _ source: String) -> String? {
        guard run.cutCount > 0, let maxLength else { return nil }
        return
            "\(run.cutCount) of \(run.count) texts \(run.cutCount == 1 ? "is" : "are") longer than \(maxLength) tokens and cut there"
    }
}

extension Predictor: CommandPredictor {
    var needsPairs: Bool { problemType == .ranking }

    package func lines(of texts: [TextPair]) throws -> (lines: [String], cutCount: Int) {
        let before = cutCount
        let lines = try predict(texts).map(PredictionLine.text)
        return (lines, cutCount - before)
    }

    func cutWarning(_ run: LineRun, _ source: String) -> String? { cutWarning(source) }
}

extension TokenPredictor: CommandPredictor {
    package func lines(of texts: [TextPair]) throws -> (lines: [String], cutCount: Int) {
        (try predict(texts.map(\.text)).map(PredictionLine.text), 0)
    }

    /// Longer texts are read in windows.
    func cutWarning(_ run: LineRun, _ source: String) -> String? { nil }
}
