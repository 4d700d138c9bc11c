import Foundation
import Testing

@testable import Distillation

@Suite("What several tasks say together, and how much of its teacher's accuracy a student keeps")
struct ChoiceRetentionTests {
    /// Answers of which so many are right, and then as many wrong.
    private func answers(_ right: Int, _ wrong: Int) -> [Bool] {
        [Bool](repeating: true, count: right) + [Bool](repeating: false, count: wrong)
    }

    private func report(_ right: [Bool], chance: Double) -> ChoiceReport {
        let scores = ChoiceAccuracy(right)
        return ChoiceReport(
            data: DataRecord(path: "q.jsonl", examples: right.count, sha256: ""), targetDelimiter: " ",
            chance: chance, cutChoices: 0,
            model: ChoiceScores(acc: scores, accNorm: scores, accBytes: scores))
    }

    @Test("tasks have the same weight, whatever their sizes")
    func means() throws {
        let (first, second) = (answers(3, 1), answers(1, 9))
        let (firstTeacher, secondTeacher) = (answers(4, 0), answers(5, 5))
        func ways(_ right: [Bool]) -> ChoiceWays<[Bool]> {
            ChoiceWays(acc: right, accNorm: right.map { !$0 }, accBytes: right)
        }
        let summary = try ChoiceSummary(
            [report(first, chance: 0.5), report(second, chance: 0.25)],
            right: [ways(first), ways(second)], teacher: [ways(firstTeacher), ways(secondTeacher)])
        #expect(summary.chance == 0.375)
        #expect(abs(summary.model.acc - 0.425) < 1e-15 && abs(summary.model.accNorm - 0.575) < 1e-15)
        #expect(summary.teacher?.acc == 0.75 && summary.teacher?.accNorm == 0.25)
        let kept = try #require(summary.retention?.acc)
        #expect(abs(kept.value - 0.425 / 0.75) < 1e-15)
        let aboveChance = try #require(kept.aboveChance)
        #expect(abs(aboveChance - 0.05 / 0.375) < 1e-12)
        // A teacher below chance knows nothing above it that could be kept.
        #expect(summary.retention?.accNorm?.aboveChance == nil)
        #expect(abs((summary.difference?.acc.difference ?? 0) + 0.325) < 1e-15)
    }

    @Test("the interval of the ratio is that of the delta method where questions are many")
    func interval() throws {
        // Of 4,000 questions the teacher knows 2,400, the student 2,000 of these and 400 others.
        let teacher = answers(2400, 1600)
        let student = answers(2000, 400) + answers(400, 1200)
        let kept = try #require(try ChoiceRetention(right: [student], teacher: [teacher], chance: 0.25))
        #expect(kept.value == 1)
        // d log(S / T) has the variance E[(s / S − t / T)²] / n: 800 questions on which they differ, by 1 / 0.6 each.
        let half = 1.959964 * (800.0 / 4000 / (0.6 * 0.6) / 4000).squareRoot()
        #expect(abs(kept.upper - exp(half)) < 0.004, "\(kept.upper), \(exp(half))")
        #expect(abs(kept.lower - exp(-half)) < 0.004, "\(kept.lower), \(exp(-half))")
        // Two tasks of half as many each say the same.
        let halves = try #require(
            try ChoiceRetention(
                right: [
                    student.enumerated().filter { $0.offset % 2 == 0 }.map(\.element),
                    student.enumerated().filter { $0.offset % 2 == 1 }.map(\.element),
                ],
                teacher: [answers(1200, 800), answers(1200, 800)], chance: 0.25))
        #expect(halves.value == 1 && abs(halves.upper - kept.upper) < 0.004)
    }

    @Test(
        "a teacher that answers nothing rightly has nothing to keep; draws without its answers are left out")
    func none() throws {
        #expect(try ChoiceRetention(right: [answers(1, 1)], teacher: [answers(0, 2)], chance: 0.5) == nil)
        let few = try #require(
            try ChoiceRetention(right: [answers(1, 1)], teacher: [answers(1, 1)], chance: 0.5))
        #expect(few.value == 1 && few.lower == 1 && few.upper == 1 && few.aboveChance == nil)
        #expect(throws: DistillationError.self) {
            try ChoiceRetention(right: [[], [true]], teacher: [[], [true]], chance: 0.5)
        }
    }

    @Test("draws of several sets take as many of each, the same for the same seed")
    func draws() throws {
        let sizes = [3, 5]
        var seen: [[[Int]]] = []
        let draws = try BootstrapDraws(counts: sizes, resamples: 50, seed: 7)
        _ = draws.map { drawn in
            seen.append(drawn)
            return 0
        }
        #expect(seen.count == 50)
        for drawn in seen {
            #expect(drawn.map(\.count) == sizes)
            for (set, indices) in drawn.enumerated() {
                #expect(indices.allSatisfy { 0..<sizes[set] ~= $0 })
            }
        }
        #expect(Set(seen.flatMap { $0[1] }) == Set(0..<5))
        var again: [[[Int]]] = []
        _ = draws.map { drawn in
            again.append(drawn)
            return 0
        }
        #expect(seen == again)
        #expect(throws: DistillationError.self) { try BootstrapDraws(counts: [], resamples: 1, seed: 1) }
        #expect(throws: DistillationError.self) { try BootstrapDraws(counts: [1, 0], resamples: 1, seed: 1) }
    }
}
