/// A chat as a template writes it.
public struct RenderedChat: Sendable, Equatable {
    /// The text.
    public let text: String
    /// Where the blocks `{% generation %}` lie, in the order in which they end.
    public let generations: [GenerationSpan]
}

/// Where a block `{% generation %}` lies in a text.
///
/// As in transformers, a block that a macro or a set block writes is counted from where the chat was before it.
public struct GenerationSpan: Sendable, Equatable {
    /// The block in code points, as Python counts.
    public let characters: Range<Int>
    /// The block in bytes of UTF-8.
    public let utf8: Range<Int>
}
