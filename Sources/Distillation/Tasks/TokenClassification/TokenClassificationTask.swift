import Datasets
import Reports
import Torch
import Transformers

/// A tag for each word, as in named entity recognition: softmax and cross-entropy at the words' first tokens, evaluated by
/// entities.
struct TokenClassificationTask: LearningTask {
    let identifier = TaskIdentifier.tokenClassification
    let outputs = OutputKind.softmax
    let labelsWords = true
    let countTitle = "Training words by tag"
    let labelForm = DatasetOptions.LabelForm.name
    let softObjective = "kl"
    let labelObjective = "cross_entropy"
    let labelMetrics: [MetricName] = [.precision, .recall, .f1, .accuracy, .macroF1, .loss, .ece, .entropy]
    let primaryMetric = MetricName.f1
    let shownMetrics: [MetricName] = [.f1, .precision, .recall, .macroF1, .accuracy, .ece]

    var teacherMetrics: [MetricName] { outputs.teacherMetrics + [.entityAgreement] }

    func title(of metric: MetricName) -> String? {
        switch metric {
        case .accuracy: "accuracy of tags"
        case .agreement: "agreement of tags"
        default: nil
        }
    }

    /// Words are not read from texts with labels; see ``TokenBuilder``.
    func targets(of rows: [TextRow], from stream: TextStream, _ map: LabelMap) throws -> Targets {
        throw DistillationError("\(stream.path): token classification needs words with tags")
    }

    func metrics(_ logits: Logits, _ targets: Targets) throws -> MetricValues {
        let (labels, predictions) = (targets.classes, logits.predictions)
        let entities = Self.entities(predictions, targets)
        var values = MetricValues()
        values[.precision] = entities.micro.precision
        values[.recall] = entities.micro.recall
        values[.f1] = entities.micro.f1
        values[.macroF1] = entities.macro.f1
        values[.accuracy] = entities.accuracy
        values[.loss] = try Evaluator.hardLoss(logits, labels: labels)
        values[.ece] =
            CalibrationError(
                confidences: (0..<logits.count).map { logits.softmax($0)[predictions[$0]] },
                isCorrect: zip(predictions, labels).map { $0 == $1 }
            ).value
        return values
    }

    /// The same tags for the lenient reading, which knows E- and S-: these mean what L- and U- do.
    private static func readable(_ tags: WordTags) -> WordTags {
        var tags = tags
        tags.names = tags.names.map {
            $0.hasPrefix("L-") ? "E" + $0.dropFirst() : $0.hasPrefix("U-") ? "S" + $0.dropFirst() : $0
        }
        return tags
    }

    /// The predicted entities beside the true ones, as seqeval counts them by default.
    private static func entities(_ predictions: [Int], _ targets: Targets) -> EntityMetrics {
        var counter = EntityCounter()
        guard case .tags(let tags) = targets else { return counter.metrics }
        for sentence in Self.readable(tags).sentences(predictions) {
            // As many tags on both sides, and the lenient reading takes every tag.
            try? counter.add(prediction: sentence.predicted, reference: sentence.tags)
        }
        return counter.metrics
    }

    func countedExamples(_ targets: Targets) -> Int {
        Self.entities(targets.classes, targets).micro.support
    }

    func exampleCounts(_ logits: Logits, _ targets: Targets) -> [F1Counts]? {
        guard case .tags(let tags) = targets else { return nil }
        return Self.readable(tags).sentences(logits.predictions).map { sentence in
            var counter = EntityCounter()
            try? counter.add(prediction: sentence.predicted, reference: sentence.tags)
            return F1Counts(
                found: counter.foundCount, predicted: counter.predictedCount,
                actual: counter.metrics.micro.support)
        }
    }

    func primaryValue(_ logits: Logits, _ targets: Targets) -> Double {
        Self.entities(logits.predictions, targets).micro.f1
    }

    /// The F1 of each type of entities that the tags have, in the order of code points.
    func byClass(_ logits: Logits, _ targets: Targets, _ names: [String]) -> ClassEvaluation {
        let scores = Dictionary(
            Self.entities(logits.predictions, targets).types.map { ($0.type, $0.scores.f1) }
        ) { first, _ in first }
        let types = Set(names.filter { $0.contains("-") }.map { String($0.drop { $0 != "-" }.dropFirst()) })
        return ClassEvaluation(
            f1: types.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map {
                LabelScore(label: $0, value: scores[$0] ?? 0)
            })
    }

    func compare(student: Logits, teacher: Logits, _ targets: Targets) throws -> MetricValues {
        var values = try outputs.compare(student: student, teacher: teacher)
        guard case .tags(var tags) = targets else { return values }
        tags.classes = teacher.predictions
        values[.entityAgreement] = Self.entities(student.predictions, .tags(tags)).micro.f1
        return values
    }

    func add(_ targets: Targets, student: Logits, teacher: Logits?, to statistics: inout TrainingStatistics) {
        statistics.add(student: student, teacher: teacher, classes: targets.classes)
    }

    /// A constant finds no entity.
    func assess(_ logits: Logits, _ targets: Targets) -> TeacherAssessment {
        TeacherAssessment(metric: .f1, value: primaryValue(logits, targets), baseline: 0)
    }

    /// Texts are tagged by `TokenPredictor`, which knows their words.
    func predictions(_ logits: Logits, _ labels: [String], threshold: Double) throws -> [Prediction] {
        throw DistillationError("a model for token classification tags words; use TokenPredictor")
    }

    var analysis: (any PredictionComparison)? { WordComparison() }

    var card: TaskCard {
        TaskCard(
            pipeline: "token-classification", pipelineTitle: "Token Classification",
            autoModel: "AutoModelForTokenClassification", table: [.f1, .precision, .recall, .accuracy],
            identifiers: ["f1", "precision", "recall", "accuracy"],
            index: [(.f1, "f1"), (.precision, "precision"), (.recall, "recall"), (.accuracy, "accuracy")],
            summary: { "A token classifier (\($0)), \($1) to tag words with \($2)." })
    }
}

/// Predicted tags, as the page shows them: their confidence, and how often they are right.
struct WordComparison: PredictionComparison {
    private let words = SingleLabelComparison()
    let showsExamples = false

    func calibration(_ logits: Logits, _ targets: Targets, _ rows: [Int]) -> CalibrationHistogram? {
        words.calibration(logits, targets, rows)
    }
    func isRight(_ logits: Logits, _ row: Int, _ targets: Targets) -> Bool? {
        words.isRight(logits, row, targets)
    }
    func wrongness(_ models: [Logits], _ row: Int, _ targets: Targets) -> Double? { nil }
    func labels(_ row: Int, _ targets: Targets, _ names: [String]) -> [String] {
        words.labels(row, targets, names)
    }
    func prediction(_ logits: Logits, _ row: Int, _ names: [String]) -> PredictionAnalysis.Answer {
        words.prediction(logits, row, names)
    }
}
