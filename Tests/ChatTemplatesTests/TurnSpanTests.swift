import JSON
import Testing

@testable import ChatTemplates

@Suite("The assistant's turns")
struct TurnSpanTests {
    private static let start = "{% for m in messages %}<{{ m.role }}>"
    private static let prompt = "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    private static let messages: [JSONValue] = [
        ["role": "user", "content": "hé"], ["role": "assistant", "content": "x日"],
        ["role": "user", "content": "b"],
        ["role": "assistant", "content": "y"],
    ]

    private func texts(_ spans: TurnSpans) -> [String] {
        spans.spans.map { String(decoding: Array(spans.text.utf8)[$0.utf8], as: UTF8.self) }
    }

    @Test("lie between the chat before and up to them")
    func prefixes() throws {
        let template = try ChatTemplate(source: Self.start + "{{ m.content }};" + Self.prompt)
        let spans = try template.turnSpans(messages: Self.messages)
        #expect(texts(spans) == ["x日;", "y;"])
        #expect(spans.spans.map(\.message) == [1, 3])
        #expect(spans.coverage == .everyTurn && spans.source == .prefixes)
        #expect(try template.turnSpans(messages: [Self.messages[0]]).spans.isEmpty)
        #expect(try texts(template.turnSpans(messages: Array(Self.messages.dropFirst()))) == ["x日;", "y;"])
    }

    @Test("are the marked blocks where a template marks them")
    func marked() throws {
        let template = try ChatTemplate(
            source: Self.start
                + "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %};{% endif %}"
                + Self.prompt)
        let spans = try template.turnSpans(messages: Self.messages)
        #expect(texts(spans) == ["x日", "y"])
        #expect(spans.source == .generationBlocks)
        let hidden = try ChatTemplate(
            source:
                "{% macro f() %}abc{% generation %}x{% endgeneration %}{% generation %}y{% endgeneration %}{% endmacro %}"
                + "{{ f() }}")
        #expect(throws: ChatTemplateError.self) { try hidden.turnSpans(messages: Self.messages) }
    }

    @Test("Where a template changes earlier turns, the last one is left")
    func lastOnly() throws {
        let template = try ChatTemplate(
            source: Self.start + "{{ '(thought)' if loop.last and m.role == 'assistant' }}{{ m.content }};"
                + Self.prompt)
        let spans = try template.turnSpans(messages: Self.messages)
        #expect(texts(spans) == ["(thought)y;"])
        #expect(spans.coverage == .onlyLastTurn(message: 1))
    }

    @Test("A last turn that does not follow its prompt is an error")
    func noPrompt() throws {
        let template = try ChatTemplate(
            source: Self.start + "{{ m.content }};{% endfor %}{% if add_generation_prompt %}?{% endif %}")
        #expect(throws: ChatTemplateError.self) { try template.turnSpans(messages: Self.messages) }
    }

    @Test("A chat that begins with the assistant's turn, where the template needs a message before")
    func assistantFirst() throws {
        let template = try ChatTemplate(
            source: "{{ messages[0].role.upper() }}{% for m in messages %}{{ m.content }};{% endfor %}")
        #expect(try texts(template.turnSpans(messages: [Self.messages[1]])) == ["ASSISTANTx日;"])
    }
}
