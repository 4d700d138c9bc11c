import JSON

extension ChatTemplate {
    /// Renders a chat and finds where the assistant speaks.
    ///
    /// If the template marks this by `{% generation %}`, its marks are taken. Else a turn begins where the chat before it, with
    /// the generation prompt, ends, and ends where the chat up to it ends.
    ///
    /// - Parameters:
    ///   - messages: The messages.
    ///   - tools: The tools' JSON schemas, if there are any.
    ///   - documents: Documents for the model, if there are any.
    ///   - variables: Further variables, such as special tokens.
    ///   - clock: The time for `strftime_now`.
    ///   - limits: How much the template may do in one rendering.
    /// - Returns: The chat with the spans; none where the assistant says nothing.
    /// - Throws: ``ChatTemplateError``, also where the last turn does not begin with what the model is given before it.
    public func turnSpans(
        messages: [JSONValue], tools: [JSONValue]? = nil, documents: [JSONValue]? = nil,
        variables: JSONObject = [:], clock: ChatTemplateClock = ChatTemplateClock(),
        limits: ChatTemplateLimits = ChatTemplateLimits()
    ) throws -> TurnSpans {
        let request = RenderRequest(
            tools: tools, documents: documents, variables: variables, clock: clock, limits: limits)
        let chat = try render(
            messages: messages, tools: tools, documents: documents, variables: variables, clock: clock,
            limits: limits)
        if marksGenerations { return try marked(chat) }

        let turns = messages.indices.filter { messages[$0].objectValue?["role"]?.stringValue == "assistant" }
        var spans: [TurnSpans.Span] = []
        var firstChanged: Int?
        for turn in turns {
            if let range = try span(of: turn, in: chat.text, messages, request) {
                spans.append(TurnSpans.Span(message: turn, utf8: range))
            } else if turn == turns.last {
                throw ChatTemplateError.messages(
                    reason:
                        "\(name): the last turn does not begin with what the model is given before it, so that "
                        + "its text cannot be found; use a template with {% generation %}")
            } else {
                firstChanged = firstChanged ?? turn
            }
        }
        guard let firstChanged else {
            return TurnSpans(text: chat.text, spans: spans, source: .prefixes, coverage: .everyTurn)
        }
        return TurnSpans(
            text: chat.text, spans: Array(spans.suffix(1)), source: .prefixes,
            coverage: .onlyLastTurn(message: firstChanged))
    }

    /// Where a turn lies in the chat; nil if the chat does not begin with what comes before the turn, or up to it.
    private func span(
        of turn: Int, in text: String, _ messages: [JSONValue], _ request: RenderRequest
    ) throws -> Range<Int>? {
        let before =
            turn == 0
            ? try emptyStart(request)
            : try render(Array(messages[..<turn]), request, addGenerationPrompt: true).text
        let end =
            turn == messages.count - 1
            ? text : try render(Array(messages[...turn]), request, addGenerationPrompt: false).text
        guard text.utf8.starts(with: end.utf8), end.utf8.starts(with: before.utf8) else { return nil }
        return before.utf8.count..<end.utf8.count
    }

    /// The start of a chat whose first turn is the assistant's; empty where the template needs a message.
    private func emptyStart(_ request: RenderRequest) throws -> String {
        do {
            return try render([], request, addGenerationPrompt: true).text
        } catch ChatTemplateError.rendering, ChatTemplateError.raised {
            return ""
        }
    }

    private func marked(_ chat: RenderedChat) throws -> TurnSpans {
        let length = chat.text.utf8.count
        let ranges = chat.generations.map(\.utf8).sorted { $0.lowerBound < $1.lowerBound }
        let areApart = zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }
        guard areApart, ranges.allSatisfy({ $0.upperBound <= length }) else {
            throw ChatTemplateError.messages(
                reason:
                    "\(name): {% generation %} stands inside of a macro or a set block, where its place in the text "
                    + "is not known; move it out of there")
        }
        return TurnSpans(
            text: chat.text, spans: ranges.map { TurnSpans.Span(message: nil, utf8: $0) },
            source: .generationBlocks, coverage: .everyTurn)
    }
}
