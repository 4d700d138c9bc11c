import Foundation
import JSON

@testable import ChatTemplates

/// A chat and what transformers makes of it.
struct ChatCase {
    let template: String
    let value: JSONObject

    /// The variables that are not arguments of their own.
    private static let arguments: Set<String> = [
        "template", "name", "messages", "tools", "documents", "add_generation_prompt",
        "continue_final_message", "text", "spans",
        "error", "tokens",
    ]

    /// When transformers rendered, if it asked for the time: 2026-03-04 05:06:07.
    private static let clock = ChatTemplateClock(secondsSince1970: 1_772_600_767, secondsFromGMT: 0)

    /// The templates that can be read, and the cases.
    static func read(_ file: JSONValue) -> (
        templates: [String: Result<ChatTemplate, any Error>], cases: [ChatCase]
    ) {
        var templates: [String: Result<ChatTemplate, any Error>] = [:]
        for (name, source) in file.objectValue?["templates"]?.objectValue ?? [:] {
            templates[name] = Result { try ChatTemplate(source: source.stringValue ?? "", name: name) }
        }
        let cases = (file.objectValue?["cases"]?.arrayValue ?? []).compactMap { item in
            item.objectValue.map { ChatCase(template: $0["template"]?.stringValue ?? "", value: $0) }
        }
        return (templates, cases)
    }

    func render(_ template: ChatTemplate) throws -> RenderedChat {
        var variables = value["tokens"]?.objectValue ?? ["bos_token": "<s>", "eos_token": "</s>"]
        for (key, value) in value where !Self.arguments.contains(key) { variables[key] = value }
        let continued = value["continue_final_message"]
        return try template.render(
            messages: value["messages"]?.arrayValue ?? [], tools: value["tools"]?.arrayValue,
            documents: value["documents"]?.arrayValue,
            addGenerationPrompt: value["add_generation_prompt"]?.boolValue ?? false,
            continuedField: continued.flatMap { $0.stringValue ?? ($0.boolValue == true ? "content" : nil) },
            variables: variables, clock: Self.clock)
    }

    /// What is wrong with our output; nil if nothing is.
    func difference(_ templates: [String: Result<ChatTemplate, any Error>]) -> String? {
        let name = "\(template) \(value["name"]?.stringValue ?? "")"
        let expected = value["text"]?.stringValue
        do {
            guard let template = try templates[template]?.get() else { return "\(name): no template" }
            let chat = try render(template)
            guard let expected else {
                return
                    "\(name)\n  fails: \(value["error"]?.stringValue ?? "")\n  ours: \(chat.text.debugDescription)"
            }
            guard Array(chat.text.utf8) == Array(expected.utf8) else {
                return
                    "\(name)\n  theirs: \(expected.debugDescription)\n  ours:   \(chat.text.debugDescription)"
            }
            let theirs = (value["spans"]?.arrayValue ?? []).compactMap {
                $0.arrayValue?.compactMap(\.intValue)
            }
            let ours = chat.generations.map { [$0.characters.lowerBound, $0.characters.upperBound] }
            let isTracked = value["spans"]?.arrayValue != nil && value["continue_final_message"] == nil
            return isTracked && theirs != ours ? "\(name)\n  their spans: \(theirs)\n  ours: \(ours)" : nil
        } catch let error as ChatTemplateError {
            if case .unsupported = error { return "\(name)\n  \(error)" }
            return expected.map { "\(name)\n  theirs: \($0.debugDescription)\n  ours:   \(error)" }
        } catch {
            return expected.map { "\(name)\n  theirs: \($0.debugDescription)\n  ours:   \(error)" }
        }
    }
}
