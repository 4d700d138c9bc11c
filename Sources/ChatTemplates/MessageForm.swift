import JSON

/// Brings messages into the form that templates expect, as transformers does.
enum MessageForm {
    /// The names by which a message's reasoning comes; templates read the first, or the second.
    static let reasoningFields = ["reasoning_content", "thinking", "reasoning"]

    static func normalized(_ messages: [JSONValue]) throws -> [JSONValue] {
        try messages.enumerated().map { index, message in
            guard let object = message.objectValue else {
                throw ChatTemplateError.messages(
                    reason:
                        "message \(index + 1) is \(message.typeName); give an object with 'role' and 'content'"
                )
            }
            return .object(
                withReasoning(JSONObject(object.filter { !$0.value.isNull }.map { ($0.key, $0.value) })))
        }
    }

    private static func withReasoning(_ message: JSONObject) -> JSONObject {
        guard let reasoning = reasoningFields.lazy.compactMap({ message[$0] }).first else { return message }
        var result: JSONObject = ["thinking": reasoning]
        for member in message { result[member.key] = member.value }
        result["reasoning_content"] = reasoning
        return result
    }
}
