/// How much a chat template may do, since templates come with models from elsewhere.
public struct ChatTemplateLimits: Sendable {
    /// The number of steps: statements, expressions, items, and sixteen bytes each of the texts that are made.
    public var steps: Int
    /// The greatest length of a text in bytes.
    public var textBytes: Int

    /// Makes limits.
    ///
    /// - Parameters:
    ///   - steps: The number of steps.
    ///   - textBytes: The greatest length of a text in bytes.
    public init(steps: Int = 20_000_000, textBytes: Int = 1 << 26) {
        self.steps = steps
        self.textBytes = textBytes
    }
}
