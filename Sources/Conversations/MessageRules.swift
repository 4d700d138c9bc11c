import Datasets
import JSON

/// What a conversation must be, whatever the template: messages with roles and contents, in an order that makes sense.
///
/// Roles are those that chat templates know: what is written otherwise is left out by some, and rendered but never trained by others.
/// The order is checked: at most one system message, at the start, then the user's turn, and neither two turns of the user nor two of
/// the assistant without another between them. A turn of the assistant that is trained says something.
package enum MessageRules {
    private static let system = ["system", "developer"]
    /// The roles that templates of models know, besides.
    private static let others = [
        "user", "assistant", "tool", "function", "ipython", "observation", "environment", "context",
        "documents",
    ]

    /// What is wrong with messages, as an error says it behind their key; `nil` if nothing is.
    ///
    /// - Parameter first: The index of the first message that may be trained; `nil` for a prompt, whose answer is to be written.
    package static func problem(_ messages: [JSONValue], trainedFrom first: Int?) -> String? {
        guard !messages.isEmpty else { return "has no messages; remove the row or fill it" }
        var roles: [String] = []
        for (index, message) in messages.enumerated() {
            guard let object = message.objectValue else {
                return
                    "message \(index + 1) must be an object with 'role' and 'content', got \(message.typeName)"
            }
            guard let role = object["role"], !role.isNull else {
                return "message \(index + 1) has no 'role'; say who speaks: system, user, assistant or tool"
            }
            guard let role = role.stringValue else {
                return "message \(index + 1): 'role' must be a string, got \(role.typeName)"
            }
            guard system.contains(role) || others.contains(role) else {
                return
                    "message \(index + 1): 'role' is '\(DatasetError.shown(role))', which chat templates do not know; write system, "
                    + "user, assistant or tool"
            }
            if let problem = contentProblem(
                object, isTrained: role == "assistant" && first.map { index >= $0 } == true)
            {
                return "message \(index + 1): \(problem)"
            }
            roles.append(role)
        }
        if let problem = orderProblem(roles) { return problem }
        guard let first else { return nil }
        guard roles[min(first, roles.count)...].contains("assistant") else {
            return "has no turn of the assistant to train on; remove the row, or add the assistant's answer"
        }
        return nil
    }

    /// What is wrong with a message's content.
    private static func contentProblem(_ message: JSONObject, isTrained: Bool) -> String? {
        // An assistant's turn may be calls of tools alone.
        let hasCalls = message["tool_calls"]?.arrayValue?.isEmpty == false
        let isEmpty =
            "'content' is empty, so that the model would learn to say nothing; fill it, or remove the row"
        switch message["content"] {
        case .string(let text)?: return isTrained && !hasCalls && isBlank(text) ? isEmpty : nil
        case nil, .null?:
            if hasCalls { return nil }
            return "'content' is missing; fill it, or remove the row"
        case .array(let parts)?:
            for part in parts {
                guard part.objectValue?["type"]?.stringValue == "text",
                    part.objectValue?["text"]?.stringValue != nil
                else { return "'content' has a part that is no text; images and sounds cannot be trained on" }
            }
            let texts = parts.compactMap { $0.objectValue?["text"]?.stringValue }
            return isTrained && !hasCalls && texts.allSatisfy(isBlank) ? isEmpty : nil
        case let value?: return "'content' must be a string, got \(value.typeName)"
        }
    }

    /// What is wrong with the order of the roles.
    private static func orderProblem(_ roles: [String]) -> String? {
        var previous: String?
        for (index, role) in roles.enumerated() {
            defer { previous = role }
            let place = "message \(index + 1) is the \(DatasetError.shown(role))'s"
            if system.contains(role) {
                if index > 0 { return "does not alternate: \(place), which must be the first" }
            } else if role == "assistant" || role == "user" {
                if let previous, role == previous {
                    return
                        "does not alternate: \(place) like the one before; join the two, or remove the row"
                }
                if role == "assistant", previous.map(system.contains) ?? true {
                    return
                        "does not alternate: \(place) without a turn of the user before; remove it or the row"
                }
            }
        }
        return nil
    }
}
