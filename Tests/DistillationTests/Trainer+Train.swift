@testable import Distillation

extension Trainer {
    /// Trains to the end, or until it is to stop, with an evaluation whenever one is due.
    ///
    /// - Returns: Whether nothing was left to do.
    @discardableResult
    func train(
        evaluate: () throws -> MetricValues, onBest: (EpochMetrics) throws -> Void = { _ in },
        onStep: (TrainingStep) throws -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Bool {
        while let step = try advance() {
            try onStep(step)
            if step.isEvaluationDue {
                try beginEvaluation()
                let metrics = try record(evaluate())
                if metrics.isBest { try onBest(metrics) }
            }
            if shouldStop() { break }
        }
        try endEvaluation()
        return isFinished
    }
}
