import Datasets
import Reports
import Transformers

/// Multi-label classification, any number of classes for each example: a sigmoid and a binary cross-entropy for each class.
struct MultiLabelTask: LearningTask {
    let identifier = TaskIdentifier.multiLabel
    let outputs = OutputKind.sigmoid
    let countTitle = "Training texts by label"
    let labelForm = DatasetOptions.LabelForm.set
    let softObjective = "soft_binary_cross_entropy"
    let labelObjective = "binary_cross_entropy"
    let labelMetrics: [MetricName] = [.accuracy, .macroF1, .microF1, .loss, .ece, .entropy]
    let primaryMetric = MetricName.microF1
    let shownMetrics: [MetricName] = [.microF1, .macroF1, .accuracy, .ece]

    func title(of metric: MetricName) -> String? { metric == .accuracy ? "subset accuracy" : nil }

    func targets(of rows: [TextRow], from stream: TextStream, _ map: LabelMap) throws -> Targets {
        .sets(try rows.map { try stream.labelIDs(of: $0, in: map) }, count: map.count)
    }

    /// Every decision about a label counts for the loss and the calibration error.
    func metrics(_ logits: Logits, _ targets: Targets) throws -> MetricValues {
        let labels = targets.sets
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

    func primaryValue(_ logits: Logits, _ targets: Targets) -> Double {
        MultiLabelMetrics(
            predictions: logits.labelSets(), labels: targets.sets, classCount: logits.classes
        ).microF1
    }

    func byClass(_ logits: Logits, _ targets: Targets, _ names: [String]) -> ClassEvaluation {
        let metrics = MultiLabelMetrics(
            predictions: logits.labelSets(), labels: targets.sets, classCount: names.count)
        return ClassEvaluation(f1: zip(names, metrics.f1).map { LabelScore(label: $0, value: $1) })
    }

    func add(_ targets: Targets, student: Logits, teacher: Logits?, to statistics: inout TrainingStatistics) {
        guard case .sets(let sets, _) = targets else { return }
        statistics.add(student: student, teacher: teacher, sets: sets)
    }

    func assess(_ logits: Logits, _ targets: Targets) -> TeacherAssessment {
        TeacherAssessment(
            metric: .microF1, value: primaryValue(logits, targets),
            baseline: Self.bestConstantF1(targets.sets, classes: logits.classes))
    }

    /// The micro F1 of the constant baseline, the same set for each example: the most frequent labels, as
    /// many of them as score best.
    private static func bestConstantF1(_ sets: [[Int]], classes: Int) -> Double {
        var counts = [Int](repeating: 0, count: classes)
        for label in sets.joined() where counts.indices.contains(label) { counts[label] += 1 }
        let actual = counts.reduce(0, +)
        var (hits, best) = (0, 0.0)
        for (given, count) in zip(1..., counts.sorted(by: >)) where !sets.isEmpty {
            hits += count
            best = max(best, 2 * Double(hits) / Double(given * sets.count + actual))
        }
        return best
    }

    func predictions(_ logits: Logits, _ labels: [String], threshold: Double) throws -> [Prediction] {
        logits.predictions(labels, .multiLabel, threshold: threshold)
    }

    var analysis: (any PredictionComparison)? { MultiLabelComparison() }

    var card: TaskCard {
        TaskCard(
            pipeline: "text-classification", pipelineTitle: "Text Classification",
            autoModel: "AutoModelForSequenceClassification", table: [.microF1, .macroF1, .accuracy],
            identifiers: ["f1", "accuracy"],
            index: [(.microF1, "f1"), (.macroF1, "f1"), (.accuracy, "accuracy")],
            summary: {
                "A text classifier (\($0)), \($1) for multi-label classification into \($2): "
                    + "it predicts those whose logit is above 0."
            })
    }
}

/// Multi-label predictions, as the page shows them.
struct MultiLabelComparison: PredictionComparison {
    private func chosen(_ logits: Logits, _ row: Int) -> [Int] {
        zip(0..., logits[row]).filter { $0.1 > 0 }.map(\.0)
    }

    func calibration(_ logits: Logits, _ targets: Targets, _ rows: [Int]) -> CalibrationHistogram? {
        var histogram = CalibrationHistogram()
        for row in rows {
            let wanted = Set(targets.sets[row])
            for (label, probability) in logits.sigmoid(row).enumerated() {
                histogram.add(
                    max(probability, 1 - probability),
                    isRight: (probability > 0.5) == wanted.contains(label))
            }
        }
        return histogram
    }

    func isRight(_ logits: Logits, _ row: Int, _ targets: Targets) -> Bool? {
        Set(chosen(logits, row)) == Set(targets.sets[row])
    }

    /// The confidence of the surest decision that all models get wrong.
    func wrongness(_ models: [Logits], _ row: Int, _ targets: Targets) -> Double? {
        let wanted = Set(targets.sets[row])
        let probabilities = models.map { $0.sigmoid(row) }
        return (0..<(models.first?.classes ?? 0)).compactMap { label -> Double? in
            guard probabilities.allSatisfy({ ($0[label] > 0.5) != wanted.contains(label) }) else {
                return nil
            }
            return probabilities.map { max($0[label], 1 - $0[label]) }.min()
        }.max()
    }

    func labels(_ row: Int, _ targets: Targets, _ names: [String]) -> [String] {
        targets.sets[row].map { names[$0] }
    }

    func prediction(_ logits: Logits, _ row: Int, _ names: [String]) -> PredictionAnalysis.Answer {
        .init(chosen: chosen(logits, row), probabilities: logits.sigmoid(row), names)
    }
}
