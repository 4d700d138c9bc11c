import Transformers

/// How a loss on the distribution over a query's documents is made: the scores of pairs, and the temperature that softens a teacher's.
struct SoftenedScoring {
    var scoring: PairScoring
    private let schedule: Schedule

    /// The options of a loss with a teacher, beside those with labels.
    ///
    /// - Parameter temperature: What the temperature divides.
    static func options(_ labelOptions: [ObjectiveOption], temperature: String) -> [ObjectiveOption] {
        labelOptions + [
            PairScoring.teacherScale,
            ObjectiveOption("temperature", default: "1", "divides \(temperature); a schedule"),
        ]
    }

    /// Reads an objective's options.
    ///
    /// - Parameters:
    ///   - specification: The objective as it was written.
    ///   - source: The teacher's scores, or labels, which are not softened.
    ///   - options: The options with a teacher.
    ///   - labelOptions: Those with labels.
    /// - Throws: ``DistillationError`` for options that there are not, or out of range.
    init(
        _ specification: ObjectiveSpecification, _ source: ScoreSource, _ options: [ObjectiveOption],
        _ labelOptions: [ObjectiveOption]
    ) throws {
        let isTaught = source == .teacher
        let options = try ObjectiveOptions(specification, known: isTaught ? options : labelOptions)
        scoring = try PairScoring(options, source)
        schedule = isTaught ? try options.temperature() : 1
    }

    var source: ScoreSource { scoring.source }

    func temperature(at progress: Double) -> Double { schedule.value(at: progress) }
}
