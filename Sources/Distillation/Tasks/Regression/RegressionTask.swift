import Datasets
import Reports
import Transformers

/// Regression, a number for each example: the mean squared error.
struct RegressionTask: LearningTask {
    let identifier = TaskIdentifier.regression
    let outputs = OutputKind.real
    let labelForm = DatasetOptions.LabelForm.number
    /// The one label of a model for regression, as transformers names it.
    let fixedClassNames: [String]? = ["LABEL_0"]
    let softObjective = "logits_mse"
    let labelObjective = "mse"
    let labelMetrics: [MetricName] = [.pearson, .spearman, .mse, .mae, .r2, .loss]
    let primaryMetric = MetricName.pearson
    /// R² sees errors of scale and offset: a correlation can be highest where every number is far off.
    let metricForBest = MetricName.r2
    let shownMetrics: [MetricName] = [.pearson, .spearman, .mse, .mae, .r2]

    func title(of metric: MetricName) -> String? {
        metric == .agreement ? "correlation with teacher" : nil
    }

    func targets(of rows: [TextRow], from stream: TextStream, _ map: LabelMap) throws -> Targets {
        .values(try rows.map { try stream.value(of: $0) ?? .nan })
    }

    func metrics(_ logits: Logits, _ targets: Targets) -> MetricValues {
        let metrics = RegressionMetrics(
            predictions: logits.values.map(Double.init), labels: targets.numbers.map(Double.init))
        var values = MetricValues()
        values[.pearson] = metrics.pearson
        values[.spearman] = metrics.spearman
        values[.mse] = metrics.meanSquaredError
        values[.mae] = metrics.meanAbsoluteError
        values[.r2] = metrics.r2
        values[.loss] = metrics.meanSquaredError
        return values
    }

    func primaryValue(_ logits: Logits, _ targets: Targets) -> Double {
        metrics(logits, targets)[.pearson] ?? .nan
    }

    func byClass(_ logits: Logits, _ targets: Targets, _ names: [String]) -> ClassEvaluation {
        ClassEvaluation()
    }

    func add(_ targets: Targets, student: Logits, teacher: Logits?, to statistics: inout TrainingStatistics) {
        statistics.add(student: student, teacher: teacher, values: targets.numbers)
    }

    func assess(_ logits: Logits, _ targets: Targets) -> TeacherAssessment {
        let values = metrics(logits, targets)
        return TeacherAssessment(
            metric: .pearson, value: values[.pearson] ?? .nan, baseline: 0, r2: values[.r2])
    }

    func predictions(_ logits: Logits, _ labels: [String], threshold: Double) throws -> [Prediction] {
        logits.predictions(labels, .regression, threshold: threshold)
    }

    var analysis: (any PredictionComparison)? { RegressionComparison() }

    var card: TaskCard {
        TaskCard(
            pipeline: "text-classification", pipelineTitle: "Text Classification",
            autoModel: "AutoModelForSequenceClassification", table: [.pearson, .spearman, .mse, .mae],
            identifiers: ["pearsonr", "spearmanr", "mse"],
            index: [(.pearson, "pearsonr"), (.spearman, "spearmanr"), (.mse, "mse")],
            summary: { shape, made, _ in
                "A text regressor (\(shape)), \(made): its single output is the predicted number."
            }
        )
    }
}

/// Regression's predictions, as the page shows them.
struct RegressionComparison: PredictionComparison {
    func calibration(_ logits: Logits, _ targets: Targets, _ rows: [Int]) -> CalibrationHistogram? { nil }

    func isRight(_ logits: Logits, _ row: Int, _ targets: Targets) -> Bool? { nil }

    /// The error of the nearest model.
    func wrongness(_ models: [Logits], _ row: Int, _ targets: Targets) -> Double? {
        models.map { abs(Double($0[row].first ?? 0) - Double(targets.numbers[row])) }.min()
    }

    func labels(_ row: Int, _ targets: Targets, _ names: [String]) -> [String] {
        [targets.numbers[row].description]
    }

    func prediction(_ logits: Logits, _ row: Int, _ names: [String]) -> PredictionAnalysis.Answer {
        .init(labels: [], value: Double(logits[row].first ?? 0))
    }
}
