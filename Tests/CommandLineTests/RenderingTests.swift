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

    @Test("elsewhere than on a terminal there are plain lines, without escape codes")
    func plain() {
        let text = render(
            interactive: false,
            [
                .phaseStarted("Training"), .progress(completed: 1, total: 2, unit: "step", detail: "loss 1"),
                .note("a note"),
                .phaseFinished("Training", seconds: 2),
            ])
        #expect(text == "Training …\n  a note\nTraining: 2.0 s\n")
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
                .progress(completed: 2, total: 2, unit: "step", detail: "loss 1.5"),
                .phaseFinished("Training", seconds: 2),
            ])
        #expect(text.contains("\r\u{1B}[2KTraining  ████████████████████  100 %  2/2  loss 1.5"))
        #expect(text.hasSuffix("\r\u{1B}[2KTraining: 2.0 s\n"))
    }

    @Test("warnings are shown at once and again at the end, also when quiet")
    func warnings() {
        for quiet in [false, true] {
            let text = render(interactive: false, quiet: quiet, [.note("n"), .warning("look out")])
            #expect(text.components(separatedBy: "WARNING: look out").count == 3)
            #expect(text.contains("  n\n") != quiet)
        }
    }

    @Test("the bar shows share, count, rate, remaining time and losses, and fits the terminal")
    func bar() {
        let start = Date(timeIntervalSinceReferenceDate: 0)
        let bar = ProgressBar("Training", start: start)
        let now = start.addingTimeInterval(10)
        let line = bar.line(completed: 25, total: 100, unit: "step", detail: "loss 0.4", width: 200, now: now)
        #expect(line == "Training  █████░░░░░░░░░░░░░░░   25 %  25/100  2.5 steps/s  0:30 left  loss 0.4")
        #expect(
            bar.line(completed: 25, total: 100, unit: "step", detail: "loss", width: 40, now: now).count == 39
        )
        #expect(
            bar.line(completed: 0, total: 0, unit: "step", detail: "", width: 80, now: now).contains("0 %"))
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
