import Foundation
import JSON
import Testing

@testable import ChatTemplates

@Suite("Errors of templates")
struct ErrorTests {
    private func message(_ source: String) -> String {
        do {
            return "rendered: \(try Fixture.render(source))"
        } catch {
            return "\(error)"
        }
    }

    @Test("name the line and what to do")
    func lines() {
        #expect(
            message("a\n\n{{ x|xmlattr }}").hasPrefix(
                "test: line 3: the filter 'xmlattr' is not supported by these chat templates; there are: abs, "
            ))
        #expect(
            message("\n{% include 'a' %}").hasPrefix("test: line 2: the statement 'include' is not supported")
        )
        #expect(message("\n{% nope %}") == "test: line 2: unknown statement 'nope'")
        #expect(
            message("{% if 1 %}\n{% endfor %}").hasPrefix(
                "test: line 2: unknown statement 'endfor'; expected 'elif'"))
        #expect(
            message("{% if 1 %}\n\n").hasPrefix(
                "test: line 2: the template ends where 'elif' or 'else' or 'endif'"))
        #expect(message("\r\n\r{{ 1 + }}") == "test: line 3: unexpected '}}'")
        #expect(message("{{\n\n a.b.c }}") == "test: line 3: 'a' is undefined")
        #expect(
            message("{% set a = {} %}\n{{ a.b.c }}") == "test: line 2: 'dict object' has no attribute 'b'")
        #expect(message("\n{{ 1 + 'a' }}") == "test: line 2: cannot compute 'int' + 'str'")
        #expect(
            message("\n{{ 'a'.encode() }}").hasPrefix("test: line 2: 'encode' of a 'str' is not supported"))
        #expect(
            message("{{ [].append(1) }}").hasPrefix(
                "test: line 1: access to 'append' of a 'list' is not allowed"))
        #expect(
            message("{% macro f() %}\n{{ 1 / 0 }}{% endmacro %}\n\n{{ f() }}")
                == "test: line 2: division by zero")
        #expect(message("{{ 'a\n }}").hasPrefix("test: line 1: unexpected character \"'\""))
        #expect(message("{% for i in [1] recursive %}{% endfor %}").contains("use a macro"))
        #expect(message("{{ 99999999999999999999 }}").contains("more than 64 bits"))
        #expect(message("{{ x.y(\n1|items|list) }}") == "test: line 1: 'x' is undefined")
    }

    @Test("of raise_exception are the template's own words")
    func raised() throws {
        let template = try ChatTemplate(
            source: "\n{{ raise_exception('no ' ~ messages[0].role) }}", name: "t.jinja")
        #expect(throws: ChatTemplateError.raised(template: "t.jinja", line: 2, message: "no user")) {
            try template.render(messages: [["role": "user"]])
        }
    }

    @Test("of messages say what they must be")
    func messages() throws {
        let template = try ChatTemplate(source: "{{ messages|length }}{{ 'content' }}")
        #expect(throws: ChatTemplateError.self) { try template.render(messages: []) }
        #expect(throws: ChatTemplateError.self) { try template.render(messages: ["text"]) }
        #expect(throws: ChatTemplateError.self) { try template.render(messages: [[:]], tools: ["x"]) }
        #expect(throws: ChatTemplateError.self) { try template.render(messages: [[:]], documents: [1]) }
        #expect(throws: ChatTemplateError.self) {
            try template.render(
                messages: [["content": "a"]], addGenerationPrompt: true, continuedField: "content")
        }
        #expect(throws: ChatTemplateError.self) {
            try template.render(messages: [["role": "a"]], continuedField: "content")
        }
        // The template does not write the message.
        #expect(throws: ChatTemplateError.self) {
            try template.render(messages: [["content": "a"]], continuedField: "content")
        }
    }

    @Test("The time is written by strftime's rules, in English")
    func time() throws {
        let clock = ChatTemplateClock(secondsSince1970: 1_772_600_767, secondsFromGMT: 0)
        let forms = "%Y-%m-%d %H:%M:%S|%d %b %Y|%B %A %a|%-d %j %y %I %p %e|%%|%f|%z%Z|%F %T|é%Y"
        let text = try Fixture.render("{{ strftime_now('\(forms)') }}", clock: clock)
        #expect(
            text
                == "2026-03-04 05:06:07|04 Mar 2026|March Wednesday Wed|4 063 26 05 AM  4|%|000000||2026-03-04 05:06:07|é2026"
        )
        #expect(try Fixture.render("{{ strftime_now('') }}|{{ strftime_now('%z') }}", clock: clock) == "|")
    }
}
