import Foundation
import Reports
import Transformers

extension PredictionAnalysis {
    /// The most classes of an example whose probabilities are told.
    private static let mostProbabilities = 5

    /// Looks at a model's answers, and at a teacher's beside them.
    ///
    /// - Parameters:
    ///   - student: The model's logits, for all examples.
    ///   - teacher: The teacher's logits for the same examples; `nil` without a teacher.
    ///   - targets: The labels of the same examples.
    ///   - labels: The classes' names.
    ///   - data: The path of the data file.
    ///   - rows: The place of each example among the file's rows, from 0; `nil` for the order of the examples.
    ///   - limit: The most examples in each list; 0 for no lists.
    init(
        student: Logits, teacher: Logits? = nil, targets: Targets, labels: [String], data: String,
        rows: [Int]? = nil, limit: Int = 20
    ) {
        let labelled = targets.labelledIndices
        self.init(data: data, problemType: targets.problemType.rawValue, examples: student.count)
        studentCalibration = Self.calibration(student, targets, labelled)
        teacherCalibration = teacher.flatMap { Self.calibration($0, targets, labelled) }
        if let teacher, targets.problemType != .regression {
            outcomes = Self.outcomes(student, teacher, targets, labelled)
        }
        guard limit > 0 else { return }
        func example(_ index: Int, _ difference: Double?) -> Example {
            Example(
                row: (rows?[index] ?? index) + 1, labels: Self.labels(of: index, targets, labels),
                student: Self.answer(student, index, targets, labels),
                teacher: teacher.map { Self.answer($0, index, targets, labels) }, difference: difference)
        }
        if let teacher {
            let differences = (0..<student.count).map {
                Self.difference(student, teacher, $0, targets.problemType)
            }
            differMost = Self.largest(limit, of: differences.enumerated().map { ($0, $1) }).map {
                example($0, differences[$0])
            }
        }
        let wrong = labelled.compactMap { index -> (Int, Double)? in
            Self.wrongness(student, teacher, index, targets).map { (index, $0) }
        }
        bothWrong = Self.largest(limit, of: wrong).map { index in
            example(
                index, teacher.map { Self.difference(student, $0, index, targets.problemType) })
        }
    }

    /// The places of the largest finite values above 0, the largest first and equals in order.
    private static func largest(_ limit: Int, of values: [(Int, Double)]) -> [Int] {
        values.filter { $0.1.isFinite && $0.1 > 0 }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(limit).map(\.0)
    }

    // MARK: - Calibration

    /// The answers by confidence, as ``CalibrationError`` counts them: one an example; for several labels at once every
    /// decision about a label; none for regression.
    private static func calibration(
        _ logits: Logits, _ targets: Targets, _ labelled: [Int]
    ) -> [CalibrationBin]? {
        var histogram = CalibrationHistogram()
        switch targets {
        case .classes(let classes, _):
            for index in labelled {
                let choice = choice(logits, index)
                histogram.add(logits.softmax(index)[choice], isRight: choice == classes[index])
            }
        case .sets(let sets, _):
            for index in labelled {
                let wanted = Set(sets[index] ?? [])
                for (label, probability) in logits.sigmoid(index).enumerated() {
                    histogram.add(
                        max(probability, 1 - probability),
                        isRight: (probability > 0.5) == wanted.contains(label))
                }
            }
        case .values: return nil
        }
        return CalibrationBin.bins(histogram)
    }

    // MARK: - Answers

    private static func choice(_ logits: Logits, _ index: Int) -> Int {
        let row = Array(logits[index])
        return row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
    }

    private static func set(_ logits: Logits, _ index: Int) -> Set<Int> {
        Set(zip(0..., logits[index]).filter { $0.1 > 0 }.map(\.0))
    }

    private static func isRight(_ logits: Logits, _ index: Int, _ targets: Targets) -> Bool {
        switch targets {
        case .classes(let classes, _): choice(logits, index) == classes[index]
        case .sets(let sets, _): set(logits, index) == Set(sets[index] ?? [])
        case .values: false
        }
    }

    private static func outcomes(
        _ student: Logits, _ teacher: Logits, _ targets: Targets, _ labelled: [Int]
    ) -> Outcomes {
        var outcomes = Outcomes()
        for index in labelled {
            switch (isRight(teacher, index, targets), isRight(student, index, targets)) {
            case (true, true): outcomes.bothRight += 1
            case (true, false): outcomes.onlyTeacherRight += 1
            case (false, true): outcomes.onlyStudentRight += 1
            case (false, false): outcomes.bothWrong += 1
            }
        }
        return outcomes
    }

    private static func difference(
        _ student: Logits, _ teacher: Logits, _ index: Int, _ type: TaskIdentifier
    ) -> Double {
        switch type {
        case .singleLabel:
            zip(teacher.logSoftmax(index), student.logSoftmax(index)).reduce(0) { sum, pair in
                sum + exp(pair.0) * (pair.0 - pair.1)
            }
        case .multiLabel:
            zip(teacher[index], student[index]).reduce(0) {
                $0 + bernoulliKL(teacher: Double($1.0), student: Double($1.1))
            }
        case .regression: abs(Double(teacher[index].first ?? 0) - Double(student[index].first ?? 0))
        }
    }

    /// How sure both are of what is wrong: the smaller confidence of both; for several labels at once that of the surest
    /// decision that both get wrong; for regression the error of the nearer. `nil` where one of them is right.
    private static func wrongness(
        _ student: Logits, _ teacher: Logits?, _ index: Int, _ targets: Targets
    ) -> Double? {
        let models = [student] + [teacher].compactMap(\.self)
        switch targets {
        case .classes(let classes, _):
            guard models.allSatisfy({ choice($0, index) != classes[index] }) else { return nil }
            return models.map { $0.softmax(index)[choice($0, index)] }.min()
        case .sets(let sets, let count):
            let wanted = Set(sets[index] ?? [])
            let answers = models.map { $0.sigmoid(index) }
            return (0..<count).compactMap { label -> Double? in
                guard answers.allSatisfy({ ($0[label] > 0.5) != wanted.contains(label) }) else { return nil }
                return answers.map { max($0[label], 1 - $0[label]) }.min()
            }.max()
        case .values(let values):
            return models.map { abs(Double($0[index].first ?? 0) - Double(values[index])) }.min()
        }
    }

    private static func labels(of index: Int, _ targets: Targets, _ names: [String]) -> [String] {
        guard targets.isLabelled(index) else { return [] }
        return switch targets {
        case .classes(let classes, _): [names[classes[index]]]
        case .sets(let sets, _): (sets[index] ?? []).map { names[$0] }
        case .values(let values): [values[index].description]
        }
    }

    private static func answer(
        _ logits: Logits, _ index: Int, _ targets: Targets, _ names: [String]
    ) -> Answer {
        let probabilities: [Double]
        let chosen: [Int]
        switch targets.problemType {
        case .regression: return Answer(labels: [], value: Double(logits[index].first ?? 0))
        case .singleLabel:
            probabilities = logits.softmax(index)
            chosen = [choice(logits, index)]
        case .multiLabel:
            probabilities = logits.sigmoid(index)
            chosen = set(logits, index).sorted()
        }
        let places = probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
        return Answer(
            labels: chosen.map { names[$0] },
            probabilities: places.prefix(mostProbabilities).map {
                Probability(label: names[$0], value: probabilities[$0])
            })
    }
}

extension CalibrationBin {
    /// The bins of a histogram, with means in place of sums.
    fileprivate static func bins(_ histogram: CalibrationHistogram) -> [CalibrationBin] {
        let count = Double(histogram.bins.count)
        return histogram.bins.enumerated().map { place, bin in
            let (lower, upper) = (Double(place) / count, Double(place + 1) / count)
            return CalibrationBin(
                lower: lower, upper: upper, count: bin.count,
                confidence: bin.count > 0 ? bin.confidence / Double(bin.count) : (lower + upper) / 2,
                accuracy: bin.count > 0 ? Double(bin.right) / Double(bin.count) : 0)
        }
    }
}
