import JSON

/// Renders a chat that ends inside of its last message, so that a model goes on with it.
enum ContinuedMessage {
    private static let tag = "CONTINUE_FINAL_MESSAGE_TAG "

    /// Renders a chat up to the end of a member of its last message: a tag behind it shows where the template puts it.
    static func render(
        _ template: ChatTemplate, _ messages: [JSONValue], _ request: RenderRequest, field: String
    ) throws -> RenderedChat {
        let normalized = try MessageForm.normalized(messages)
        guard var last = normalized.last?.objectValue, let content = last[field] else {
            throw ChatTemplateError.messages(reason: "the last message has no \(quoted(field)) to continue")
        }
        var fields = [field]
        if MessageForm.reasoningFields.contains(field) {
            fields = MessageForm.reasoningFields.filter { last[$0] == content }
        }
        guard fields.contains(where: { !template.source.ranges(of: $0, limit: 1).isEmpty }) else {
            throw ChatTemplateError.messages(
                reason: "the chat template does not read \(quoted(field)), so that it cannot be continued")
        }
        let text: String
        switch content {
        case .string(let string):
            text = string
            for field in fields { last[field] = .string(string + tag) }
        case .array(let parts):
            let (tagged, string) = try withTag(parts)
            text = string
            last[field] = .array(tagged)
        default:
            throw ChatTemplateError.messages(
                reason:
                    "\(quoted(field)) of the last message is \(content.typeName), which cannot be continued")
        }
        let chat = try template.render(
            normalized.dropLast() + [.object(last)], request, addGenerationPrompt: false)
        return try cut(chat.text, after: text)
    }

    private static func withTag(_ parts: [JSONValue]) throws -> (parts: [JSONValue], text: String) {
        for index in parts.indices.reversed() {
            guard var part = parts[index].objectValue, let text = part["text"]?.stringValue else { continue }
            part["text"] = .string(text + tag)
            var tagged = parts
            tagged[index] = .object(part)
            return (tagged, text)
        }
        throw ChatTemplateError.messages(reason: "the last message has no text to continue")
    }

    private static func cut(_ chat: String, after text: String) throws -> RenderedChat {
        let bare = tag.stripped(nil)
        guard let place = chat.ranges(of: bare).last,
            text.stripped(nil).isEmpty || !chat.ranges(of: text.stripped(nil), limit: 1).isEmpty
        else {
            throw ChatTemplateError.messages(
                reason:
                    "the template does not write the last message as it is, so that it cannot be continued")
        }
        let bytes = Array(chat.utf8)
        let start = String(decoding: bytes[..<place.lowerBound], as: UTF8.self)
        // Where the template strips the message, the white space before the tag was not at its end.
        let isWhole = bytes[place.lowerBound...].starts(with: tag.utf8)
        return RenderedChat(text: isWhole ? start : start.stripped(nil, start: false), generations: [])
    }
}
