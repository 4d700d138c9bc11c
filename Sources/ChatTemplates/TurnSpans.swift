/// Where in a rendered chat the assistant speaks.
public struct TurnSpans: Sendable, Equatable {
    /// How the spans were found.
    public enum Source: Sendable, Equatable {
        /// The template marks them by `{% generation %}`.
        case generationBlocks
        /// By rendering the messages up to each turn, and up to its end.
        case prefixes
    }

    /// Which of the assistant's turns have spans.
    public enum Coverage: Sendable, Equatable {
        /// All of them.
        case everyTurn
        /// The last one alone: the template writes an earlier turn otherwise once others follow, as Qwen3's does, which leaves
        /// out earlier thoughts. What a model would write there is not what stands there, so train on the last turn only, or
        /// cut the chat after each turn.
        ///
        /// `message` is the index of the first such turn.
        case onlyLastTurn(message: Int)
    }

    /// A turn of the assistant, or a part of one.
    public struct Span: Sendable, Equatable {
        /// The index of the message; nil where the template marks the spans.
        public let message: Int?
        /// The turn in bytes of UTF-8, with what the template closes it by.
        public let utf8: Range<Int>
    }

    /// The whole chat.
    public let text: String
    /// The spans, in order.
    public let spans: [Span]
    /// How the spans were found.
    public let source: Source
    /// Which of the assistant's turns have spans.
    public let coverage: Coverage
}
