import Foundation
import JSON
import Testing

@testable import Reports

@Suite("The page")
struct PageTests {
    /// What every page must be.
    private func check(_ html: String) {
        let lower = html.lowercased()
        #expect(html.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        #expect(html.hasSuffix("</html>\n"))
        for part in [
            "<script", "<link", "<img", "<iframe", "@import", "url(", "javascript:", " onload=", "{{", "}}",
        ] {
            #expect(!lower.contains(part), "\(part)")
        }
        #expect(html.contains("Content-Security-Policy\" content=\"default-src 'none'"))
        // Nothing is loaded: the only address is the name of SVG.
        #expect(
            lower.replacing("http://www.w3.org/2000/svg", with: "").contains("http")
                == lower.contains("http-equiv"))
        #expect(html.ranges(of: "<h1").count == 1)
        let ids = html.matches(of: /\sid="([^"]*)"/).map { String($0.output.1) }
        #expect(Set(ids).count == ids.count)
        let known = Set(ids)
        for link in html.matches(of: /href="#([^"]*)"/) { #expect(known.contains(String(link.output.1))) }
        for label in html.matches(of: /aria-labelledby="([^"]*)"/) {
            for id in label.output.1.split(separator: " ") { #expect(known.contains(String(id))) }
        }
        var level = 0
        for heading in html.matches(of: /<h([1-6])/) {
            let own = Int(heading.output.1) ?? 0
            #expect(own <= level + 1)
            level = own
        }
        #expect(html.ranges(of: "<table").count == html.ranges(of: "<caption").count)
        for name in [
            "section", "table", "figure", "details", "svg", "ol", "ul", "dl", "div", "li", "p", "main",
        ] {
            #expect(
                html.ranges(of: "<\(name)>").count + html.ranges(of: "<\(name) ").count
                    == html.ranges(of: "</\(name)>").count, "\(name)")
        }
    }

    private func words(_ html: String) -> String {
        html.replacing(/<style>.*?<\/style>/.dotMatchesNewlines(), with: "").replacing(/<[^>]*>/, with: " ")
            .replacing(/\s+/, with: " ")
    }

    @Test("a run: its message, its figures and every part")
    func run() throws {
        let records = try Records()
        let html = try HTMLReport(records.run()).html()
        check(html)
        let text = words(html)
        for part in [
            "The student keeps 95.6 % of the teacher’s accuracy (86.00 % against 90.00 %) at 1/5.0 of its size, and "
                + "runs 11.4 times as fast.",
            "Distilled from teacher on train.csv (900 examples)", "The trade-off", "Training loss",
            "Learning rate",
            "Gradient norm", "F1 by class", "Confusion matrix of student", "Confusion matrix of teacher",
            "Calibration",
            "Where teacher and student differ most", "Where both are wrong", "3 more", "a dull film 7",
            "91.30 %",
            "0.0848", "Settings and versions", "learning rate", "61.5 s", "distill test",
        ] { #expect(text.contains(part), "\(part)") }
        #expect(!text.contains("without the teacher"))
    }

    @Test("a record alone, without curves and analysis, has what it has")
    func recordAlone() throws {
        let records = try Records()
        let url = try records.write("old", ["distillation.json": Records.distillation().serialized()])
        let html = try HTMLReport(url).html()
        check(html)
        let text = words(html)
        #expect(text.contains("Training loss") && text.contains("Confusion matrix"))
        #expect(
            !text.contains("Learning rate") && !text.contains("Calibration ") && !text.contains("differ most")
        )
    }

    @Test("a fine-tuned model has no teacher to be compared with")
    func fineTuned() throws {
        let records = try Records()
        guard var record = Records.distillation().objectValue else { return }
        for name in ["teacher", "comparison"] { record[name] = nil }
        record["command"] = "finetune"
        record["settings"] = ["model": "/models/encoder"]
        let url = try records.write("teacher", ["training.json": JSONValue.object(record).serialized()])
        let text = words(try HTMLReport(url).html())
        #expect(text.contains("Fine-tuned from encoder"))
        #expect(
            text.contains(
                "The model reaches accuracy 86.00 % on validation.csv; always predicting the majority class"))
        #expect(!text.contains("keeps"))
    }

    @Test("baseline, gain, seeds and test results are told")
    func worth() throws {
        let records = try Records()
        guard var record = Records.distillation().objectValue else { return }
        let gain: JSONValue = [
            "metric": "accuracy", "student": 0.86, "baseline": 0.84, "difference": 0.02, "low": 0.005,
            "high": 0.035,
            "p_value": 0.01,
        ]
        record["baseline"] = Records.evaluation(accuracy: 0.84, bytes: 0, latency: nil)
        record["gain"] = gain
        record["seeds"] = [
            "saved": 43, "student": ["metric": "accuracy", "mean": 0.855, "standard_deviation": 0.005],
            "runs": [
                ["seed": 42, "student": ["accuracy": 0.85], "best_epoch": 2, "steps": 30],
                ["seed": 43, "student": ["accuracy": 0.86], "gain": gain, "best_epoch": 2, "steps": 30],
            ],
        ]
        record["test"] = [
            "data": ["path": "/data/test.csv", "examples": 50, "sha256": "dd"],
            "student": Records.evaluation(accuracy: 0.81, bytes: 1, latency: nil),
            "comparison": ["agreement": 0.875],
        ]
        let html = try HTMLReport(records.run("student", .object(record))).html()
        check(html)
        let text = words(html)
        for part in [
            "The teacher helped: on the validation data accuracy is 86.00 % with the teacher and 84.00 % without, a "
                + "difference of +2.00 points (95 % interval +0.50 points to +3.50 points, p = 0.01).",
            "The model of seed 43 was saved.", "85.50 % ± 0.50 %", "Evaluated on test.csv, 50 examples",
            "81.00 %", "87.50 %",
            "student without teacher",
        ] { #expect(text.contains(part), "\(part)") }
    }

    @Test("a language model is told by its divergence from the teacher, of which less is better")
    func languageModel() throws {
        let records = try Records()
        let text = words(try HTMLReport(records.run("student", Records.languageModel())).html())
        for part in [
            "The mean divergence of the student from the teacher is 0.4530 (KL; 0 where they are the same), and 73.60 % of "
                + "their most probable tokens are the same.",
            "The student has perplexity 3.0500 against the teacher’s 2.0900 at 1/1.5 of its size.",
            "The teacher helped: on the validation data KL to teacher, of which less is better, is 0.4530 with the teacher "
                + "and 1.3510 without, an improvement of +0.8980 (95 % interval +0.8500 to +0.9400, p = 0.01).",
            "perplexity (less is better) 3.0500 3.1500 +0.1000 +0.0500 to +0.1500",
            "KL to teacher (less is better) of 2 repetitions on the validation data.",
            "agreement on the most probable token 73.00 % ± 1.00 % 70.00 % ± 0.50 % +3.00 points ± 1.00 %",
            "Down and to the left is better.",
        ] { #expect(text.contains(part), "\(part): \(text)") }
        #expect(!text.contains("keeps"))
    }

    @Test("a language model's answers stand beside the data's and the teacher's, as text alone")
    func samples() throws {
        let records = try Records()
        var analysis = PredictionAnalysis(data: "d.jsonl", problemType: "causal_language_model", examples: 9)
        analysis.samples = [
            .init(
                prompt: "user: <b>Why</b>?", reference: "Because.", student: "", teacher: "It <i>is</i> so.",
                baseline: "No idea…")
        ]
        let url = try records.run("student", Records.languageModel())
        try Records.json(analysis).write(
            to: url.appending(path: "analysis.json"), atomically: true, encoding: .utf8)
        let html = try HTMLReport(url).html()
        check(html)
        let text = words(html)
        for part in [
            "Greedy answers", "Prompt 1", "in the data : Because.", "student : (nothing)",
            "student without the teacher : No idea…",
        ] { #expect(text.contains(part), "\(part): \(text)") }
        #expect(html.contains("It &lt;i&gt;is&lt;/i&gt; so."))
        // Nothing is right or wrong here.
        #expect(!html.contains("class=\"verdict\""))
    }

    @Test("several models in one table and picture; who is named twice counts once")
    func comparison() throws {
        let records = try Records()
        let student = try records.run()
        let int8 = try records.write(
            "student-int8", ["quantization.json": Records.quantization(source: student.path).serialized()])
        let html = try HTMLReport(student, int8).html()
        check(html)
        let text = words(html)
        #expect(text.contains("student, student-int8 compared"))
        #expect(text.contains("Best in accuracy: teacher, 90.00 %."))
        #expect(text.contains("Smallest: student-int8, 4.7 MB with 85.50 %"))
        #expect(text.contains("Quantized (int8) from student"))
        #expect(text.contains("activations dynamic-token"))
        #expect(text.contains("tokens kept 12938 of 30522"))
        #expect(text.contains("bert.pooler.dense int8 16384 0.000200"))
        #expect(text.contains("bert.encoder.layer.0.output.dense floating point 65536"))
        #expect(!text.contains("smallest matrix"))
        #expect(text.contains("loss of accuracy 0.50 points"))
        let head = try #require(html.firstMatch(of: /<thead>.*?<\/thead>/)).output
        #expect(head.ranges(of: "<bdi>").count == 3)
        #expect(!text.contains("different data"))
    }

    @Test("models evaluated on different data are not compared without a word")
    func otherData() throws {
        let records = try Records()
        let text = words(
            try HTMLReport(
                records.run("a"), records.run("b", Records.distillation(student: 0.8, digest: "ff"))
            ).html())
        #expect(text.contains("evaluated on different data"))
    }

    @Test("what distill evaluate printed is a model too")
    func evaluation() throws {
        let records = try Records()
        let report: JSONValue = [
            "model": Records.evaluation(accuracy: 0.8, bytes: 400, latency: 1),
            "labels": ["negative", "positive"],
            "data": ["path": "/d/test.csv", "examples": 100, "sha256": "ee"],
        ]
        try records.write(".", ["small.json": report.serialized()])
        let html = try HTMLReport(records.root.appending(path: "small.json")).html()
        check(html)
        #expect(words(html).contains("The model reaches accuracy 80.00 % on test.csv"))
    }

    @Test("regression has correlations and numbers, no classes")
    func regression() throws {
        let records = try Records()
        func judged(_ pearson: Double) -> JSONValue {
            [
                "problem_type": "regression",
                "metrics": ["pearson": .number(pearson), "mse": 0.3, "r2": 0.7],
                "examples": 20, "parameters": 10, "bytes_on_disk": 40,
            ]
        }
        let record: JSONValue = [
            "teacher": judged(0.9), "student": judged(0.81), "labels": ["LABEL_0"],
            "comparison": ["agreement": 0.95, "teacher_mse": 0.1], "settings": ["teacher": "t"],
        ]
        var analysis = PredictionAnalysis(data: "d.csv", problemType: "regression", examples: 20)
        var example = PredictionAnalysis.Example(
            row: 3, labels: ["4.5"], student: .init(labels: [], value: 1.25),
            teacher: .init(labels: [], value: 4),
            difference: 2.75)
        example.text = "quite good"
        analysis.differMost = [example]
        let url = try records.write(
            "stars", ["distillation.json": record.serialized(), "analysis.json": try Records.json(analysis)])
        let html = try HTMLReport(url).html()
        check(html)
        let text = words(html)
        for part in [
            "keeps 90.0 % of the teacher’s Pearson correlation", "difference 2.75", "1.25", "label: 4.5",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!text.contains("(wrong)") && !text.contains("Confusion"))
    }

    @Test(
        "texts and names from data are shown and never become markup",
        arguments: [
            "<script>alert('x')</script>", "\" onload=\"alert(1)", "\u{0600}<script>alert(1)</script>",
            "{{danger}} {{{title}}}", "\u{202E}gnirts\u{0}\u{1B}", "</style></title><b>", "<!-- -- >",
            "مرحبا بالعالم", "👩‍👩‍👧 🎬",
            "<svg onload=alert(1)>", "a\nb\tc",
        ])
    func hostile(_ text: String) throws {
        let records = try Records()
        let labels = [text, "other"]
        guard var record = Records.distillation(labels: labels, teacherPath: "/m/\(text)").objectValue else {
            return
        }
        record["phases"] = [["name": .string(text), "seconds": 1]]
        var analysis = Records.analysis(text: text)
        analysis.bothWrong?[0].labels = [text]
        analysis.bothWrong?[0].pair = text
        let url = try records.write(
            "student",
            [
                "distillation.json": JSONValue.object(record).serialized(),
                "analysis.json": try Records.json(analysis),
            ])
        let html = try HTMLReport(url).html()
        let scalars = html.unicodeScalars
        #expect(!scalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" })
        #expect(html.contains(MarkupText.escaped(text)))
        // The same elements, whatever the texts: compared with a page of harmless ones.
        let plain = try records.write(
            "plain",
            [
                "distillation.json": Records.distillation(labels: ["x", "other"], teacherPath: "/m/x")
                    .serialized(),
                "analysis.json": try Records.json(Records.analysis()),
            ])
        func elements(_ html: String) -> Int { html.utf8.count { $0 == UInt8(ascii: "<") } }
        var other = Records.analysis()
        other.bothWrong?[0].pair = "x"
        try records.write("plain", ["analysis.json": try Records.json(other)])
        #expect(elements(html) == elements(try HTMLReport(plain).html()))
    }

    @Test("77 classes: the map alone, the most frequent confusions as a table, the hardest classes as bars")
    func manyClasses() throws {
        let records = try Records()
        let labels = (0..<77).map { "intent_\($0)" }
        let html = try HTMLReport(records.run("banking", Records.distillation(labels: labels))).html()
        check(html)
        let text = words(html)
        #expect(text.contains("F1 of the 15 hardest classes"))
        #expect(text.contains("The most frequent confusions"))
        #expect(html.utf8.count < 6_000_000)
    }

    @Test("the same files give the same page")
    func repeatable() throws {
        let records = try Records()
        let url = try records.run()
        #expect(try HTMLReport(url).html() == HTMLReport(url).html())
    }
}
