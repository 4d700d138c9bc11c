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

    /// Says which changes of random choices have no effect on these options, which take the most probable token each time, and what to
    /// do; `nil` where all have one.
    package func problem(of changes: Changes) -> String? {
        guard temperature == 0 else { return nil }
        let options = [
            ("--top-k", changes.topK != nil), ("--top-p", changes.topP != nil),
            ("--min-p", changes.minP != nil),
            ("--seed", changes.seed != nil),
        ]
        let names = options.filter { $0.1 }.map { $0.0 }
        guard let last = names.last else { return nil }
        let all = names.count == 1 ? last : names.dropLast().joined(separator: ", ") + " and " + last
        return
            "\(all): the temperature is 0, which takes the most probable token each time; give --temperature above 0 too, or leave "
            + (names.count == 1 ? "it out" : "them out")
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
