import ChatTemplates
import JSON

/// How records become texts.
public struct TrainingTextOptions: Sendable {
    /// The most tokens of a text, at least 2; `nil` cuts nothing.
    public var maxLength: Int?
    /// The name of the chat template; `nil` chooses as transformers does.
    public var templateName: String?
    /// The template's own options, such as `enable_thinking`.
    public var templateVariables: JSONObject
    /// The time for templates that write it; one for all texts.
    public var clock: ChatTemplateClock
    /// The number of threads; `nil` is that of the cores.
    public var threads: Int?

    /// Makes options.
    ///
    /// - Parameters:
    ///   - maxLength: The most tokens of a text, at least 2.
    ///   - templateName: The name of the chat template.
    ///   - templateVariables: The template's own options.
    ///   - clock: The time for templates that write it.
    ///   - threads: The number of threads.
    public init(
        maxLength: Int? = nil, templateName: String? = nil, templateVariables: JSONObject = [:],
        clock: ChatTemplateClock = ChatTemplateClock(), threads: Int? = nil
    ) {
        self.maxLength = maxLength
        self.templateName = templateName
        self.templateVariables = templateVariables
        self.clock = clock
        self.threads = threads
    }
}
