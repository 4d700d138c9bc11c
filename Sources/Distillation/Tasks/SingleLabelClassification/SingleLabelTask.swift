import Datasets
import Reports
import Torch
import Transformers

/// Single-label classification, one of several classes for each example: softmax and cross-entropy.
struct SingleLabelTask: LearningTask {
    let identifier = TaskIdentifier.singleLabel
    let outputs = OutputKind.softmax
    let labelForm = DatasetOptions.LabelForm.name
    let softObjective = "kl"
    let labelObjective = "cross_entropy"
    let labelMetrics: [MetricName] = [.accuracy, .macroF1, .matthewsCorrelation, .loss, .ece, .entropy]
    let primaryMetric = MetricName.accuracy
    let shownMetrics: [MetricName] = [.accuracy, .macroF1, .matthewsCorrelation, .ece]

    func targets(of rows: [TextRow], from stream: TextStream, _ map: LabelMap) throws -> Targets {
        .classes(
            try rows.map { try stream.labelID(of: $0, in: map) ?? BatchLabels.unlabelled }, count: map.count)
    }

    func metrics(_ logits: Logits, _ targets: Targets) throws -> MetricValues {
        let (labels, predictions) = (targets.classes, logits.predictions)
        let metrics = ClassificationMetrics(
            predictions: predictions, labels: labels, classCount: logits.classes)
        var values = MetricValues()
        values[.accuracy] = metrics.accuracy
        values[.macroF1] = metrics.macroF1
        values[.matthewsCorrelation] = metrics.matthewsCorrelation
        values[.loss] = try Evaluator.hardLoss(logits, labels: labels)
        values[.ece] =
            CalibrationError(
                confidences: (0..<logits.count).map { logits.softmax($0)[predictions[$0]] },
                isCorrect: zip(predictions, labels).map { $0 == $1 }
            ).value
        return values
    }

    func primaryValue(_ logits: Logits, _ targets: Targets) -> Double {
        agreement(logits.predictions, targets.classes)
    }

    func rowScores(_ logits: Logits, _ targets: Targets) -> [Double]? {
        zip(logits.predictions, targets.classes).map { $0 == $1 ? 1 : 0 }
    }

    func byClass(_ logits: Logits, _ targets: Targets, _ names: [String]) -> ClassEvaluation {
        let metrics = ClassificationMetrics(
            predictions: logits.predictions, labels: targets.classes, classCount: names.count)
        return ClassEvaluation(
            f1: zip(names, metrics.f1).map { LabelScore(label: $0, value: $1) },
            confusion: metrics.confusionMatrix.isEmpty ? nil : metrics.confusionMatrix)
    }

    func add(_ targets: Targets, student: Logits, teacher: Logits?, to statistics: inout TrainingStatistics) {
        statistics.add(student: student, teacher: teacher, classes: targets.classes)
    }

    func assess(_ logits: Logits, _ targets: Targets) -> TeacherAssessment {
        TeacherAssessment(predictions: logits.predictions, labels: targets.classes)
    }

    func predictions(_ logits: Logits, _ labels: [String], threshold: Double) throws -> [Prediction] {
        logits.predictions(labels, .singleLabel, threshold: threshold)
    }

    var analysis: (any PredictionComparison)? { SingleLabelComparison() }

    var card: TaskCard {
        TaskCard(
            pipeline: "text-classification", pipelineTitle: "Text Classification",
            autoModel: "AutoModelForSequenceClassification",
            table: [.accuracy, .macroF1, .matthewsCorrelation],
            identifiers: ["accuracy", "f1", "matthews_correlation"],
            index: [
                (.accuracy, "accuracy"), (.macroF1, "f1"), (.matthewsCorrelation, "matthews_correlation"),
            ],
            summary: { "A text classifier (\($0)), \($1) to distinguish \($2)." })
    }
}

/// Single-label predictions, as the page shows them.
struct SingleLabelComparison: PredictionComparison {
    func calibration(_ logits: Logits, _ targets: Targets, _ rows: [Int]) -> CalibrationHistogram? {
        var histogram = CalibrationHistogram()
        for row in rows {
            let choice = logits.prediction(row)
            histogram.add(logits.softmax(row)[choice], isRight: choice == targets.classes[row])
        }
        return histogram
    }

    func isRight(_ logits: Logits, _ row: Int, _ targets: Targets) -> Bool? {
        logits.prediction(row) == targets.classes[row]
    }

    func wrongness(_ models: [Logits], _ row: Int, _ targets: Targets) -> Double? {
        guard models.allSatisfy({ $0.prediction(row) != targets.classes[row] }) else { return nil }
        return models.map { $0.softmax(row)[$0.prediction(row)] }.min()
    }

    func labels(_ row: Int, _ targets: Targets, _ names: [String]) -> [String] {
        [names[targets.classes[row]]]
    }

    func prediction(_ logits: Logits, _ row: Int, _ names: [String]) -> PredictionAnalysis.Answer {
        .init(chosen: [logits.prediction(row)], probabilities: logits.softmax(row), names)
    }
}
