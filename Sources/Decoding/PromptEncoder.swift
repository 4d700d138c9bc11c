import ChatTemplates
import JSON
import Tokenizers

/// Makes the tokens of a language model's prompts: of texts as they are, or of messages as the model's chat template writes them.
package struct PromptEncoder: Sendable {
    private let templates: ChatTemplates
    private let tokenizer: Tokenizer
    /// The model's path, for messages.
    private let path: String

    package init(_ templates: ChatTemplates, _ tokenizer: Tokenizer, path: String) {
        (self.templates, self.tokenizer, self.path) = (templates, tokenizer, path)
    }

    /// True if the model has a chat template.
    package var hasTemplate: Bool { !templates.names.isEmpty }

    /// The tokens of a text that goes on.
    package func tokens(of text: String) throws -> [Int32] { try tokenizer.encode(text).ids }

    /// The tokens of a conversation, with the assistant's turn opened.
    ///
    /// - Throws: ``GenerationError`` where the model has no chat template; `ChatTemplateError`.
    package func tokens(of messages: [JSONValue], tools: [JSONValue]? = nil) throws -> [Int32] {
        guard hasTemplate else {
            throw GenerationError(
                "\(path): has no chat template, which conversations need; give texts, or put one into the model's "
                    + "directory as chat_template.jinja")
        }
        var variables = templates.specialTokens
        for (key, id) in [("bos_token", tokenizer.bosTokenID), ("eos_token", tokenizer.eosTokenID)]
        where variables[key] == nil {
            variables[key] = id.flatMap(tokenizer.idToToken).map(JSONValue.string)
        }
        let text = try templates.template(hasTools: tools != nil).render(
            messages: messages, tools: tools, addGenerationPrompt: true, variables: variables
        ).text
        return try tokenizer.encode(text, addSpecialTokens: false).ids
    }

    /// The tokens of a user's only message.
    package func tokens(question: String) throws -> [Int32] {
        try tokens(of: [.object(["role": "user", "content": .string(question)])])
    }
}
