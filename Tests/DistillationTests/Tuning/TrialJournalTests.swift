import Files
import Foundation
import Testing

@testable import Distillation
@testable import Tuning

@Suite("The journal of a search")
struct TrialJournalTests {
    private func record(_ trial: Int, metric: Double = 0.1 + 0.2) -> TrialRecord {
        TrialRecord(
            trial: trial, fold: 0, budget: 1.0 / 3, settings: ["learning_rate": "1e-4", "init": "\"a\nb\""],
            metric: metric, metrics: ["macro_f1": 0.1, "macroF1": 0.2], seconds: 1.25)
    }

    private func file(_ directory: URL) -> URL { directory.appending(path: TrialJournal.fileName) }

    private func write(_ records: Int, _ directory: URL, _ identity: SearchIdentity) throws {
        let journal = try TrialJournal(directory: directory, identity: identity)
        for trial in 0..<records { try journal.append(record(trial)) }
    }

    @Test("what was written is read back, line by line")
    func roundTrip() throws {
        let identity = try TuningFixture().identity()
        try TuningFixture.withDirectory { directory in
            try write(3, directory, identity)
            let text = try String(contentsOf: file(directory), encoding: .utf8)
            #expect(text.hasSuffix("\n") && text.split(separator: "\n").count == 4)
            let journal = try TrialJournal(directory: directory, identity: identity)
            #expect(journal.records == (0..<3).map { record($0) } && journal.warnings.isEmpty)
        }
    }

    @Test("cut anywhere, it keeps the whole lines, says so, and goes on cleanly")
    func torn() throws {
        let identity = try TuningFixture().identity()
        try TuningFixture.withDirectory { directory in
            try write(2, directory, identity)
            let bytes = try Data(contentsOf: file(directory))
            let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
            for length in 0...bytes.count {
                try bytes.prefix(length).write(to: file(directory))
                let lines = ends.count { $0 < length }
                let isWhole = length == 0 || bytes[length - 1] == UInt8(ascii: "\n")
                do {
                    let journal = try TrialJournal(directory: directory, identity: identity)
                    #expect(journal.records == (0..<max(0, lines - 1)).map { record($0) })
                    #expect(journal.warnings.count == (isWhole ? 0 : 1))
                    try journal.append(record(7))
                }
                let journal = try TrialJournal(directory: directory, identity: identity)
                #expect(journal.records.count == max(0, lines - 1) + 1 && journal.records.last == record(7))
                #expect(journal.warnings.isEmpty)
            }
        }
    }

    @Test("a damaged line at the end is dropped, one in between is refused")
    func damaged() throws {
        let identity = try TuningFixture().identity()
        try TuningFixture.withDirectory { directory in
            try write(2, directory, identity)
            let text = try String(contentsOf: file(directory), encoding: .utf8)
            try Data((text + "{\"trial\":\n").utf8).write(to: file(directory))
            do {
                let journal = try TrialJournal(directory: directory, identity: identity)
                #expect(journal.records.count == 2 && journal.warnings.count == 1)
            }
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            lines[1] = "{}"
            try Data(lines.joined(separator: "\n").utf8).write(to: file(directory))
            let error = #expect(throws: DistillationError.self) {
                try TrialJournal(directory: directory, identity: identity)
            }
            #expect(error?.description.contains("trials.jsonl, line 2: this is not a finished run") == true)
            lines[0] = "{}"
            try Data(lines.joined(separator: "\n").utf8).write(to: file(directory))
            #expect(throws: DistillationError.self) {
                try TrialJournal(directory: directory, identity: identity)
            }
        }
    }

    @Test("the journal of another search is refused with what differs; overwriting starts anew")
    func otherSearch() throws {
        let fixture = try TuningFixture()
        let identity = fixture.identity()
        let others: [(SearchIdentity, String)] = [
            (try TuningFixture(["temperature=1,2"]).identity(), "it searched temperature: [1, 2, 4]; alpha"),
            (
                try TuningFixture(strategy: .halving(trials: nil, eta: 3, minBudget: 0.1)).identity(),
                "its strategy was grid, not halving"
            ),
            (try TuningFixture(seed: 1).identity(), "its seed was 42, not 1"),
            (try TuningFixture(folds: 5).identity(), "it had 2 folds, not 5"),
            (
                try TuningFixture(metric: TuningMetric("kl")).identity(),
                "it was to maximize accuracy, not minimize kl"
            ),
            (fixture.identity(base: "teacher: u"), "its other settings were different"),
        ]
        #expect(Set(others.map(\.0.digest) + [identity.digest]).count == others.count + 1)
        try TuningFixture.withDirectory { directory in
            try write(2, directory, identity)
            for (other, expected) in others {
                let error = #expect(throws: DistillationError.self) {
                    try TrialJournal(directory: directory, identity: other)
                }
                let message = try #require(error?.description)
                #expect(message.contains("belongs to another search: \(expected)"), "\(message)")
                #expect(message.contains("choose another --output, or pass --overwrite"))
            }
            #expect(try TrialJournal(directory: directory, identity: identity).records.count == 2)
            let other = others[0].0
            #expect(
                try TrialJournal(directory: directory, identity: other, overwrite: true).records.isEmpty)
            #expect(try TrialJournal(directory: directory, identity: other).records.isEmpty)
        }
    }

    @Test("a journal of the same trials with other settings is refused")
    func otherSettings() throws {
        let fixture = try TuningFixture()
        try TuningFixture.withDirectory { directory in
            try write(1, directory, fixture.identity())
            let journal = try TrialJournal(directory: directory, identity: fixture.identity())
            #expect(throws: DistillationError.self) {
                try fixture.driver.run(journal: journal, run: TuningFixture.result)
            }
        }
    }

    @Test("two searches cannot write the same journal, and no other directory is written into")
    func directories() throws {
        let identity = try TuningFixture().identity()
        try TuningFixture.withDirectory { directory in
            do {
                let journal = try TrialJournal(directory: directory, identity: identity)
                #expect(throws: DistillationError.self) {
                    try TrialJournal(directory: directory, identity: identity)
                }
                try journal.append(record(0))
            }
            #expect(try TrialJournal(directory: directory, identity: identity).records.count == 1)
            let other = directory.appending(path: "other")
            try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
            try Data().write(to: other.appending(path: "notes.txt"))
            #expect(throws: FileError.self) { try TrialJournal(directory: other, identity: identity) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: other.path) == ["notes.txt"])
            #expect(throws: FileError.self) {
                try TrialJournal(directory: other.appending(path: "notes.txt"), identity: identity)
            }
        }
    }
}
