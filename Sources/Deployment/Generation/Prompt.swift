import ChatTemplates
import Conversations
import Datasets
import Foundation
import JSON

/// What a language model is to answer or to go on with.
public struct Prompt: Sendable, Equatable {
    /// A conversation's messages so far; `nil` for plain text.
    public var messages: [JSONValue]?
    /// The tools that the model may call.
    public var tools: [JSONValue]?
    /// The text to go on with, or the user's one message.
    public var text: String

    /// A text that a model goes on with.
    public init(text: String) { self.text = text }

    /// A conversation that a model answers.
    public init(messages: [JSONValue], tools: [JSONValue]? = nil) {
        (self.messages, self.tools, text) = (messages, tools, "")
    }

    /// A user's only message.
    public init(question: String) {
        self.init(messages: [.object(["role": "user", "content": .string(question)])])
    }
}

extension Prompt {
    /// Reads the prompts of a file of JSON lines or Parquet: `messages` that end before the assistant's turn, or `prompt`, a text or
    /// messages.
    ///
    /// - Parameters:
    ///   - url: The file.
    ///   - asChat: True to take a text for a user's message.
    /// - Throws: `DatasetError` that names file, line and key; `FileError`.
    public static func load(_ url: URL, asChat: Bool) throws -> [Prompt] {
        for file in try DataFiles.files(url) {
            let name = file.lastPathComponent.lowercased()
            let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
            guard ["jsonl", "json", "ndjson", "parquet"].contains(where: { plain.hasSuffix("." + $0) }) else {
                throw DatasetError(
                    "\(file.path): prompts are read of JSON lines (.jsonl, or .jsonl.gz) and Parquet (.parquet); write a line such as "
                        + #"{"prompt": "What is a wren?"} for each, or give a text by --prompt"#)
            }
        }
        let stream = try ObjectStream(url, parquetColumns: ["messages", "prompt", "tools"])
        var prompts: [Prompt] = []
        while let row = try stream.next() {
            let tools = row.object["tools"]?.arrayValue
            switch (row.object["messages"], row.object["prompt"]) {
            case (.array(var messages)?, nil), (nil, .array(var messages)?):
                // The answer that is there is the one to be replaced.
                if messages.last?.objectValue?["role"] == "assistant" { messages.removeLast() }
                guard !messages.isEmpty else {
                    throw stream.error(about: row, "has no message before the assistant's; give a user's")
                }
                if let problem = MessageRules.problem(messages, trainedFrom: nil) {
                    throw stream.error(about: row, problem)
                }
                prompts.append(Prompt(messages: messages, tools: tools))
            case (nil, .string(let text)?):
                guard !text.isEmpty else {
                    throw stream.error(about: row, "the prompt is empty; give a text")
                }
                prompts.append(asChat ? Prompt(question: text) : Prompt(text: text))
            default:
                throw stream.error(
                    about: row,
                    "has neither 'messages', a list, nor 'prompt', a text or a list of messages; give one of them"
                )
            }
        }
        return prompts
    }
}
