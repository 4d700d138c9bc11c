import Foundation
import Testing

@testable import Distillation
@testable import distill

@Suite("Names from files cannot steer the terminal")
struct VisibleTextTests {
    @Test(
        "control characters and those of direction are written as JSON escapes them, others stay",
        arguments: [
            ("neg\u{1B}]0;owned\u{07}\u{1B}[31m\u{202E}", "neg\\u001b]0;owned\\u0007\\u001b[31m\\u202e"),
            ("\u{7F}\u{80}\u{9B}31m\u{9F}", "\\u007f\\u0080\\u009b31m\\u009f"),
            ("\u{61C}\u{200E}\u{200F}", "\\u061c\\u200e\\u200f"),
            ("\u{202A}\u{2066}\u{2069}\u{2028}", "\\u202a\\u2066\\u2069\\u2028"), ("\0\r", "\\u0000\\u000d"),
            ("é ü 日本 — “x” 👩‍👩‍👧 ا", "é ü 日本 — “x” 👩‍👩‍👧 ا"), ("a\nb\tc", "a\nb\tc"), ("", ""),
            ("À\u{A0}", "À\u{A0}"),
        ])
    func characters(_ text: String, _ shown: String) {
        #expect(Array(text.visible().utf8) == Array(shown.utf8))
        #expect(text.visible().visible() == text.visible())
    }

    @Test("of a name lines and tabs are made visible too")
    func lines() {
        #expect("a\nb\tc".visible(keepingLines: false) == "a\\u000ab\\u0009c")
    }

    @Test("each character that is obeyed is found, by itself and among others")
    func all() {
        for value in (0..<0x3000 as Range<UInt32>) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let isObeyed =
                value < 0x20 || (0x7F...0x9F).contains(value) || value == 0x61C
                || (0x200E...0x200F).contains(value)
                || (0x2028...0x202E).contains(value) || (0x2066...0x2069).contains(value)
            for text in ["\(scalar)", "aé\(scalar)—ا"] {
                #expect(
                    (text.visible(keepingLines: false) != text) == isObeyed, "\(String(value, radix: 16))")
            }
        }
    }

    @Test("tables, warnings, notes and bars")
    func places() {
        var table = TextTable("F1", "a\u{1B}[31m")
        table.add("b\nc\u{202E}", "1")
        #expect(!table.text.contains("\u{1B}") && table.text.contains("b\\u000ac\\u202e"))
        #expect(table.text.split(separator: "\n").count == 3)
        var text = ""
        let renderer = RunRenderer(isInteractive: true, isQuiet: false) { text += $0 }
        let bad = "x\u{1B}]0;owned\u{07}\u{9B}y"
        for event: RunEvent in [
            .phaseStarted(bad),
            .progress(RunProgress(completed: 1, total: 1, unit: "step", examples: 1, detail: bad)),
            .note(bad),
            .warning(bad),
        ] { renderer.handle(event) }
        renderer.repeatWarnings()
        #expect(!text.contains("\u{1B}]") && !text.contains("\u{07}") && !text.contains("\u{9B}"))
        #expect(text.contains("x\\u001b]0;owned\\u0007\\u009by"))
    }

    @Test("labels and file names with escape codes: evaluate, predict and errors")
    func program() throws {
        let scratch = try Scratch()
        let name = "neg\\u001b]0;owned\\u0007\\u009b\\u202e\\u007f"
        let model = try scratch.model(
            "model", config: ("\"0\": \"negative\"", "\"0\": \"\(name)\""),
            ("\"negative\": 0", "\"\(name)\": 0"))
        let data = try scratch.write("text,label\na film,0\na plot,1\n", to: "d.csv")
        func expectClean(_ result: Program.Result, sourceLocation: SourceLocation = #_sourceLocation) {
            for text in [result.output, result.errors] {
                #expect(text.visible() == text, sourceLocation: sourceLocation)
            }
        }
        let shown = try Program.run(["evaluate", "--model", model, "--data", data, "--latency-samples", "0"])
        #expect(shown.status == 0 && shown.output.contains(name), "\(shown.errors)")
        expectClean(shown)
        let json = try Program.run([
            "evaluate", "--model", model, "--data", data, "--latency-samples", "0", "--json",
        ])
        expectClean(json)
        let report = try JSONText.decode(EvaluationReport.self, from: json.output)
        #expect(report.labels[0] == "neg\u{1B}]0;owned\u{07}\u{9B}\u{202E}\u{7F}")
        let answers = try Program.run(["predict", "--model", model], input: "a film\n")
        expectClean(answers)
        let unknown = try scratch.write("text,label\na film,x\u{1B}[31m\u{202E}\n", to: "e\u{1B}[32m.csv")
        let refused = try Program.run(["evaluate", "--model", model, "--data", unknown])
        #expect(refused.status == 1 && refused.errors.contains("unknown label 'x\\u001b[31m\\u202e'"))
        #expect(refused.errors.contains("e\\u001b[32m.csv"))
        expectClean(refused)
    }
}
