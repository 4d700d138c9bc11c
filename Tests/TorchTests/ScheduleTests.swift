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
                    if decay != .constant && total > warmup {
                        #expect(schedule.learningRate(atStep: total) == 0)
                        #expect(schedule.learningRate(atStep: total + 7) == 0)
                    }
                }
            }
        }
    }
}
