/// A model directory, configuration, checkpoint or input that cannot be used, in one line.
public struct TransformersError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The problem, its location, and the remedy.
    public let description: String

    public init(_ description: String) { self.description = description }

    /// The error for an input of more tokens than the model has positions.
    static func tooLong(_ length: Int, _ positions: Int) -> TransformersError {
        TransformersError(
            "the input has \(length) tokens, the model \(positions) positions "
                + "(max_position_embeddings); pass a smaller --max-length")
    }
}
