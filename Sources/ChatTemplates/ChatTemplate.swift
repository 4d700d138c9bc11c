import JSON

/// A chat template in Jinja, as models of Hugging Face come with, which gives the bytes that transformers'
/// `apply_chat_template` gives.
public struct ChatTemplate: Sendable {
    /// The template's text.
    public let source: String
    /// The name of the template or its file, for errors.
    public let name: String

    let parsed: ParsedTemplate

    /// Reads a template.
    ///
    /// - Parameters:
    ///   - source: The template's text.
    ///   - name: The name of the template or its file, for errors.
    /// - Throws: ``ChatTemplateError`` with the line of what is wrong.
    public init(source: String, name: String = "chat template") throws {
        self.source = source
        self.name = name
        do {
            parsed = try Parser.parse(source)
        } catch let failure as TemplateFailure {
            throw ChatTemplateError(failure, template: name)
        }
    }

    /// True if the template marks what the assistant says by `{% generation %}`.
    public var marksGenerations: Bool { parsed.hasGeneration }

    /// Renders a chat.
    ///
    /// As in transformers, members of messages that are `null` are left out, and a message's reasoning is known as
    /// `reasoning_content` and `thinking` whichever of the names it came by.
    ///
    /// - Parameters:
    ///   - messages: The messages, each an object with a `role` and mostly a `content`.
    ///   - tools: The tools' JSON schemas, if there are any.
    ///   - documents: Documents for the model, if there are any.
    ///   - addGenerationPrompt: Whether the assistant's turn is opened at the end.
    ///   - continuedField: The last message's member at whose end the text ends, mostly `content`, so that the model goes on
    ///     with it.
    ///   - variables: Further variables: special tokens such as `bos_token`, and the template's own options.
    ///   - clock: The time for `strftime_now`.
    ///   - limits: How much the template may do.
    /// - Returns: The text.
    /// - Throws: ``ChatTemplateError``.
    public func render(
        messages: [JSONValue], tools: [JSONValue]? = nil, documents: [JSONValue]? = nil,
        addGenerationPrompt: Bool = false, continuedField: String? = nil, variables: JSONObject = [:],
        clock: ChatTemplateClock = ChatTemplateClock(), limits: ChatTemplateLimits = ChatTemplateLimits()
    ) throws -> RenderedChat {
        guard !messages.isEmpty else {
            throw ChatTemplateError.messages(reason: "the chat has no messages; give at least one")
        }
        let request = RenderRequest(
            tools: tools, documents: documents, variables: variables, clock: clock, limits: limits)
        guard let continuedField else {
            return try render(messages, request, addGenerationPrompt: addGenerationPrompt)
        }
        guard !addGenerationPrompt else {
            throw ChatTemplateError.messages(
                reason: "a chat cannot both continue its last message and open a new turn; choose one")
        }
        return try ContinuedMessage.render(self, messages, request, field: continuedField)
    }

    /// Renders messages, of which there may be none.
    func render(
        _ messages: [JSONValue], _ request: RenderRequest, addGenerationPrompt: Bool
    ) throws -> RenderedChat {
        let messages = try MessageForm.normalized(messages)
        for document in request.documents ?? [] where document.objectValue == nil {
            throw ChatTemplateError.messages(
                reason: "a document is \(document.typeName); give objects with 'title' and 'text'")
        }
        for tool in request.tools ?? [] where tool.objectValue == nil {
            throw ChatTemplateError.messages(
                reason: "a tool is \(tool.typeName); give JSON schemas, which are objects")
        }
        do {
            var variables: [(name: String, value: Value)] = []
            variables.append(("messages", try Value(.array(messages))))
            variables.append(("tools", try request.tools.map { try Value(.array($0)) } ?? .none))
            variables.append(("documents", try request.documents.map { try Value(.array($0)) } ?? .none))
            variables.append(("add_generation_prompt", .bool(addGenerationPrompt)))
            for variable in request.variables { variables.append((variable.key, try Value(variable.value))) }
            let renderer = Renderer(parsed, limits: request.limits, clock: request.clock)
            return try renderer.render(variables)
        } catch let failure as TemplateFailure {
            throw ChatTemplateError(failure, template: name)
        }
    }
}

/// What a chat is rendered with.
struct RenderRequest: Sendable {
    var tools: [JSONValue]?
    var documents: [JSONValue]?
    var variables: JSONObject
    var clock: ChatTemplateClock
    var limits: ChatTemplateLimits
}
