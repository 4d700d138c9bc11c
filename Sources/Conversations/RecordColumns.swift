import Datasets
import JSON

/// The keys of a record's parts; `nil` takes the usual name.
///
/// A key that is named decides the shape; else the first record does: `messages` goes before `prompt` with `completion`, and these
/// before `text`.
public struct RecordColumns: Sendable, Equatable {
    /// The key of a conversation's messages, usually `messages`.
    public var messages: String?
    /// The key of the tools beside messages, usually `tools`.
    public var tools: String?
    /// The key of what comes before a completion, usually `prompt`.
    public var prompt: String?
    /// The key of what is trained behind a prompt, usually `completion`.
    public var completion: String?
    /// The key of a document, usually `text`.
    public var text: String?

    /// Makes a choice of keys.
    ///
    /// - Parameters:
    ///   - messages: The key of a conversation's messages.
    ///   - tools: The key of the tools beside messages.
    ///   - prompt: The key of what comes before a completion.
    ///   - completion: The key of what is trained behind a prompt.
    ///   - text: The key of a document.
    public init(
        messages: String? = nil, tools: String? = nil, prompt: String? = nil, completion: String? = nil,
        text: String? = nil
    ) {
        self.messages = messages
        self.tools = tools
        self.prompt = prompt
        self.completion = completion
        self.text = text
    }
}

extension RecordColumns {
    var messagesKey: String { messages ?? "messages" }
    var toolsKey: String { tools ?? "tools" }
    var promptKey: String { prompt ?? "prompt" }
    var completionKey: String { completion ?? "completion" }
    var textKey: String { text ?? "text" }

    /// Every key that a record may be read from.
    ///
    /// - Throws: ``ConversationsError`` where keys of several shapes are named.
    func allKeys() throws -> [String] {
        switch try namedShape() {
        case .text?: [textKey]
        case let shape?: keys(of: shape) + [toolsKey]
        case nil: [messagesKey, toolsKey, promptKey, completionKey, textKey]
        }
    }

    /// The keys that a record of a shape needs.
    func keys(of shape: RecordShape) -> [String] {
        switch shape {
        case .messages: [messagesKey]
        case .promptCompletion: [promptKey, completionKey]
        case .text: [textKey]
        }
    }

    /// The shape that the named keys stand for; `nil` where none is named.
    ///
    /// - Throws: ``ConversationsError`` where they stand for several.
    func namedShape() throws -> RecordShape? {
        var shapes: [RecordShape] = []
        if messages != nil { shapes.append(.messages) }
        if prompt != nil || completion != nil { shapes.append(.promptCompletion) }
        if text != nil { shapes.append(.text) }
        guard shapes.count < 2 else {
            throw ConversationsError(
                "columns are named for \(shapes[0].rawValue) and for \(shapes[1].rawValue); name those of one shape"
            )
        }
        return shapes.first
    }

    /// The shape of an object; `nil` if it has none.
    func shape(of object: JSONObject) -> RecordShape? {
        RecordShape.allCases.first { has(object, $0) }
    }

    /// Returns true if an object has the keys of a shape; a key with null is none.
    func has(_ object: JSONObject, _ shape: RecordShape) -> Bool {
        keys(of: shape).allSatisfy { object[$0].map { !$0.isNull } ?? false }
    }
}
