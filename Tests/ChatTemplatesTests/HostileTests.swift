import Foundation
import JSON
import TestSupport
import Testing

@testable import ChatTemplates

@Suite("Hostile templates")
struct HostileTests {
    /// Runs the body on a thread with as small a stack as any has.
    private func onSmallStack(_ body: @escaping @Sendable () -> Void) {
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            body()
            done.signal()
        }
        #if DEBUG
            // Without whole-module optimization frames take several times as much.
            thread.stackSize =
                ProcessInfo.processInfo.environment["DISTILL_SANITIZER"] == nil ? 4 << 20 : 64 << 20
        #else
            thread.stackSize = 512 << 10
        #endif
        thread.start()
        done.wait()
    }

    private static func repeated(_ text: String, _ count: Int = 20_000) -> String {
        String(repeating: text, count: count)
    }

    /// Templates that must end by an error, soon, without using up the stack.
    private static let refused: [String] = [
        "{{ " + repeated("(") + "1" + repeated(")") + " }}",
        "{{ " + repeated("[") + repeated("]") + " }}",
        "{{ " + repeated("{1:") + "1" + repeated("}") + " }}",
        "{{ " + repeated("not ") + "1 }}",
        "{{ " + repeated("- ") + "1 }}",
        "{{ " + repeated("a(") + repeated(")") + " }}",
        "{{ " + repeated("a[") + repeated("]") + " }}",
        "{{ x " + repeated("if x ", 10_000) + "}}",
        "{{ " + repeated("1 if 0 else ") + "1 }}",
        "{{ x " + repeated("is a(x ") + repeated(")") + "}}",
        repeated("{% if 1 %}") + repeated("{% endif %}"),
        repeated("{% for i in [1] %}") + repeated("{% endfor %}"),
        repeated("{% set a %}") + repeated("{% endset %}"),
        repeated("{% if 1 %}"),
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(a) %}{% for i in [1] %}{% if a %}{{ f(f(a)) }}{% endif %}{% endfor %}{% endmacro %}{{ f(1) }}",
        "{% macro f(a=f()) %}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{% set x %}{{ f() }}{% endset %}{% endmacro %}{{ f() }}",
        "{{ range(100001) }}", "{{ range(10 ** 18)|list }}", "{{ 'a' * 10 ** 12 }}", "{{ [1] * 10 ** 12 }}",
        "{{ '%1000000000s' % 'a' }}", "{{ '%.999999999f' % 1 }}", "{{ 'a'.zfill(10 ** 12) }}",
        "{{ 'a'|center(10 ** 12) }}",
        "{{ 'a'|indent(10 ** 12, true) }}", "{{ [1]|tojson(indent=10 ** 9) }}",
        "{{ [1]|batch(10 ** 12, 1)|list }}",
        "{{ [1]|slice(10 ** 12)|list }}", "{{ 9 ** 99 }}", "{{ 9223372036854775807 + 1 }}",
        "{{ -9223372036854775807 - 2 }}",
        "{{ 99999999999999999999 }}", "{{ 1e300 ** 9 }}", "{{ '1' * 400 }}{{ ('9' * 400)|int }}",
        "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s|replace('a', 'abab') %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l={}) %}{% for i in range(99999) %}{% set ns.l = {'a': ns.l} %}{% endfor %}{{ ns.l|tojson }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = ns.l|map('upper') %}{% endfor %}{{ ns.l|list }}",
        "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ 'x' * 100000 }}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for a in range(99999) %}{{ s|replace('b', 'c')|length }}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for a in range(99999) %}{{ s[5] }}{% endfor %}",
        "{% set l = range(99999)|list %}{% for a in l %}{{ a in l }}{% endfor %}",
        "{{ range(99999)|join('x' * 10000) }}", "{{ ('x' * 10000).join(range(99999)|map('string')) }}",
        "{{ range(-4611686018427387904, 4611686018427387904) }}",
        "{{ 'a'|truncate(-9223372036854775807, leeway=-9223372036854775807) }}",
        "{{ 'a'|truncate(1, end='', leeway=-9223372036854775807 - 1) }}",
        "{{ [1]|batch(9223372036854775807, 1)|list }}",
        "{{ strftime_now('a\\0b') }}", "{{ strftime_now('%99999999d') }}",
        "{{ 'a'[::-9223372036854775807 - 2] }}",
        "{% set d = dict(range(99999)|map('string')|map('batch', 9)|map('list')|list) %}",
        "{{ '%*d' % (-9223372036854775807 - 1, 1) }}", "{{ '%.*f' % (9223372036854775807, 1) }}",
        "{{ '{0}'.format('a' * 100000000) }}", "{{ ('{0}' * 1000000).format('a' * 100000) }}",
    ]

    /// Far more than these take, and far less than what grows with the square of their length; a sanitizer makes all slower.
    private static let mostSeconds: TimeInterval =
        ProcessInfo.processInfo.environment["DISTILL_SANITIZER"] == nil ? 20 : 200

    @Test("end by an error within the limits, on the smallest stack", arguments: Self.refused.indices)
    func areRefused(index: Int) {
        onSmallStack {
            let start = Date()
            let limits = ChatTemplateLimits(steps: 5_000_000)
            #expect(throws: ChatTemplateError.self) {
                try Fixture.render(Self.refused[index], limits: limits)
            }
            #expect(Date().timeIntervalSince(start) < Self.mostSeconds)
        }
    }

    @Test("with values that hold one another in long chains are taken apart without using up the stack")
    func longChains() {
        onSmallStack {
            let chains = [
                "{% set ns = namespace(n=1) %}{% for i in range(99999) %}{% set ns.n = namespace(n=ns.n) %}{% endfor %}",
                "{% set ns = namespace() %}{% set ns.t = ns %}{% for i in range(50000) %}{% set t = ns.t %}"
                    + "{% set u = namespace() %}{% set t.next = u %}{% set ns.t = u %}{% endfor %}",
                "{% set ns = namespace() %}{% for i in range(50000) %}{% set p = ns.m %}{% macro f() %}{{ p }}{% endmacro %}"
                    + "{% set ns.m = f %}{% endfor %}",
                "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns.a.a.a is defined }}",
            ]
            for chain in chains { #expect(throws: Never.self) { try Fixture.render(chain) } }
        }
    }

    @Test("that are long and flat are rendered")
    func longAndFlat() throws {
        onSmallStack {
            #expect(throws: Never.self) {
                let sum = try Fixture.render("{{ " + Self.repeated("1 + ") + "1 }}")
                #expect(sum == "20001")
                let text = try Fixture.render(
                    "{{ 'a'" + Self.repeated("|upper") + " }}{{ x" + Self.repeated(" or x") + "}}")
                #expect(text == "A")
                let branches = try Fixture.render(
                    "{% if 0 %}" + Self.repeated("{% elif 0 %}") + "{% else %}e{% endif %}")
                #expect(branches == "e")
                #expect(try Fixture.render(Self.repeated("{{ 1 }}{# #}")) == Self.repeated("1"))
            }
        }
    }

    @Test("with very many names, arguments or members take no longer than their length")
    func many() throws {
        let start = Date()
        let numbers = 0..<20_000
        let sets = numbers.map {
            "{% set a\($0) = 1 %}{% if a\($0) %}{% set b\($0) = 1 %}{% else %}{% set c\($0) = 1 %}{% endif %}"
        }
        #expect(try Fixture.render(sets.joined()) == "")
        let arguments = numbers.map { "a\($0)=1" }.joined(separator: ", ")
        #expect(try Fixture.render("{{ dict(\(arguments))|length }}") == "20000")
        #expect(
            try Fixture.render(
                "{% set ns = namespace(\(arguments)) %}{% for i in range(20000) %}{% set ns.a19999 = i %}{% endfor %}{{ ns.a19999 }}"
            ) == "19999")
        #expect(try Fixture.render("{% set d = dict(\(arguments)) %}{{ dict(**d)|length }}") == "20000")
        #expect(
            try Fixture.render("{% macro f() %}{{ kwargs|length }}{% endmacro %}{{ f(\(arguments)) }}")
                == "20000")
        #expect(Date().timeIntervalSince(start) < Self.mostSeconds)
    }

    @Test("with damaged text never crash")
    func mutations() throws {
        let templates = try JinjaCase.list(Fixture.json("random.json"), Fixture.json("contexts.json"))
        let chats = try #require(Fixture.json("chats.json").objectValue?["templates"]?.objectValue)
        let sources = templates.map(\.source) + chats.values.compactMap(\.stringValue)
        let pieces = [
            "{%", "%}", "{{", "}}", "{#", "#}", "-", "|", "(", ")", "[", "]", "'", "\"", "\\", "\0", "\r\n",
            "if", "else", " in ", " is ",
            "not ", "set", "endfor", "endif", "raw", "é", "\u{301}", ".", ",", "=", "**", "9",
            "{% for i in 'ab' %}", "{% endmacro %}", "loop.",
        ]
        var generator = SeededGenerator(seed: 5)
        let limits = ChatTemplateLimits(steps: 20_000, textBytes: 1 << 16)
        for _ in 0..<20_000 {
            var text = Array(try #require(sources.randomElement(using: &generator)).unicodeScalars)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let start = Int.random(in: 0...text.count, using: &generator)
                let end = min(text.count, start + Int.random(in: 0...3, using: &generator))
                let piece = try #require(pieces.randomElement(using: &generator))
                text.replaceSubrange(
                    start..<end, with: Bool.random(using: &generator) ? Array(piece.unicodeScalars) : [])
            }
            do {
                _ = try Fixture.render(
                    String(scalars: text), ["s": "text", "messages": [["role": "user"]]], limits: limits)
            } catch is ChatTemplateError {
                continue
            }
        }
    }
}
