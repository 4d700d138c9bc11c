import Testing
import Torch

extension Engine {
    @Suite("Learning-rate schedules")
    struct ScheduleTests {
        struct Case: Sendable, CustomStringConvertible {
            let name: String
            let warmupSteps: Int
            let decay: LearningRateSchedule.Decay
            var description: String { name }
        }

        static let cases = [
            Case(name: "linear", warmupSteps: 4, decay: .linear),
            Case(name: "linear_no_warmup", warmupSteps: 0, decay: .linear),
            Case(name: "cosine", warmupSteps: 4, decay: .cosine),
            Case(name: "constant_with_warmup", warmupSteps: 4, decay: .constant),
        ]

        @Test("rates equal transformers'", arguments: cases)
        func matchesTransformers(_ example: Case) throws {
            let expected = try Fixture("adamw")("schedule.\(example.name)").array(of: Double.self)
            #expect(expected.count == 21)
            let schedule = LearningRateSchedule(
                peak: 1e-3, warmupSteps: example.warmupSteps, totalSteps: 20, decay: example.decay)
            let rates = expected.indices.map { schedule.learningRate(atStep: $0) }
            for (rate, value) in zip(rates, expected) {
                #expect(abs(rate - value) <= 1e-12 * value + 1e-18, "\(rate), transformers has \(value)")
            }
        }

        @Test(
            "polynomial and one-cycle rates equal transformers' and PyTorch's",
            arguments: [
                ("polynomial", 4, .polynomial, 1, 1e-7), ("polynomial_no_warmup", 0, .polynomial, 1, 1e-7),
                ("polynomial_power_2", 4, .polynomial, 2, 1e-7),
                ("polynomial_end", 3, .polynomial, 0.5, 2e-4),
                ("one_cycle", 6, .oneCycle, 1, 1e-7), ("one_cycle_no_warmup", 0, .oneCycle, 1, 1e-7),
                ("one_cycle_all_warmup", 20, .oneCycle, 1, 1e-7),
            ] as [(String, Int, LearningRateSchedule.Decay, Double, Double)])
        func matchesPeers(
            name: String, warmup: Int, decay: LearningRateSchedule.Decay, power: Double, end: Double
        ) throws {
            let expected = try Fixture("schedules")(name).array(of: Double.self)
            #expect(expected.count >= 20)
            let schedule = LearningRateSchedule(
                peak: 1e-3, warmupSteps: warmup, totalSteps: 20, decay: decay, power: power, end: end)
            for (step, value) in expected.enumerated() {
                let rate = schedule.learningRate(atStep: step)
                #expect(abs(rate - value) <= 1e-12 * value + 1e-18, "step \(step): \(rate), not \(value)")
            }
        }

        @Test("the defaults are transformers', and raw values are the names of settings")
        func names() {
            let schedule = LearningRateSchedule(
                peak: 1e-3, warmupSteps: 0, totalSteps: 10, decay: .polynomial)
            #expect(schedule.power == 1 && schedule.end == 1e-7)
            #expect(
                LearningRateSchedule.Decay.allCases.map(\.rawValue) == [
                    "linear", "cosine", "constant", "polynomial", "one_cycle",
                ])
        }

        @Test("a rate stays within 0 and the peak, at the end and after it too")
        func bounds() {
            for decay in LearningRateSchedule.Decay.allCases {
                for (warmup, total) in [(0, 0), (0, 1), (3, 3), (5, 2), (2, 10)] {
                    let schedule = LearningRateSchedule(
                        peak: 0.5, warmupSteps: warmup, totalSteps: total, decay: decay)
                    for step in 0..<30 {
                        #expect(
                            (0...0.5).contains(schedule.learningRate(atStep: step)), "\(schedule) \(step)")
                    }
                    guard total > warmup else { continue }
                    let last: [LearningRateSchedule.Decay: Double] = [
                        .linear: 0, .cosine: 0, .constant: 0.5, .polynomial: 1e-7, .oneCycle: 0.5 / 25 / 1e4,
                    ]
                    #expect(schedule.learningRate(atStep: total) == last[decay])
                    #expect(schedule.learningRate(atStep: total + 7) == last[decay])
                }
            }
        }
    }
}
