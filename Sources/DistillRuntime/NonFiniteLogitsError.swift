/// A model's logit is infinite or not a number, so that its outputs cannot be used.
public struct NonFiniteLogitsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    /// - Parameters:
    ///   - name: The model.
    ///   - example: Its index among the examples, from 0.
    ///   - value: The logit.
    package init(_ name: String, example: Int, value: Float) {
        description =
            "\(name): gives logits that are no numbers (\(value) for example \(example + 1)): its weights are damaged, or its "
            + "training diverged; use another checkpoint"
    }
}
