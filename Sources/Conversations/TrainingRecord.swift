import Datasets
import JSON

/// A record of training data, before it is a text.
public struct TrainingRecord: Sendable, Equatable {
    /// What a record holds.
    public enum Content: Sendable, Equatable {
        /// A conversation, and the JSON schemas of the tools it may use.
        case messages([JSONValue], tools: [JSONValue]?)
        /// A conversation whose turns from an index on are trained.
        case continuation(messages: [JSONValue], trainedFrom: Int, tools: [JSONValue]?)
        /// A text that is trained, and the text before it.
        case completion(prompt: String, completion: String)
        /// A document.
        case text(String)
    }

    /// What the record holds.
    public var content: Content
    /// The row that it was read from, for errors.
    public var row: ObjectRow

    /// Makes a record.
    ///
    /// - Parameters:
    ///   - content: What the record holds.
    ///   - row: The row that it was read from.
    public init(_ content: Content, row: ObjectRow = ObjectRow([:], line: 1)) {
        self.content = content
        self.row = row
    }
}
