#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Chooses the next token of a text from its logits.
package struct TokenSampler {
    package let options: GenerationOptions

    package init(options: GenerationOptions) { self.options = options }

    /// A token, and its log-probability where it is wanted.
    package struct Choice: Equatable {
        package let token: Int32
        /// By the model itself: at temperature 1, without filters and penalty.
        package let logProbability: Float?
    }

    /// - Parameters:
    ///   - logits: (V); overwritten.
    ///   - seen: The tokens of prompt and text so far.
    ///   - prompt: The prompt's number.
    ///   - place: The number of tokens that the text has.
    /// - Throws: ``GenerationError`` where a logit is NaN or infinity.
    package func choose(
        _ logits: UnsafeMutableBufferPointer<Float>, seen: Set<Int32>, prompt: Int, place: Int
    ) throws -> Choice {
        let highest = logits.max() ?? 0
        guard highest.isFinite, !logits.contains(where: \.isNaN) else {
            throw GenerationError(
                "prompt \(prompt + 1): the model's logits are not finite after \(place) tokens; check the weights, and compute in float32 "
                    + "where that was in less"
            )
        }
        let logSum =
            options.returnsLogProbabilities
            ? Double(highest) + log(logits.reduce(0) { $0 + exp(Double($1 - highest)) }) : nil
        func choice(_ token: Int32, _ logit: Float) -> Choice {
            Choice(token: token, logProbability: logSum.map { Float(Double(logit) - $0) })
        }
        let before = logSum == nil ? nil : Array(logits)
        penalize(logits, seen)
        let token: Int32
        if options.temperature == 0 {
            token = Int32(Self.largest(UnsafeBufferPointer(logits)))
        } else {
            let fraction = RandomDraw.uniform(seed: options.seed, prompt: prompt, place: place)
            token = TokenDistribution(UnsafeBufferPointer(logits), options).token(at: fraction)
        }
        return choice(token, before?[Int(token)] ?? 0)
    }

    package func penalize(_ logits: UnsafeMutableBufferPointer<Float>, _ seen: Set<Int32>) {
        let penalty = Float(options.repetitionPenalty)
        guard penalty != 1 else { return }
        for token in seen where Int(token) < logits.count {
            let logit = logits[Int(token)]
            logits[Int(token)] = logit < 0 ? logit * penalty : logit / penalty
        }
    }

    /// The first place of the largest logit.
    private static func largest(_ logits: UnsafeBufferPointer<Float>) -> Int {
        var best = 0
        for place in logits.indices where logits[place] > logits[best] { best = place }
        return best
    }
}
