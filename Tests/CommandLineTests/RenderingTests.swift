import Deployment
import Foundation
import Testing

@testable import Distillation
@testable import distill

@Suite("What the terminal shows")
struct RenderingTests {
    private let step = StepMetrics(
        step: 20, totalSteps: 40, epoch: 0.5, loss: 1.5, terms: ["kl": 2, "cross_entropy": 0.5],
        metrics: {
            var values = MetricValues()
            values[.accuracy] = 0.75
            values[.kl] = 0.1
            return values
        }(), learningRate: 5e-5, gradNorm: 1.25, examplesPerSecond: 100)

    private func render(interactive: Bool, quiet: Bool = false, _ events: [RunEvent]) -> String {
        var text = ""
        let renderer = RunRenderer(isInteractive: interactive, isQuiet: quiet) { text += $0 }
        for event in events { renderer.handle(event) }
        renderer.repeatWarnings()
        return text
    }

    @Test("a ratio below 1 is told the other way round, not as if it were above")
    func ratios() {
        func text(_ value: Double) -> String { Format.ratio(value, above: "smaller", below: "larger") }
        #expect(text(2) == "2.00× smaller" && text(0.5) == "2.00× larger" && text(1.001) == "the same")
        #expect(text(0) == "")
    }

    @Test("elsewhere than on a terminal there are plain lines, without escape codes")
    func plain() {
        let text = render(
            interactive: false,
            [
                .phaseStarted("Training"),
                .progress(RunProgress(completed: 1, total: 2, unit: "step", examples: 16, detail: "loss 1")),
                .note("a note"),
                .phaseFinished("Training", seconds: 2),
            ])
        #expect(text == "Training …\n  a note\nTraining: 2.0 s  (16 examples, 8.0/s)\n")
    }

    @Test("what a part of a run counts is named, one of it in the singular")
    func units() throws {
        func text(_ count: Int, _ unit: String) -> String {
            var progress = RunProgress(completed: count, total: 272, unit: unit, examples: count)
            progress.counted = unit
            return render(
                interactive: false,
                [.phaseStarted("Exporting"), .progress(progress), .phaseFinished("Exporting", seconds: 2)])
        }
        #expect(text(272, "tensor") == "Exporting …\nExporting: 2.0 s  (272 tensors, 136/s)\n")
        #expect(text(1, "text") == "Exporting …\nExporting: 2.0 s  (1 text, 0.5/s)\n")
        var events: [RunEvent] = []
        let log = try RunLog({ events.append($0) })
        log.progress(3, of: 4, unit: "tensor")
        try log.advance(by: 2, unit: "trial")
        let counted = events.compactMap { (event: RunEvent) -> String? in
            guard case .progress(let progress) = event else { return nil }
            return "\(progress.examples) \(progress.counted)"
        }
        #expect(counted == ["3 tensor", "5 trial"])
    }

    @Test("answers are summed up, and where a run before has made all of them there is no speed")
    func answers() throws {
        func report(_ answers: Int, tokens: Int) throws -> AnswerRun.Report {
            try JSONText.decode(
                AnswerRun.Report.self,
                from:
                    #"{"answers": \#(answers), "texts": [], "tokens": \#(tokens), "prompt_tokens": 9, "seconds": 2, "stopped": 0}"#
            )
        }
        let (one, some, resumed) = (
            try report(1, tokens: 1), try report(12, tokens: 240), try report(12, tokens: 0)
        )
        #expect(GenerateCommand.summary(one, known: 0).hasPrefix("1 answer, 1 token in 2.0 s ("))
        #expect(
            GenerateCommand.summary(some, known: 4)
                == "12 answers, 4 of a run before, 240 tokens in 2.0 s (120 tokens/s)")
        #expect(GenerateCommand.summary(resumed, known: 12) == "12 answers, all of a run before")
    }

    @Test("the last step is always a line: losses, learning rate, gradient norm, rate")
    func steps() {
        var last = step
        last.step = 40
        let text = render(interactive: false, [.phaseStarted("Training"), .step(step), .step(last)])
        #expect(
            text
                == "Training …\n  step 40/40  epoch 0.50  loss 1.5000 (kl 2.0000, cross_entropy 0.5000)"
                + "  accuracy 0.7500  kl 0.1000  lr 5.00e-05  grad_norm 1.25  100 examples/s\n")
    }

    @Test("on a terminal a bar moves on one line, which other lines replace")
    func interactive() {
        let text = render(
            interactive: true,
            [
                .phaseStarted("Training"),
                .progress(
                    RunProgress(completed: 2, total: 2, unit: "step", examples: 900, detail: "loss 1.5")),
                .phaseFinished("Training", seconds: 2),
            ])
        #expect(text.contains("\r\u{1B}[2KTraining  ████████████████████  100 %  2/2  loss 1.5"))
        #expect(text.hasSuffix("\r\u{1B}[2KTraining: 2.0 s  (900 examples, 450/s)\n"))
    }

    @Test("warnings are shown at once and again at the end, also when quiet")
    func warnings() {
        for quiet in [false, true] {
            let text = render(interactive: false, quiet: quiet, [.note("n"), .warning("look out")])
            #expect(text.components(separatedBy: "WARNING: look out").count == 3)
            #expect(text.contains("  n\n") != quiet)
        }
    }

    private let start = Date(timeIntervalSinceReferenceDate: 0)

    /// A bar after ten seconds of 40 examples each, and how far it is.
    private func bar(_ completed: Int = 25, total: Int? = 100, detail: String = "loss 0.4") -> (
        bar: ProgressBar, progress: RunProgress, now: Date
    ) {
        var bar = ProgressBar("Training", start: start)
        var progress = RunProgress(completed: 0, total: total, unit: "step", examples: 0, detail: detail)
        for second in 1...10 {
            progress.examples = 40 * second
            progress.completed = completed * second / 10
            bar.take(progress, at: start.addingTimeInterval(Double(second)))
        }
        return (bar, progress, start.addingTimeInterval(10))
    }

    @Test("the bar shows share, count, examples a second, remaining time and losses")
    func bar() {
        let (bar, progress, now) = bar()
        #expect(
            bar.line(progress, width: 200, now: now)
                == "Training  █████░░░░░░░░░░░░░░░   25 %  25/100  40.0 examples/s  0:30 left  loss 0.4")
        #expect(
            bar.plainLine(progress, now: now)
                == "Training   25 %  25/100  40.0 examples/s  0:30 left  loss 0.4")
        let none = RunProgress(completed: 0, total: 0, unit: "step", examples: 0)
        #expect(ProgressBar("Training").line(none, width: 80).contains("0 %"))
    }

    @Test("where it is not known how much there will be, there is no share")
    func unknownTotal() {
        let (bar, progress, now) = bar(400, total: nil, detail: "")
        #expect(bar.line(progress, width: 80, now: now) == "Training  400 steps  40.0 examples/s")
    }

    @Test("the bar fits every terminal, and the speed is what stays", arguments: 1...120)
    func fits(width: Int) {
        let (bar, progress, now) = bar(detail: "loss 0.412  kl 0.120  cross_entropy 0.533  hidden_mse 1.204")
        let line = bar.line(progress, width: width, now: now)
        #expect(line.count <= max(10, width - 1), "\(line)")
        #expect(width < 17 || line.contains("40.0 examples/s"), "\(line)")
        // A field is there as a whole or not at all.
        let fields = line.components(separatedBy: "  ").filter { $0.hasPrefix("kl") || $0.hasPrefix("loss") }
        #expect(fields.allSatisfy { $0 == "kl 0.120" || $0 == "loss 0.412" }, "\(line)")
    }

    private func evaluated(_ isInteractive: Bool, width: Int) -> [String] {
        var values = MetricValues()
        for name: MetricName in [.accuracy, .macroF1, .matthewsCorrelation, .loss, .kl, .agreement] {
            values[name] = 0.5
        }
        let metrics = EpochMetrics(
            epoch: 1, step: 10, trainLoss: 0.25, trainTerms: ["kl": 1], train: MetricValues(),
            validation: values,
            isBest: true, seconds: 2, examplesPerSecond: 113)
        var text = ""
        let renderer = RunRenderer(
            isInteractive: isInteractive, isQuiet: false, width: { width }, write: { text += $0 })
        renderer.handle(.evaluated(metrics))
        return text.split(separator: "\n").map(String.init)
    }

    @Test("an evaluation is one line where there is no terminal, and lines that fit where there is one")
    func evaluations() {
        let whole =
            "  epoch 1.00  train loss 0.2500  113 examples/s  validation:  accuracy 0.5000  macro_f1 0.5000"
            + "  matthews_correlation 0.5000  loss 0.5000  kl 0.5000  agreement 0.5000  (best)"
        #expect(evaluated(false, width: 40) == [whole])
        for width in [40, 60, 80, 100, 300] {
            let lines = evaluated(true, width: width)
            #expect(lines.allSatisfy { $0.count < width }, "\(lines)")
            let words = lines.joined(separator: " ").split(separator: " ")
            #expect(words == whole.split(separator: " "))
        }
    }

    @Test(
        "elsewhere than on a terminal a long part tells every few seconds how far it is, in lines of their own"
    )
    func plainProgress() {
        var text = ""
        let renderer = RunRenderer(isInteractive: false, isQuiet: false, plainInterval: 0) { text += $0 }
        renderer.handle(.phaseStarted("Evaluating"))
        for done in [64, 128] {
            renderer.handle(
                .progress(RunProgress(completed: done, total: 256, unit: "example", examples: done)))
        }
        let lines = text.split(separator: "\n")
        #expect(lines.count == 3 && lines[1].hasPrefix("  Evaluating   25 %  64/256"), "\(text)")
        #expect(!text.contains("\u{1B}") && !text.contains("\r") && !text.contains("█"))
    }

    @Test("speed is of the last ten seconds, and over all")
    func speed() {
        var speed = Speed(start: start)
        #expect(speed.now(start) == nil && speed.mean(seconds: 1) == nil)
        // A hundred a second for a minute, then ten a second.
        for second in 1...90 {
            let count = second <= 60 ? 100 * second : 6000 + 10 * (second - 60)
            speed.count(count, at: start.addingTimeInterval(Double(second)))
        }
        let now = start.addingTimeInterval(90)
        #expect(abs((speed.now(now) ?? 0) - 10) < 0.01 && speed.total == 6300)
        #expect(speed.mean(seconds: 90) == 70)
        // A second pass counts from nothing.
        speed.count(5, at: now)
        #expect(speed.total == 6305)
    }

    @Test("wide characters take two columns, marks none; text is cut between characters")
    func columns() {
        #expect(TextWidth.columns("abc") == 3 && TextWidth.columns("モデル") == 6)
        #expect(TextWidth.columns("e\u{301}") == 1 && TextWidth.columns("🙂") == 2)
        #expect(
            TextWidth.prefix("モデル.json", columns: 6) == "モデ…" && TextWidth.prefix("abc", columns: 3) == "abc")
        #expect(
            TextWidth.suffix("モデル.json", columns: 7) == "….json"
                && TextWidth.suffix("abc", columns: 2) == "…c")
    }

    @Test("numbers as people read them")
    func numbers() {
        #expect(
            Format.duration(5) == "0:05" && Format.duration(3725) == "1:02:05"
                && Format.duration(.infinity) == "0:00")
        #expect(Format.count(999) == "999" && Format.count(22_713_986) == "22.7 M")
        #expect(Format.bytes(90_868_376) == "90.9 MB" && Format.bytes(12) == "12 B")
        #expect(Format.percent(0.8612) == "86.12 %" && Format.points(-0.0125) == "-1.25 points")
        #expect(Format.milliseconds(3.456) == "3.46 ms" && Format.ratio(2) == "2.00×")
    }

    @Test("tables align their columns")
    func table() {
        var table = TextTable("", "teacher", "student")
        table.add("accuracy", "86 %", "84.1 %")
        #expect(
            table.text
                == "           teacher   student\n────────────────────────────\naccuracy      86 %    84.1 %")
    }
}
