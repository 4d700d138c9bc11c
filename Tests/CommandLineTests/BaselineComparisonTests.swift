import Distillation
import Foundation
import Testing

/// The improvement over the baseline in a run's report.
@Suite("BaselineComparison")
struct GainTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("baseline, test data and seeds are told in the report, in the JSON and on the model card")
    func gain() throws {
        let arguments = [
            "run", "--teacher", Program.teacher.path, "--train", Program.reviews.path, "--test",
            Program.reviews.path, "--layers", "1", "--hidden-size", "16", "--init", "random", "--epochs", "2",
            "--learning-rate", "2e-3", "--baseline", "--seeds", "2", "--output", scratch.path("student"),
        ]
        let run = try Program.run(arguments)
        try #require(run.status == 0, "\(run.errors)")
        for text in [
            "Without the teacher the same student reaches",
            "on the validation data): the teacher improves this by",
            "95 % interval", "On the test data (120 examples):", "2 seeds, accuracy on the test data:",
            "mean ± standard deviation", "(saved)", "baseline",
        ] {
            #expect(run.output.contains(text), "\(text): \(run.output)")
        }
        #expect(run.errors.contains("Training the baseline, without the teacher, seed 43"))
        let card = try String(
            contentsOf: URL(filePath: scratch.path("student")).appending(path: "README.md"), encoding: .utf8)
        #expect(card.contains("Trained without the teacher, the same student has accuracy"))

        let again = try Program.run(arguments + ["--overwrite", "--json", "--quiet"])
        let report = try JSONText.decode(RunReport.self, from: again.output)
        let seeds = try #require(report.seeds)
        #expect(seeds.runs.map(\.seed) == [42, 43] && seeds.gain != nil)
        // The same seeds give the same numbers, which the text shows.
        let mean = String(format: "%.2f %%", seeds.student.mean * 100)
        #expect(run.output.contains(mean), "\(mean): \(run.output)")
    }
}
