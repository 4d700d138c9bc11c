import Files
import Foundation
import JSON

@testable import ChatTemplates

/// What scripts/fixtures/chat_templates.py has written, and helpers to use it.
enum Fixture {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    static func json(_ name: String) throws -> JSONValue {
        try JSONValue.load(contentsOf: directory.appending(path: name))
    }

    /// What a template writes with whatever variables.
    static func render(
        _ source: String, _ variables: JSONObject = [:], clock: ChatTemplateClock = ChatTemplateClock(),
        limits: ChatTemplateLimits = ChatTemplateLimits()
    ) throws -> String {
        let template = try ChatTemplate(source: source, name: "test")
        do {
            let values = try variables.map { (name: $0.key, value: try Value($0.value)) }
            return try Renderer(template.parsed, limits: limits, clock: clock).render(values).text
        } catch let failure as TemplateFailure {
            throw ChatTemplateError(failure, template: template.name)
        }
    }
}

/// A template with a context and what Jinja makes of it.
struct JinjaCase {
    let source: String
    let context: JSONObject
    /// Nil where Jinja fails.
    let output: String?

    /// The cases of a list of templates, numbers of contexts and outputs.
    static func list(_ cases: JSONValue, _ contexts: JSONValue) -> [JinjaCase] {
        (cases.arrayValue ?? []).compactMap { item in
            guard let parts = item.arrayValue, parts.count == 3, let source = parts[0].stringValue,
                let index = parts[1].intValue, let context = contexts.arrayValue?[index].objectValue
            else { return nil }
            return JinjaCase(source: source, context: context, output: parts[2].stringValue)
        }
    }

    /// What is wrong with our output; nil if nothing is. What is refused by name is not wrong.
    var difference: String? {
        do {
            let ours = try Fixture.render(source, context)
            guard let output else {
                return "\(source.debugDescription)\n  Jinja fails, ours: \(ours.debugDescription)"
            }
            if Array(ours.utf8) == Array(output.utf8) { return nil }
            return
                "\(source.debugDescription)\n  Jinja: \(output.debugDescription)\n  ours:  \(ours.debugDescription)"
        } catch ChatTemplateError.unsupported {
            return nil
        } catch {
            return output.map {
                "\(source.debugDescription)\n  Jinja: \($0.debugDescription)\n  ours:  \(error)"
            }
        }
    }

    var isUnsupported: Bool {
        do { _ = try Fixture.render(source, context) } catch ChatTemplateError.unsupported {
            return true
        } catch {}
        return false
    }
}
