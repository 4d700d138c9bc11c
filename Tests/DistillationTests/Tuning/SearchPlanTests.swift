import Foundation
import Testing

@testable import Distillation
@testable import Tuning

@Suite("Search plans")
struct SearchPlanTests {
    private func space(_ options: String...) throws -> SearchSpace {
        try SearchSpace(options.map { try SearchDimension(option: $0) })
    }

    private func texts(_ plan: SearchPlan) -> [[String]] { plan.candidates.map { $0.map(\.text) } }

    @Test("a grid has every combination once, the last setting varying fastest")
    func grid() throws {
        let plan = try SearchPlan(space: space("a=1,2", "b=x,y,z"), strategy: .grid, seed: 1)
        #expect(
            texts(plan) == [["1", "x"], ["1", "y"], ["1", "z"], ["2", "x"], ["2", "y"], ["2", "z"]])
        #expect(plan.rungs == [.init(trials: 6, budget: 1)])
        #expect(plan.settings(of: 4) == ["a": "2", "b": "y"] && plan.settings(of: 6).isEmpty)
    }

    @Test("a grid refuses ranges, and more combinations than can be counted")
    func gridRefusals() throws {
        for range in ["int(1, 3)", "uniform(0, 1)", "loguniform(1, 2)"] {
            let error = #expect(throws: DistillationError.self) {
                try SearchPlan(space: space("a=1,2", "b=\(range)"), strategy: .grid, seed: 1)
            }
            #expect(error?.description.contains("search: b: ") == true)
            #expect(error?.description.contains("is a range, which a grid cannot cover") == true)
        }
        let many = (0..<70).map { "s\($0)=1,2" }
        #expect(throws: DistillationError.self) {
            try SearchPlan(
                space: SearchSpace(many.map { try SearchDimension(option: $0) }), strategy: .grid, seed: 1)
        }
    }

    @Test("random trials lie in their ranges, differ, and follow from the seed")
    func random() throws {
        let space = try space("a=uniform(0.5, 1)", "b=loguniform(1e-5, 1e-3)", "c=int(2, 6)", "d=x,y")
        let plan = try SearchPlan(space: space, strategy: .random(trials: 400), seed: 7)
        #expect(plan.candidates.count == 400 && Set(plan.candidates).count == 400)
        let a = plan.candidates.compactMap { $0[0].number }
        let b = plan.candidates.compactMap { $0[1].number }
        #expect(a.count == 400 && a.allSatisfy { (0.5...1).contains($0) })
        #expect(b.count == 400 && b.allSatisfy { (1e-5...1e-3).contains($0) })
        #expect(Set(plan.candidates.map { $0[2].text }) == ["2", "3", "4", "5", "6"])
        #expect(Set(plan.candidates.map { $0[3].text }) == ["x", "y"])
        // 400 draws; each bound is more than four standard deviations away from the expected 200.
        #expect((160...240).contains(a.count { $0 < 0.75 }))
        #expect((160...240).contains(b.count { $0 < 1e-4 }))
        #expect(plan.candidates.allSatisfy { $0[0].text.count <= 7 && $0[1].text.count <= 9 })

        #expect(
            try SearchPlan(space: space, strategy: .random(trials: 400), seed: 7).candidates
                == plan.candidates)
        #expect(
            try SearchPlan(space: space, strategy: .random(trials: 400), seed: 8).candidates
                != plan.candidates)
        let fewer = try SearchPlan(space: space, strategy: .random(trials: 25), seed: 7).candidates
        #expect(fewer == Array(plan.candidates.prefix(25)))
    }

    @Test("random trials of lists end with the whole grid, the first ones always the same")
    func exhaustive() throws {
        let space = try space("a=1,2,3", "b=int(0, 3)")
        let all = try SearchPlan(space: space, strategy: .random(trials: 1000), seed: 3).candidates
        #expect(all.count == 12 && Set(all).count == 12)
        let eleven = try SearchPlan(space: space, strategy: .random(trials: 11), seed: 3).candidates
        #expect(eleven == Array(all.prefix(11)))
    }

    @Test("whole numbers of any size are drawn")
    func wideIntegers() throws {
        let space = try space("a=int(\(Int.min), \(Int.max))")
        let plan = try SearchPlan(space: space, strategy: .random(trials: 50), seed: 3)
        #expect(plan.candidates.allSatisfy { Int($0[0].text) != nil })
        #expect(plan.candidates.contains { $0[0].text.hasPrefix("-") })
    }

    @Test("a narrow range keeps as many digits as it needs")
    func narrow() throws {
        let space = try space("a=uniform(0.99990, 0.99999)")
        let plan = try SearchPlan(space: space, strategy: .random(trials: 50), seed: 3)
        #expect(plan.candidates.allSatisfy { (0.99990...0.99999).contains($0[0].number ?? 0) })
    }

    struct RungCase: Sendable {
        var (trials, eta, minBudget) = (0, 0, 0.0)
        /// Of each rung.
        var counts: [Int] = []
        /// Of each rung: the whole training divided by this.
        var divisors: [Double] = []

        init(_ trials: Int, _ eta: Int, _ minBudget: Double, _ counts: [Int], _ divisors: [Double]) {
            (self.trials, self.eta, self.minBudget) = (trials, eta, minBudget)
            (self.counts, self.divisors) = (counts, divisors)
        }
    }

    @Test(
        "rungs follow the paper: ⌊n / ηⁱ⌋ trials with η times the budget, the last with all of it",
        arguments: [
            RungCase(27, 3, 1.0 / 9, [27, 9, 3], [9, 3, 1]),
            RungCase(27, 3, 0.01, [27, 9, 3, 1], [27, 9, 3, 1]),
            RungCase(16, 2, 0.25, [16, 8, 4], [4, 2, 1]), RungCase(20, 3, 0.1, [20, 6, 2], [9, 3, 1]),
            RungCase(5, 3, 0.01, [5, 1], [3, 1]), RungCase(2, 3, 0.01, [2], [1]), RungCase(9, 3, 1, [9], [1]),
            RungCase(9, 3, 0.34, [9], [1]), RungCase(9, 3, 1.0 / 3, [9, 3], [3, 1]),
        ])
    func rungs(example: RungCase) throws {
        let strategy = SearchStrategy.halving(
            trials: example.trials, eta: example.eta, minBudget: example.minBudget)
        let rungs = strategy.rungs(for: example.trials)
        #expect(rungs.map(\.trials) == example.counts)
        #expect(rungs.map(\.budget) == example.divisors.map { 1 / $0 })
    }

    @Test("halving starts with the whole grid of lists, or 27 draws")
    func halvingSize() throws {
        let halving = SearchStrategy.halving(trials: nil, eta: 3, minBudget: 0.1)
        #expect(
            try SearchPlan(space: space("a=1,2", "b=1,2"), strategy: halving, seed: 1).candidates.count == 4)
        #expect(
            try SearchPlan(space: space("a=uniform(0,1)"), strategy: halving, seed: 1).candidates.count == 27)
    }

    @Test("the best go on, in their own order; of equal ones the earlier; failed ones never")
    func promotion() throws {
        let plan = try SearchPlan(
            space: space("a=0,1,2,3,4,5,6,7"), strategy: .halving(trials: nil, eta: 2, minBudget: 0.25),
            seed: 1)
        var scores: [PlannedTrial: TrialScore] = [:]
        let first = plan.next(after: scores, direction: .maximize)
        #expect(first == (0..<8).map { PlannedTrial(trial: $0, budget: 0.25) })
        for (trial, score) in zip(first, [0.5, 0.9, 0.7, 0.7, 0.7, 0.8, 0.1]) { scores[trial] = .mean(score) }
        #expect(plan.next(after: scores, direction: .maximize) == [first[7]])
        scores[first[7]] = .failed
        let second = plan.next(after: scores, direction: .maximize)
        #expect(second == [1, 2, 3, 5].map { PlannedTrial(trial: $0, budget: 0.5) })
        #expect(plan.next(after: scores, direction: .minimize).map(\.trial) == [0, 2, 3, 6])
        scores[second[0]] = .mean(0.2)
        #expect(plan.next(after: scores, direction: .maximize) == Array(second.dropFirst()))
        for trial in second.dropFirst() { scores[trial] = .failed }
        let third = plan.next(after: scores, direction: .maximize)
        #expect(third == [PlannedTrial(trial: 1, budget: 1)])
        scores[third[0]] = .mean(0.3)
        #expect(plan.next(after: scores, direction: .maximize).isEmpty)
    }

    @Test(
        "numbers out of range are refused",
        arguments: [
            SearchStrategy.random(trials: 0), .halving(trials: 0, eta: 3, minBudget: 0.1),
            .halving(trials: 9, eta: 1, minBudget: 0.1), .halving(trials: 9, eta: 3, minBudget: 0),
            .halving(trials: 9, eta: 3, minBudget: 1.5), .halving(trials: 9, eta: 3, minBudget: .nan),
        ])
    func refusals(strategy: SearchStrategy) throws {
        #expect(throws: DistillationError.self) {
            try SearchPlan(space: space("a=1,2"), strategy: strategy, seed: 1)
        }
    }

    @Test("losses and divergences are minimised, scores maximised, and the direction can be given")
    func directions() {
        for name in ["hard_loss", "kl", "eval-MSE", "latency_p50"] {
            #expect(TuningMetric(name).direction == .minimize)
        }
        for name in ["accuracy", "macro_f1", "agreement", "klaxon"] {
            #expect(TuningMetric(name).direction == .maximize)
        }
        #expect(TuningMetric("kl", direction: .maximize).direction == .maximize)
    }
}
