import Foundation
import Testing
import Transformers

@testable import Distillation

/// Held to scikit-learn, SciPy, PyTorch and NumPy by scripts/fixtures/task_metrics.py.
@Suite("Metrics of every problem type")
struct TaskMetricsTests {
    private struct Golden: Decodable {
        struct Case<Label: Decodable>: Decodable {
            var logits: [[Float]]
            var teacher: [[Float]]
            var labels: [Label]
            var f1: [Double]?
            var metrics: [String: Double]
        }
        struct Summary: Decodable {
            var difference: Double
            var mean: Double
            var interval: [Double]
            var p: Double
        }
        struct Bootstrap: Decodable {
            var labels: [Int]
            var first: [Int]
            var second: [Int]
            var resamples: Int
            var seed: UInt64
            var accuracy: Summary
            var macroF1: Summary
        }
        struct Sample: Decodable {
            var values: [Double]
            var mean: Double
            var deviation: Double
        }
        var singleLabel: [Case<Int>]
        var multiLabel: [Case<[Int]>]
        var regression: [Case<Float>]
        var bootstrap: [Bootstrap]
        var samples: [Sample]
    }

    private let golden: Golden

    init() throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        golden = try decoder.decode(
            Golden.self, from: Data(contentsOf: Support.fixtures.appending(path: "task_metrics.json")))
    }

    private func logits(_ rows: [[Float]]) -> Logits {
        Logits(values: rows.flatMap(\.self), classes: rows.first?.count ?? 0)
    }

    private func isClose(_ a: Double?, _ b: Double, _ tolerance: Double = 1e-10) -> Bool {
        a.map { abs($0 - b) <= tolerance * max(1, abs(b)) } ?? false
    }

    private func expect<Label>(_ example: Golden.Case<Label>, _ targets: Targets) throws {
        let values = try Evaluator.validation(
            logits(example.logits), targets: targets, teacher: logits(example.teacher))
        #expect(Set(values.names.map(\.rawValue)) == Set(example.metrics.keys))
        #expect(values.names == MetricName.available(for: targets.task, hasTeacher: true))
        for (name, value) in values.entries {
            let expected = try #require(example.metrics[name.rawValue])
            // Cross-entropy and KL of classes are libtorch's, in float32.
            let isFloat = targets.task == .singleLabel && [.loss, .kl].contains(name)
            #expect(isClose(value, expected, isFloat ? 2e-6 : 1e-10), "\(name): \(value), not \(expected)")
        }
        let alone = try Evaluator.validation(logits(example.logits), targets: targets)
        #expect(alone.names == MetricName.available(for: targets.task, hasTeacher: false))
    }

    @Test("one class of several")
    func singleLabel() throws {
        for example in golden.singleLabel {
            try expect(example, .classes(example.labels, count: example.logits[0].count))
        }
    }

    @Test("several classes at once")
    func multiLabel() throws {
        for example in golden.multiLabel {
            let classes = example.logits[0].count
            let sets = example.labels.map { row in zip(0..., row).filter { $0.1 == 1 }.map(\.0) }
            try expect(example, .sets(sets, count: classes))
            let metrics = MultiLabelMetrics(
                predictions: logits(example.logits).labelSets(), labels: sets, classCount: classes)
            let expected = try #require(example.f1)
            #expect(metrics.f1.count == classes && zip(metrics.f1, expected).allSatisfy { isClose($0, $1) })
        }
    }

    @Test("numbers, also with ties")
    func regression() throws {
        for example in golden.regression { try expect(example, .values(example.labels)) }
        #expect(RegressionMetrics.ranks([3, 1, 3, 2, 3]) == [4, 1, 4, 2, 4])
    }

    @Test("where a side does not vary, or there is nothing, correlations are 0")
    func degenerate() throws {
        let constant = RegressionMetrics(predictions: [1, 1, 1], labels: [1, 2, 3])
        #expect(constant.pearson == 0 && constant.spearman == 0 && constant.r2 == -1.5)
        #expect(RegressionMetrics(predictions: [2, 2], labels: [2, 2]).r2 == 1)
        #expect(RegressionMetrics(predictions: [2, 3], labels: [2, 2]).r2 == 0)
        let none = RegressionMetrics(predictions: [], labels: [])
        #expect(none.pearson == 0 && none.meanSquaredError == 0 && none.r2 == 0)
        let empty = MultiLabelMetrics(predictions: [], labels: [], classCount: 2)
        #expect(empty.subsetAccuracy == 0 && empty.microF1 == 0 && empty.macroF1 == 0)
        let silent = MultiLabelMetrics(predictions: [[], []], labels: [[], []], classCount: 2)
        #expect(silent.subsetAccuracy == 1 && silent.microF1 == 0)
        #expect(CalibrationError(confidences: [], isCorrect: []).value == 0)
        #expect(
            try Evaluator.validation(Logits(values: [], classes: 2), targets: .sets([], count: 2)).names == []
        )
    }

    @Test("a bin holds its upper bound, and the error is weighted by the bins' examples")
    func calibration() {
        // Bins (0, 0.5] and (0.5, 1].
        let error = CalibrationError(
            confidences: [0.5, 0.25, 1, 0.75], isCorrect: [true, false, true, true], bins: 2)
        #expect(error.value == (abs(1 - 0.75) + abs(2 - 1.75)) / 4)
        #expect(CalibrationError(confidences: [1, 1], isCorrect: [true, true]).value == 0)
        #expect(CalibrationError(confidences: [1, 0.99], isCorrect: [false, false]).value == 0.995)
    }

    @Test("a teacher is compared with the constant baseline of its problem type")
    func assessment() {
        // Always answering {0} gives 2 · 3 / (4 + 4), {0, 1} gives 2 · 4 / (8 + 4).
        let sets = Targets.sets([[0], [0], [0, 1], []], count: 3)
        let silent = TeacherAssessment(
            Logits(values: .init(repeating: -1, count: 12), classes: 3), targets: sets)
        #expect(silent.metric == .microF1 && silent.value == 0 && silent.baseline == 0.75)
        #expect(silent.warning?.contains("micro F1 is 0.0 %") == true)
        let right = TeacherAssessment(
            Logits(values: [1, -1, -1, 1, -1, -1, 1, 1, -1, -1, -1, -1], classes: 3), targets: sets)
        #expect(right.value == 1 && right.warning == nil && right.summary.contains("100.00 %"))
        let numbers = Targets.values([1, 2, .nan, 3])
        let turned = TeacherAssessment(Logits(values: [3, 2, 9, 1], classes: 1), targets: numbers)
        #expect(turned.metric == .pearson && abs(turned.value + 1) < 1e-12 && turned.baseline == 0)
        #expect(turned.warning?.contains("Pearson correlation is -1.0000") == true)
        let sure = TeacherAssessment(Logits(values: [1, 2, 0, 3], classes: 1), targets: numbers)
        #expect(abs(sure.value - 1) < 1e-12 && sure.r2 == 1 && sure.warning == nil)
        // In order, but 4 too large: 1 − 3 · 4² / 2.
        let shifted = TeacherAssessment(Logits(values: [5, 6, 0, 7], classes: 1), targets: numbers)
        #expect(abs(shifted.value - 1) < 1e-12 && shifted.r2 == -23)
        #expect(shifted.warning?.contains("further off than their mean (R² -23)") == true)
        let classes = TeacherAssessment(
            Logits(values: [1, 0, 1, 0, 0, 1], classes: 2), targets: .classes([0, -100, 1], count: 2))
        #expect(classes.value == 1 && classes.baseline == 0.5 && classes.warning == nil)
    }

    @Test("examples without a label count for what needs none")
    func partlyLabelled() throws {
        let own = Logits(values: [2, 0, 0, 3, 1, 0], classes: 2)
        let part = try Evaluator.validation(
            own, targets: .classes([0, BatchLabels.unlabelled, 1], count: 2), teacher: own)
        let labelled = try Evaluator.validation(own.subset([0, 2]), targets: .classes([0, 1], count: 2))
        for name in [MetricName.accuracy, .macroF1, .loss, .ece, .matthewsCorrelation] {
            #expect(part[name] == labelled[name] && part[name] != nil)
        }
        #expect(part[.entropy] == own.meanEntropy(.singleLabel) && part[.agreement] == 1)
        let none = try Evaluator.validation(own, targets: .classes([-100, -100, -100], count: 2))
        #expect(none.names == [.entropy])
        let number = Logits(values: [1, 2, 4], classes: 1)
        #expect(try Evaluator.validation(number, targets: .values([1, .nan, 3]))[.mse] == 0.5)
        #expect(throws: DistillationError.self) {
            try Evaluator.validation(number, targets: .values([1, 2, 3]), teacher: own)
        }
    }

    @Test("large logits neither overflow nor lose what they say")
    func extremes() throws {
        let far = Logits(values: [1000, -1000, 0, 0], classes: 2)
        #expect(far.meanEntropy(.singleLabel) == log(2) / 2)
        let values = try Evaluator.validation(far, targets: .sets([[1], []], count: 2), teacher: far)
        #expect(values[.loss] == (2000 + 2 * log(2)) / 4 && values[.kl] == 0)
        #expect(far.labelSets() == [[0], []] && far.labelSets(threshold: 0.4) == [[0], [0, 1]])
    }

    @Test("the paired bootstrap is NumPy's on the same draws, by scores and by any metric")
    func bootstrap() throws {
        func expectSame(_ found: PairedBootstrap, _ summary: Golden.Summary) {
            #expect(isClose(found.difference, summary.difference))
            #expect(isClose(found.meanDifference, summary.mean) && isClose(found.pValue, summary.p))
            #expect(isClose(found.lower, summary.interval[0]) && isClose(found.upper, summary.interval[1]))
        }
        for example in golden.bootstrap {
            func right(_ answers: [Int]) -> [Double] { zip(answers, example.labels).map { $0 == $1 ? 1 : 0 } }
            expectSame(
                try PairedBootstrap(
                    scores: right(example.first), others: right(example.second), resamples: example.resamples,
                    seed: example.seed), example.accuracy)
            func f1(_ answers: [Int], _ places: [Int]) -> Double {
                ClassificationMetrics(
                    predictions: places.map { answers[$0] }, labels: places.map { example.labels[$0] },
                    classCount: 2
                ).macroF1
            }
            expectSame(
                try PairedBootstrap(
                    count: example.labels.count, resamples: example.resamples, seed: example.seed
                ) { f1(example.first, $0) - f1(example.second, $0) }, example.macroF1)
        }
    }

    @Test("equal systems do not differ; a certain difference has the smallest p there is")
    func bootstrapLimits() throws {
        let scores = (0..<20).map { Double($0 % 3) }
        let same = try PairedBootstrap(scores: scores, others: scores, resamples: 50)
        #expect(same.difference == 0 && same.pValue == 1 && same.lower == 0 && same.upper == 0)
        let better = try PairedBootstrap(scores: scores.map { $0 + 1 }, others: scores, resamples: 99)
        #expect(better.pValue == 0.02 && better.lower == 1 && better.meanDifference == 1)
        // Few examples show little, however sure the draws are.
        for (count, p) in [(1, 1.0), (2, 0.5), (5, 0.0625), (12, 2.0 / 1001)] {
            let few = try PairedBootstrap(
                scores: .init(repeating: 1, count: count), others: .init(repeating: 0, count: count),
                resamples: 1000)
            #expect(few.pValue == p, "\(count)")
        }
        #expect(throws: DistillationError.self) { try PairedBootstrap(scores: [1], others: []) }
        #expect(throws: DistillationError.self) { try PairedBootstrap(scores: [], others: []) }
        #expect(throws: DistillationError.self) {
            try PairedBootstrap(scores: [1], others: [1], resamples: 0)
        }
    }

    @Test("mean and sample standard deviation are NumPy's")
    func samples() throws {
        for sample in golden.samples {
            let statistics = try #require(SampleStatistics(sample.values))
            #expect(isClose(statistics.mean, sample.mean))
            #expect(isClose(statistics.standardDeviation, sample.deviation))
        }
        #expect(SampleStatistics([]) == nil && SampleStatistics([3])?.standardDeviation == 0)
    }

    @Test("values are an ordered object in JSON, read back from either case")
    func coding() throws {
        var values = MetricValues()
        (values[.kl], values[.macroF1], values[.accuracy], values[.teacherMSE]) = (0.5, 0.25, 1, 2)
        #expect(values.names == [.accuracy, .macroF1, .kl, .teacherMSE])
        let text = try JSONText.encode(values, pretty: false)
        #expect(text == #"{"accuracy":1,"kl":0.5,"macro_f1":0.25,"teacher_mse":2}"#)
        #expect(try JSONText.decode(MetricValues.self, from: text) == values)
        #expect(try JSONDecoder().decode(MetricValues.self, from: Data(text.utf8)) == values)
        values[.loss] = .nan
        #expect(try JSONText.encode(values, pretty: false).contains(#""loss":null"#))
        #expect(values.isBetter(.kl, than: 0.6) && !values.isBetter(.kl, than: 0.5))
        #expect(values.isBetter(.accuracy, than: 0.9) && !values.isBetter(.loss, than: 9))
        #expect(!values.isBetter(.pearson, than: -1))
    }

    @Test("a metric is found by its name, or the ones there are are listed")
    func names() throws {
        for type in TaskIdentifier.sequenceTasks {
            let chosen = try MetricName.forBest(nil, problemType: type, hasTeacher: false)
            #expect(MetricName.available(for: type, hasTeacher: false).contains(chosen))
            #expect(chosen.greaterIsBetter)
        }
        #expect(try MetricName.forBest("eval_loss", problemType: .regression, hasTeacher: false) == .loss)
        #expect(try MetricName.forBest("kl", problemType: .multiLabel, hasTeacher: true) == .kl)
        for (name, type, hasTeacher) in [
            ("f1", TaskIdentifier.singleLabel, true), ("kl", .singleLabel, false),
            ("accuracy", .regression, true),
            ("kl", .regression, true),
        ] {
            let error = #expect(throws: DistillationError.self) {
                try MetricName.forBest(name, problemType: type, hasTeacher: hasTeacher)
            }
            #expect(error?.description.contains("'\(name)'") == true)
            #expect(error?.description.contains(MetricName.defaultForBest(type).rawValue) == true)
        }
    }
}
