/// A text that a model generated.
public struct GeneratedText: Sendable, Equatable {
    /// Why a text ended.
    public enum FinishReason: String, Sendable {
        /// A stop token or a stop string came.
        case stop
        /// It has as many tokens as were asked for, or the model no further positions.
        case length
    }

    /// The text after the prompt, without stop token or stop string.
    public let text: String
    /// All tokens that were generated: with the stop token, and with those of the stop string.
    public let tokenIDs: [Int32]
    /// Of each token, by the model itself: at temperature 1, without filters and penalty; `nil` unless it was asked for.
    public let logProbabilities: [Float]?
    public let finishReason: FinishReason

    public init(text: String, tokenIDs: [Int32], logProbabilities: [Float]?, finishReason: FinishReason) {
        (self.text, self.tokenIDs) = (text, tokenIDs)
        (self.logProbabilities, self.finishReason) = (logProbabilities, finishReason)
    }
}

/// What happens while texts are generated.
public enum GenerationEvent: Sendable, Equatable {
    /// A prompt's text goes on. The pieces together are its text; none ends within a character.
    case piece(prompt: Int, text: String)
    /// A prompt's text is complete.
    case finished(prompt: Int, GeneratedText)
}
