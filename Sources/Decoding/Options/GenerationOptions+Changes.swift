extension GenerationOptions {
    /// Values in place of a model's own; what is `nil` stays as it is.
    package struct Changes: Sendable, Equatable {
        package var maxNewTokens: Int?
        package var temperature: Double?
        package var topK: Int?
        package var topP: Double?
        package var minP: Double?
        package var repetitionPenalty: Double?
        /// Stop strings besides the model's.
        package var stop: [String] = []
        package var seed: UInt64?

        package init() {}
    }

    /// Puts values in place of these.
    package mutating func apply(_ changes: Changes) {
        maxNewTokens = changes.maxNewTokens ?? maxNewTokens
        temperature = changes.temperature ?? temperature
        if let topK = changes.topK { self.topK = topK }
        topP = changes.topP ?? topP
        minP = changes.minP ?? minP
        repetitionPenalty = changes.repetitionPenalty ?? repetitionPenalty
        stopStrings += changes.stop
        seed = changes.seed ?? seed
    }
}
