import Foundation
import Reports
import Transformers

extension PredictionAnalysis {
    /// Analyzes a model's predictions, and a teacher's beside them.
    ///
    /// - Parameters:
    ///   - student: The model's logits, for all examples.
    ///   - teacher: The teacher's logits for the same examples; `nil` without a teacher.
    ///   - targets: The labels of the same examples.
    ///   - labels: The classes' names.
    ///   - data: The path of the data file.
    ///   - rows: The index of each example among the file's rows, from 0; `nil` for the order of the examples.
    ///   - limit: The most examples in each list; 0 for no lists.
    init(
        student: Logits, teacher: Logits? = nil, targets: Targets, labels: [String], data: String,
        rows: [Int]? = nil, limit: Int = 20
    ) {
        let labeled = targets.labeledIndices
        self.init(data: data, problemType: targets.task.rawValue, examples: student.count)
        guard let task = targets.task.definition.analysis else { return }
        let outputs = targets.task.definition.outputs
        let models = [student] + [teacher].compactMap(\.self)
        studentCalibration = task.calibration(student, targets, labeled).map(CalibrationBin.bins)
        teacherCalibration = teacher.flatMap { task.calibration($0, targets, labeled) }.map(
            CalibrationBin.bins)
        if let teacher { outcomes = Self.outcomes(task, student, teacher, targets, labeled) }
        guard limit > 0, task.showsExamples else { return }
        func difference(_ index: Int) -> Double? {
            teacher.map { outputs.difference(student: student[index], teacher: $0[index]) }
        }
        func example(_ index: Int) -> Example {
            Example(
                row: (rows?[index] ?? index) + 1,
                labels: targets.isLabeled(index) ? task.labels(index, targets, labels) : [],
                student: task.prediction(student, index, labels),
                teacher: teacher.map { task.prediction($0, index, labels) }, difference: difference(index))
        }
        if teacher != nil {
            let differences = (0..<student.count).compactMap { index in difference(index).map { (index, $0) }
            }
            differMost = Self.largest(limit, of: differences).map(example)
        }
        let wrong = labeled.compactMap { index in
            task.wrongness(models, index, targets).map { (index, $0) }
        }
        bothWrong = Self.largest(limit, of: wrong).map(example)
    }

    /// The indices of the largest finite values above 0, the largest first and equals in order.
    private static func largest(_ limit: Int, of values: [(Int, Double)]) -> [Int] {
        values.filter { $0.1.isFinite && $0.1 > 0 }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(limit).map(\.0)
    }

    private static func outcomes(
        _ task: any PredictionComparison, _ student: Logits, _ teacher: Logits, _ targets: Targets,
        _ labeled: [Int]
    ) -> Outcomes? {
        var outcomes = Outcomes()
        for index in labeled {
            guard let theirs = task.isRight(teacher, index, targets),
                let own = task.isRight(student, index, targets)
            else { return nil }
            switch (theirs, own) {
            case (true, true): outcomes.bothRight += 1
            case (true, false): outcomes.onlyTeacherRight += 1
            case (false, true): outcomes.onlyStudentRight += 1
            case (false, false): outcomes.bothWrong += 1
            }
        }
        return outcomes
    }
}

extension PredictionAnalysis.Answer {
    /// The most classes of an example whose probabilities are listed.
    private static let mostProbabilities = 5

    /// - Parameters:
    ///   - chosen: The predicted classes.
    ///   - probabilities: By class.
    ///   - names: The classes' names.
    init(chosen: [Int], probabilities: [Double], _ names: [String]) {
        let order = probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
        self.init(
            labels: chosen.map { names[$0] },
            probabilities: order.prefix(Self.mostProbabilities).map {
                .init(label: names[$0], value: probabilities[$0])
            })
    }
}

extension CalibrationBin {
    /// The bins of a histogram, with means in place of sums.
    fileprivate static func bins(_ histogram: CalibrationHistogram) -> [CalibrationBin] {
        let count = Double(histogram.bins.count)
        return histogram.bins.enumerated().map { index, bin in
            let (lower, upper) = (Double(index) / count, Double(index + 1) / count)
            return CalibrationBin(
                lower: lower, upper: upper, count: bin.count,
                confidence: bin.count > 0 ? bin.confidence / Double(bin.count) : (lower + upper) / 2,
                accuracy: bin.count > 0 ? Double(bin.right) / Double(bin.count) : 0)
        }
    }
}
