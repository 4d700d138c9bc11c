import JSON

/// The chat templates of a model: mostly one, sometimes several with names.
public struct ChatTemplates: Sendable {
    /// The templates by their names; a single one is called `default`.
    public let templates: [String: ChatTemplate]
    /// The special tokens that templates read as variables, such as `bos_token`, as far as the model's files name them.
    public let specialTokens: JSONObject

    /// Makes a model's templates.
    ///
    /// - Parameters:
    ///   - templates: The templates by their names.
    ///   - specialTokens: The variables that name special tokens.
    public init(templates: [String: ChatTemplate], specialTokens: JSONObject = [:]) {
        self.templates = templates
        self.specialTokens = specialTokens
    }

    /// The names of the templates, in order.
    public var names: [String] { templates.keys.sorted() }

    /// Chooses a template as transformers does: the one that is named, else `tool_use` where there are tools, else `default`.
    ///
    /// - Parameters:
    ///   - name: The template's name.
    ///   - hasTools: Whether tools are given.
    /// - Returns: The template.
    /// - Throws: ``ChatTemplateError/unknownTemplate(name:available:)`` with the names that there are.
    public func template(named name: String? = nil, hasTools: Bool = false) throws -> ChatTemplate {
        if name == nil, hasTools, let template = templates["tool_use"] { return template }
        let wanted = name ?? "default"
        guard let template = templates[wanted] else {
            throw ChatTemplateError.unknownTemplate(name: wanted, available: names)
        }
        return template
    }
}
