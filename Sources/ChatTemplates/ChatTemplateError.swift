/// A reason why a chat template could not be loaded or rendered.
public enum ChatTemplateError: Error, Sendable, Equatable {
    /// A template's text is not well formed.
    case syntax(template: String, line: Int, reason: String)
    /// A template uses what Jinja has and these templates lack.
    case unsupported(template: String, line: Int, reason: String)
    /// A template does with the messages what Jinja refuses too.
    case rendering(template: String, line: Int, reason: String)
    /// A template refuses the messages by `raise_exception`; the message is its own.
    case raised(template: String, line: Int, message: String)
    /// A template goes beyond a limit.
    case limit(template: String, line: Int, reason: String)
    /// The messages, tools or documents are not what they must be.
    case messages(reason: String)
    /// A directory or file holds no template, or no valid one.
    case unreadable(file: String, reason: String)
    /// There is no template of a name.
    case unknownTemplate(name: String, available: [String])
}

extension ChatTemplateError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .syntax(let template, let line, let reason), .unsupported(let template, let line, let reason),
            .rendering(let template, let line, let reason), .limit(let template, let line, let reason):
            "\(template): line \(line): \(reason)"
        case .raised(let template, let line, let message):
            "\(template): line \(line): the template refuses these messages: \(message)"
        case .messages(let reason): reason
        case .unreadable(let file, let reason): "\(file): \(reason)"
        case .unknownTemplate(let name, let available):
            available.isEmpty
                ? "there is no chat template; give a model that has one, as chat_template.jinja or in "
                    + "tokenizer_config.json"
                : "there is no chat template \(quoted(name)); there are: \(available.joined(separator: ", "))"
        }
    }

    /// The error of a failure.
    init(_ failure: TemplateFailure, template: String) {
        let line = failure.line ?? 1
        switch failure.kind {
        case .syntax: self = .syntax(template: template, line: line, reason: failure.reason)
        case .unsupported: self = .unsupported(template: template, line: line, reason: failure.reason)
        case .rendering: self = .rendering(template: template, line: line, reason: failure.reason)
        case .raised: self = .raised(template: template, line: line, message: failure.reason)
        case .limit: self = .limit(template: template, line: line, reason: failure.reason)
        }
    }
}
