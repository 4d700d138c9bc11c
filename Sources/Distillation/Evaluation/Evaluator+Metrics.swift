import Torch
import Transformers

extension Evaluator {
    /// All metrics of a model's answers.
    ///
    /// What needs labels is computed on the examples that have one, and left out where there are none.
    ///
    /// - Parameters:
    ///   - logits: The model's, for all examples.
    ///   - targets: The labels of the same examples.
    ///   - teacher: The teacher's logits for them.
    static func validation(
        _ logits: Logits, targets: Targets, teacher: Logits? = nil
    ) throws -> MetricValues {
        let labelled = targets.labelledIndices
        let own = logits.subset(labelled)
        var values = MetricValues()
        if !labelled.isEmpty {
            switch targets.subset(labelled) {
            case .classes(let classes, _): values = try classification(own, classes)
            case .sets(let sets, _): values = multiLabel(own, sets.map { $0 ?? [] })
            case .values(let numbers): values = regression(own, numbers)
            }
        }
        values[.entropy] = logits.meanEntropy(targets.problemType)
        if let teacher {
            let beside = try besideTeacher(logits, teacher, targets.problemType)
            for (name, value) in beside.entries { values[name] = value }
        }
        return values
    }

    /// The task's own metric alone (accuracy, micro F1 or Pearson's correlation): quick enough for many resamples.
    ///
    /// - Parameters:
    ///   - logits: Of examples that have a label.
    ///   - targets: Their labels.
    static func taskMetric(_ logits: Logits, targets: Targets) throws -> Double {
        switch targets {
        case .classes(let classes, _): Distillation.agreement(logits.predictions, classes)
        case .sets(let sets, let count):
            MultiLabelMetrics(
                predictions: logits.labelSets(), labels: sets.map { $0 ?? [] }, classCount: count
            ).microF1
        case .values(let numbers): regression(logits, numbers)[.pearson] ?? .nan
        }
    }

    private static func classification(_ logits: Logits, _ labels: [Int]) throws -> MetricValues {
        let predictions = logits.predictions
        let metrics = ClassificationMetrics(
            predictions: predictions, labels: labels, classCount: logits.classes)
        var values = MetricValues()
        values[.accuracy] = metrics.accuracy
        values[.macroF1] = metrics.macroF1
        values[.matthewsCorrelation] = metrics.matthewsCorrelation
        values[.loss] = try hardLoss(logits, labels: labels)
        values[.ece] =
            CalibrationError(
                confidences: (0..<logits.count).map { logits.softmax($0)[predictions[$0]] },
                isCorrect: zip(predictions, labels).map { $0 == $1 }
            ).value
        return values
    }

    /// Every decision about a label counts for the loss and the calibration error.
    private static func multiLabel(_ logits: Logits, _ labels: [[Int]]) -> MetricValues {
        let metrics = MultiLabelMetrics(
            predictions: logits.labelSets(), labels: labels, classCount: logits.classes)
        var values = MetricValues()
        values[.accuracy] = metrics.subsetAccuracy
        values[.macroF1] = metrics.macroF1
        values[.microF1] = metrics.microF1
        var (loss, confidences, isCorrect) = (0.0, [Double](), [Bool]())
        for (index, set) in labels.enumerated() {
            let wanted = Set(set)
            for (label, probability) in logits.sigmoid(index).enumerated() {
                let isPositive = wanted.contains(label)
                loss += binaryCrossEntropy(
                    logit: Double(logits.values[index * logits.classes + label]), isPositive: isPositive)
                confidences.append(max(probability, 1 - probability))
                isCorrect.append((probability > 0.5) == isPositive)
            }
        }
        values[.loss] = loss / Double(max(1, logits.values.count))
        values[.ece] = CalibrationError(confidences: confidences, isCorrect: isCorrect).value
        return values
    }

    private static func regression(_ logits: Logits, _ labels: [Float]) -> MetricValues {
        let metrics = RegressionMetrics(
            predictions: logits.values.map(Double.init), labels: labels.map(Double.init))
        var values = MetricValues()
        values[.pearson] = metrics.pearson
        values[.spearman] = metrics.spearman
        values[.mse] = metrics.meanSquaredError
        values[.mae] = metrics.meanAbsoluteError
        values[.r2] = metrics.r2
        values[.loss] = metrics.meanSquaredError
        return values
    }

    /// What compares a student's answers with its teacher's, labels or none.
    static func besideTeacher(
        _ student: Logits, _ teacher: Logits, _ problemType: TaskIdentifier
    ) throws -> MetricValues {
        guard (student.count, student.classes) == (teacher.count, teacher.classes) else {
            throw DistillationError(
                "the student's logits are \(student.count) × \(student.classes), the teacher's \(teacher.count) × "
                    + "\(teacher.classes); they must be of the same examples and classes")
        }
        var values = MetricValues()
        guard student.count > 0 else { return values }
        switch problemType {
        case .singleLabel:
            values[.kl] = try kl(student: student, teacher: teacher)
            values[.agreement] = agreement(student, teacher)
        case .multiLabel:
            let pairs = zip(student.values, teacher.values)
            values[.kl] =
                pairs.reduce(0.0) { $0 + bernoulliKL(teacher: Double($1.1), student: Double($1.0)) }
                / Double(student.count)
            values[.agreement] = Double(pairs.count { ($0 > 0) == ($1 > 0) }) / Double(student.values.count)
        case .regression:
            let metrics = RegressionMetrics(
                predictions: student.values.map(Double.init), labels: teacher.values.map(Double.init))
            values[.agreement] = metrics.pearson
            values[.teacherMSE] = metrics.meanSquaredError
        }
        values[.teacherEntropy] = teacher.meanEntropy(problemType)
        return values
    }
}
