import Files
import Foundation
import Testing

@testable import Distillation
@testable import Tuning

@Suite("Tuning: runs, ranking, interruptions")
struct TuningDriverTests {
    private func isClose(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) < 1e-12 } ?? false }

    @Test("every trial runs on every fold, and the best mean comes first")
    func ranking() throws {
        let fixture = try TuningFixture(folds: 3)
        let counter = RunCounter()
        var events: [TuningEvent] = []
        let report = try fixture.driver.run(
            onEvent: { events.append($0) },
            run: { settings, fold, budget in
                counter.add(settings, fold, budget)
                return try TuningFixture.result(settings, fold, budget)
            })
        #expect(counter.keys.count == 18 && Set(counter.keys).count == 18)
        #expect(report.trials.map(\.trial) == [3, 1, 2, 5, 0, 4])
        #expect(report.trials.map(\.rank) == Array(1...6))
        #expect(report.best == ["temperature": "2", "alpha": "0.7"])
        let best = try #require(report.bestTrial)
        // 0.9, and 1/64 less with each fold: the mean is the middle one, the deviation of 0, 1, 2 is 1.
        #expect(isClose(best.mean, 0.9 - 1.0 / 64) && isClose(best.standardDeviation, 1.0 / 64))
        #expect(isClose(best.metrics["macro_f1"], (0.9 - 1.0 / 64) / 2) && best.metrics["macroF1"] == 1)
        #expect(best.folds.map(\.fold) == [0, 1, 2] && best.seconds == 4.5 && best.budget == 1)
        #expect(report.seconds == 27 && report.runs == 18 && report.runsFromJournal == 0)
        #expect(!report.interrupted && report.names == ["temperature", "alpha"])
        #expect(events.first == .started(trials: 6, runs: 18, fromJournal: 0))
        let completed = events.compactMap { event -> Int? in
            if case .runFinished(_, let completed, 18) = event { completed } else { nil }
        }
        #expect(completed == Array(1...18))
        #expect(try JSONText.decode(TuningReport.self, from: JSONText.encode(report)) == report)
    }

    @Test("a loss is minimised")
    func minimised() throws {
        let fixture = try TuningFixture(metric: TuningMetric("hard_loss"))
        let report = try fixture.driver.run(run: TuningFixture.result)
        #expect(report.trials.map(\.trial) == [4, 0, 5, 2, 1, 3])
    }

    @Test("one fold has no deviation, and no fold is refused")
    func folds() throws {
        let report = try TuningFixture(folds: 1).driver.run(run: TuningFixture.result)
        #expect(report.trials.allSatisfy { $0.standardDeviation == nil && $0.folds.count == 1 })
        #expect(throws: DistillationError.self) { try TuningFixture(folds: 0) }
    }

    @Test("halving gives the best more training, and ranks what got furthest first")
    func halving() throws {
        let values = (0..<9).map { "\($0)" }.joined(separator: ",")
        let fixture = try TuningFixture(
            ["temperature=\(values)"], strategy: .halving(trials: nil, eta: 3, minBudget: 0.1))
        let counter = RunCounter()
        let report = try fixture.driver.run { settings, fold, budget in
            counter.add(settings, fold, budget)
            return try TuningFixture.result(settings, fold, budget)
        }
        #expect(counter.keys.count == (9 + 3 + 1) * 2)
        #expect(
            report.trials.map { $0.settings["temperature"] } == ["2", "1", "3", "0", "4", "5", "6", "7", "8"])
        #expect(
            report.trials.map(\.budget) == [1, 1.0 / 3, 1.0 / 3] + [Double](repeating: 1.0 / 9, count: 6))
        #expect(
            report.trials[0].seconds == 9 && report.trials[1].seconds == 6 && report.trials[8].seconds == 3)
        #expect(report.seconds == 39 && report.runs == 26)
    }

    @Test("a trial that diverges, throws or gives no number is ranked last; the others go on")
    func failures() throws {
        let fixture = try TuningFixture(["temperature=1,2,4,8,16"], folds: 2)
        let counter = RunCounter()
        let report = try fixture.driver.run { settings, fold, budget in
            counter.add(settings, fold, budget)
            switch settings["temperature"] {
            case "1": throw NonFiniteLossError(description: "the loss is not finite")
            case "4" where fold == 1: throw DistillationError("no such layer")
            case "8": return TrialResult(metric: .nan, metrics: ["kl": .infinity], seconds: 1)
            default: return try TuningFixture.result(settings, fold, budget)
            }
        }
        // The other folds of a failed trial are not run.
        #expect(counter.keys.count == 1 + 2 + 2 + 1 + 2)
        #expect(report.trials.map { $0.settings["temperature"] } == ["2", "16", "1", "4", "8"])
        #expect(report.trials.map(\.state) == [.finished, .finished, .failed, .failed, .failed])
        #expect(report.trials[2].error == "the loss is not finite" && report.trials[2].mean == nil)
        #expect(report.trials[3].error == "no such layer" && report.trials[3].folds.count == 2)
        #expect(report.trials[4].error == "accuracy is not a finite number")
        #expect(report.best == ["temperature": "2"])
        #expect(try JSONText.decode(TuningReport.self, from: JSONText.encode(report)) == report)
    }

    @Test("where every trial fails the search says why")
    func allFail() throws {
        let fixture = try TuningFixture()
        let error = #expect(throws: DistillationError.self) {
            try fixture.driver.run { _, _, _ in throw DistillationError("there is no teacher") }
        }
        #expect(
            error?.description == "all 6 trials of a round failed; the first one: there is no teacher")
    }

    @Test("errors of the disk end the search")
    func diskErrors() throws {
        let fixture = try TuningFixture()
        let full = FileError.writeFailed("x", reason: "No space left on device")
        #expect(throws: full) { try fixture.driver.run { _, _, _ in throw full } }
    }

    @Test("stopped early, it reports what is there")
    func stopped() throws {
        let fixture = try TuningFixture()
        var asked = 0
        let report = try fixture.driver.run(
            shouldStop: {
                asked += 1
                return asked > 5
            }, run: TuningFixture.result)
        #expect(report.interrupted && report.runs == 5)
        #expect(report.trials.map(\.state) == [.finished, .finished, .incomplete])
        #expect(report.trials.map(\.trial) == [1, 0, 2] && report.trials[2].mean == nil)
        #expect(report.best == ["temperature": "1", "alpha": "0.7"])

        let none = try fixture.driver.run { _, _, _ in throw InterruptedError() }
        #expect(none.interrupted && none.trials.isEmpty && none.best == nil && none.bestTrial == nil)
    }

    @Test(
        "interrupted anywhere and resumed, a search ends in the same report, and does no run twice",
        arguments: [
            SearchStrategy.grid, .random(trials: 5), .halving(trials: 6, eta: 2, minBudget: 0.25),
        ])
    func resume(strategy: SearchStrategy) throws {
        let fixture = try TuningFixture(strategy: strategy)
        func run(
            _ journal: TrialJournal?, runs: Int = .max
        ) throws -> (report: TuningReport, keys: [String]) {
            let counter = RunCounter()
            let report = try fixture.driver.run(
                journal: journal, shouldStop: { counter.keys.count >= runs },
                run: { settings, fold, budget in
                    counter.add(settings, fold, budget)
                    if settings["alpha"] == "0.3", settings["temperature"] == "4" {
                        throw NonFiniteLossError(description: "diverged")
                    }
                    var result = try TuningFixture.result(settings, fold, budget)
                    result.metric += 1.0 / 3
                    return result
                })
            return (report, counter.keys)
        }
        // How long a failed run took is measured.
        func comparable(_ report: TuningReport) -> TuningReport {
            var report = report
            report.runsFromJournal = 0
            report.seconds = 0
            for index in report.trials.indices where report.trials[index].state == .failed {
                report.trials[index].seconds = 0
                for fold in report.trials[index].folds.indices {
                    report.trials[index].folds[fold].seconds = 0
                }
            }
            return report
        }
        let whole = try run(nil)
        #expect(whole.keys.count > 6)
        for stop in 0..<whole.keys.count {
            try TuningFixture.withDirectory { directory in
                func journal() throws -> TrialJournal {
                    try TrialJournal(directory: directory, identity: fixture.identity())
                }
                let first = try run(journal(), runs: stop)
                #expect(first.report.interrupted && first.keys == Array(whole.keys.prefix(stop)))
                let second = try run(journal())
                #expect(second.keys == Array(whole.keys.dropFirst(stop)))
                #expect(second.report.runsFromJournal == stop)
                #expect(comparable(second.report) == comparable(whole.report))
                let third = try run(journal())
                #expect(third.keys.isEmpty && third.report.runsFromJournal == whole.keys.count)
            }
        }
    }

    @Test("a random search goes on with more trials, and a run that failed for another reason is tried again")
    func extended() throws {
        try TuningFixture.withDirectory { directory in
            let options = ["temperature=uniform(1, 8)"]
            let few = try TuningFixture(options, strategy: .random(trials: 3))
            let many = try TuningFixture(options, strategy: .random(trials: 6))
            func journal(_ fixture: TuningFixture) throws -> TrialJournal {
                try TrialJournal(directory: directory, identity: fixture.identity())
            }
            let broken = few.plan.settings(of: 1)
            let first = try few.driver.run(journal: journal(few)) { settings, fold, budget in
                if settings == broken { throw DistillationError("the cable was out") }
                return try TuningFixture.result(settings, fold, budget)
            }
            #expect(first.trials.last?.error == "the cable was out")
            let counter = RunCounter()
            let second = try many.driver.run(journal: journal(many)) { settings, fold, budget in
                counter.add(settings, fold, budget)
                return try TuningFixture.result(settings, fold, budget)
            }
            #expect(counter.keys.count == 2 + 6 && second.runsFromJournal == 4)
            #expect(second == (try resumed(many.driver.run(run: TuningFixture.result), fromJournal: 4)))
            // Fewer trials than the journal has are fine, too.
            let third = try few.driver.run(journal: journal(few)) { _, _, _ in
                throw DistillationError("nothing is left to do")
            }
            #expect(third.trials.count == 3 && third.runsFromJournal == 6)
        }
    }

    private func resumed(_ report: TuningReport, fromJournal: Int) -> TuningReport {
        var report = report
        report.runsFromJournal = fromJournal
        return report
    }
}
