import Files
import Foundation
import Synchronization
import Testing

@testable import Distillation
@testable import Tuning

/// Searches whose runs several processes share, against the search of one.
@Suite("Searches by several processes", .serialized)
struct SharedSearchTests {
    private static func request(_ output: URL) throws -> TuningRequest {
        let space = try SearchSpace([
            SearchDimension(name: "temperature", domain: .choice([1, 2, 4])),
            SearchDimension(name: "alpha", domain: .choice(["0.3", "0.7"])),
        ])
        let settings: Settings = [
            "teacher": SettingNode(Support.teacher.path), "train": SettingNode(Support.reviews.path),
            "layers": 2, "hidden_size": 32, "num_train_epochs": 1,
            "cache_dir": SettingNode(Support.cache.root.path),
        ]
        var request = TuningRequest(settings: settings, space: space, output: output)
        request.folds = 2
        request.refit = false
        return request
    }

    /// The formula, but that trials at temperature 4 fail on their first fold.
    private static func failing(_ settings: [String: String], _ fold: Int, _ budget: Double) throws
        -> TrialResult
    {
        if settings["temperature"] == "4", fold == 0 { throw NonFiniteLossError(description: "diverged") }
        return try TuningFixture.result(settings, fold, budget)
    }

    @Test(
        "whoever does a run, the ranking is that of one process, and each run is kept once",
        arguments: [2, 3])
    func sameRanking(count: Int) throws {
        for strategy in [SearchStrategy.grid, .halving(trials: nil, eta: 2, minBudget: 0.25)] {
            try TuningFixture.withDirectory { output in
                var request = try Self.request(output)
                request.strategy = strategy
                let alone = try TuningRun(request).search(run: Self.failing)
                request.output = output.appending(path: "shared")
                let shared = request
                let runs = Mutex([Int]())
                let reports = try Together.run(count) { processes in
                    var own = 0
                    let report = try TuningRun(shared).search(processes: processes) {
                        settings, fold, budget in
                        own += 1
                        Thread.sleep(forTimeInterval: 0.02)
                        return try Self.failing(settings, fold, budget)
                    }
                    runs.withLock { $0.append(own) }
                    return report
                }
                for report in reports {
                    #expect(report.trials.map(\.trial) == alone.trials.map(\.trial))
                    #expect(report.trials.map(\.mean) == alone.trials.map(\.mean))
                    #expect(report.trials.map(\.state) == alone.trials.map(\.state))
                    #expect(report.trials.map(\.folds.count) == alone.trials.map(\.folds.count))
                    #expect(report.best == alone.best && !report.interrupted)
                }
                let each = runs.withLock { $0 }
                #expect(each.allSatisfy { $0 > 0 }, "each has done some")
                let lines = try String(
                    contentsOf: shared.output.appending(path: TrialJournal.fileName), encoding: .utf8
                ).split(separator: "\n").dropFirst()
                #expect(lines.count == each.reduce(0, +))
                #expect(Set(lines).count == lines.count)
                // One process takes the finished search for its own.
                let again = try TuningRun(shared).search { _, _, _ in
                    throw DistillationError("nothing is left to do")
                }
                #expect(again.trials.map(\.mean) == alone.trials.map(\.mean))
            }
        }
    }

    @Test("where one process is to stop, all do, and another number of processes goes on")
    func stopped() throws {
        try TuningFixture.withDirectory { output in
            let request = try Self.request(output)
            let reports = try Together.run(2) { processes in
                let done = Mutex(0)
                return try TuningRun(request).search(
                    shouldStop: { processes.rank == 1 && done.withLock { $0 >= 2 } }, processes: processes
                ) { settings, fold, budget in
                    done.withLock { $0 += 1 }
                    Thread.sleep(forTimeInterval: 0.05)
                    return try TuningFixture.result(settings, fold, budget)
                }
            }
            #expect(reports.allSatisfy { $0.interrupted })
            let kept = reports[0].runs
            #expect(kept >= 2 && kept < 12)
            let reports3 = try Together.run(3) { processes in
                try TuningRun(request).search(processes: processes, run: TuningFixture.result)
            }
            let report = reports3[0]
            #expect(report.runs == 12 && report.runsFromJournal == kept && !report.interrupted)
            #expect(report.best == ["temperature": "2", "alpha": "0.7"])
        }
    }

    @Test("a run that cannot go on ends all processes, and what is done is kept")
    func broken() throws {
        try TuningFixture.withDirectory { output in
            let request = try Self.request(output)
            let results = try Together.results(2) { processes in
                try TuningRun(request).search(processes: processes) { settings, fold, budget in
                    Thread.sleep(forTimeInterval: 0.05)
                    if processes.rank == 1 {
                        throw FileError.writeFailed("/somewhere", reason: "the disk is full")
                    }
                    return try TuningFixture.result(settings, fold, budget)
                }
            }
            for result in results {
                guard case .failure(let error) = result else {
                    Issue.record("a process went on")
                    continue
                }
                #expect("\(error)".contains("the disk is full"))
            }
        }
    }

    @Test("students that processes train are those that one trains")
    func students() throws {
        try TuningFixture.withDirectory { output in
            var request = try Self.request(output)
            request.settings["temperature"] = nil
            let alone = try TuningRun(request).search()
            request.output = output.appending(path: "shared")
            let shared = request
            let reports = try Together.run(2) { try TuningRun(shared).search(processes: $0) }
            for report in reports {
                #expect(report.trials.map(\.mean) == alone.trials.map(\.mean))
                #expect(report.trials.map(\.metrics) == alone.trials.map(\.metrics))
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: shared.output.path)
            #expect(Set(names) == [".lock", "best.yaml", "heat-map.svg", "trials.jsonl", "tuning.json"])
        }
    }
}
