import Architectures

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension Prediction {
    /// The prediction that a text's logits are; `nil` for a task whose outputs are not a text's.
    ///
    /// - Parameters:
    ///   - logits: One for each label; of a regression the number.
    ///   - labels: The labels' names.
    ///   - task: What the logits mean.
    ///   - threshold: The probability above which a label is predicted, in multi-label classification.
    ///   - activation: The function that makes a score of a cross-encoder's logit.
    package init?(
        logits: some Collection<Float>, labels: [String], task: TaskIdentifier, threshold: Double,
        activation: ScoreActivation? = nil
    ) {
        let logits = logits.map(Double.init)
        func scores(_ probabilities: [Double]) -> [LabelScore] {
            zip(labels, probabilities).map { LabelScore(label: $0, value: $1) }
        }
        switch task {
        case .singleLabel:
            var best = 0
            for index in logits.indices where logits[index] > logits[best] { best = index }
            let probabilities = softmax(logits)
            self.init(label: labels[best], score: probabilities[best], scores: scores(probabilities))
        case .multiLabel:
            let probabilities = logits.map { 1 / (1 + exp(-$0)) }
            let limit = log(threshold / (1 - threshold))
            self.init(
                labels: zip(labels, logits).filter { $1 > limit }.map(\.0), scores: scores(probabilities))
        case .regression: self.init(score: logits.first)
        case .ranking: self.init(score: logits.first.map((activation ?? .identity).score))
        case .tokenClassification, .causalLanguageModel, .embedding: return nil
        }
    }
}

extension ScoreActivation {
    /// The score of a logit.
    package func score(_ logit: Double) -> Double {
        self == .sigmoid ? 1 / (1 + exp(-logit)) : logit
    }
}
