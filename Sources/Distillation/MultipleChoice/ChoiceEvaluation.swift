import Foundation

/// The result of one or more files of multiple-choice questions, each a task.
public struct ChoiceEvaluation: Sendable, Equatable, Codable {
    public var tasks: [ChoiceReport]
    /// The tasks taken together, each with the same weight.
    public var summary: ChoiceSummary
}

/// The means over tasks, and how much of its teacher's a model keeps.
public struct ChoiceSummary: Sendable, Equatable, Codable {
    /// The mean accuracy of choosing blindly.
    public var chance: Double
    /// The model's mean accuracies.
    public var model: ChoiceWays<Double>
    public var teacher: ChoiceWays<Double>?
    /// The model's means minus the teacher's; the bootstrap draws questions within each task.
    public var difference: ChoiceWays<PairedBootstrap>?
    /// `nil` without a teacher.
    public var retention: ChoiceWays<ChoiceRetention?>?
}

/// How much of its teacher's mean accuracy a model keeps.
public struct ChoiceRetention: Sendable, Equatable, Codable {
    /// The model's mean accuracy divided by the teacher's.
    public let value: Double
    /// The 95 % interval: the 2.5 and 97.5 % quantiles of the ratio over draws of questions within each task, both models on the same;
    /// draws on which the teacher answers nothing rightly have no ratio, and are left out.
    public let lower: Double
    public let upper: Double
    /// The same above chance, (model − chance) / (teacher − chance); `nil` where the teacher is no better than chance.
    public let aboveChance: Double?

    /// - Parameters:
    ///   - right: Whether the model answers each question rightly, task by task.
    ///   - teacher: The same of the teacher.
    ///   - chance: The mean accuracy of choosing blindly.
    ///   - resamples: The number of draws.
    ///   - seed: Decides the draws.
    /// - Returns: `nil` where the teacher answers nothing rightly.
    /// - Throws: ``DistillationError`` without questions.
    init?(right: [[Bool]], teacher: [[Bool]], chance: Double, resamples: Int = 2000, seed: UInt64 = 42) throws
    {
        let draws = try BootstrapDraws(counts: right.map(\.count), resamples: resamples, seed: seed)
        let (own, other) = (meanAccuracy(right), meanAccuracy(teacher))
        guard other > 0 else { return nil }
        value = own / other
        aboveChance = other > chance ? (own - chance) / (other - chance) : nil
        var ratios = draws.map { meanAccuracy(right, $0) / meanAccuracy(teacher, $0) }.filter(\.isFinite)
        ratios.sort()
        lower = ratios.isEmpty ? value : quantile(ratios, 0.025)
        upper = ratios.isEmpty ? value : quantile(ratios, 0.975)
    }
}

extension ChoiceSummary {
    /// - Parameters:
    ///   - tasks: The reports.
    ///   - right: Whether each of the model's answers is right, task by task.
    ///   - teacher: The same of the teacher; `nil` without one.
    /// - Throws: ``DistillationError`` without questions.
    init(_ tasks: [ChoiceReport], right: [ChoiceWays<[Bool]>], teacher: [ChoiceWays<[Bool]>]?) throws {
        let chance = tasks.reduce(0) { $0 + $1.chance } / Double(tasks.count)
        let own = ChoiceWays(right)
        self.chance = chance
        model = own.map { meanAccuracy($0) }
        guard let teacher else { return }
        let other = ChoiceWays(teacher)
        self.teacher = other.map { meanAccuracy($0) }
        difference = try own.paired(with: other).map { own, other in
            try PairedBootstrap(counts: own.map(\.count), resamples: 2000) {
                meanAccuracy(own, $0) - meanAccuracy(other, $0)
            }
        }
        retention = try own.paired(with: other).map {
            try ChoiceRetention(right: $0, teacher: $1, chance: chance)
        }
    }
}

extension ChoiceWays {
    /// The values of several tasks for each way.
    fileprivate init<Element>(_ tasks: [ChoiceWays<Element>]) where Value == [Element] {
        self.init(
            acc: tasks.map(\.acc), accNorm: tasks.map(\.accNorm), accBytes: tasks.map(\.accBytes))
    }
}

/// The mean over tasks of the fraction of questions that are answered rightly.
///
/// - Parameters:
///   - right: Whether each question is answered rightly, task by task.
///   - drawn: The questions that count, task by task; `nil` for each once.
private func meanAccuracy(_ right: [[Bool]], _ drawn: [[Int]]? = nil) -> Double {
    var sum = 0.0
    for (task, answers) in right.enumerated() {
        let count = drawn?[task].count { answers[$0] } ?? answers.count { $0 }
        sum += Double(count) / Double(answers.count)
    }
    return sum / Double(right.count)
}
