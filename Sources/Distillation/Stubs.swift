import Datasets
import Foundation
import Torch
import Transformers

extension EncodedDataset {
    var problemType: ProblemType { .singleLabel }
    var classCounts: [Int] {
        var c = [Int](repeating: 0, count: (labels.max() ?? 0) + 1)
        for l in labels { c[l] += 1 }
        return c
    }
    var labelledCount: Int { count }
    func isLabelled(_ index: Int) -> Bool { true }
}
extension Batch {
    var problemType: ProblemType { .singleLabel }
    var labelSets: [[Int]?] { [] }
    var values: [Float] { [] }
    var labelledCount: Int { count }
    func batchLabels(device: Device) throws -> BatchLabels {
        try BatchLabels(classes: labels, device: device)
    }
}
extension BertConfiguration { var problemType: ProblemType { .singleLabel } }
extension ProblemType { var defaultMetric: String { "accuracy" } }
enum MetricName { static func greaterIsBetter(_ name: String) -> Bool { name != "loss" } }
extension DataRequest {
    public var unlabelled: [URL] { [] }
    var problemType: ProblemType? { nil }
}
extension RunData {
    var problemType: ProblemType { .singleLabel }

    var labelsAreNumbers: Bool { false }
    init(
        _ request: DataRequest, labels: LabelMap?, problemType: ProblemType?, test: URL?,
        loader: DatasetLoader, seed: UInt64
    ) throws {
        try self.init(request, labels: labels, loader: loader, seed: seed)
        if let test { self.test = try loader.load(test, labels: .given(self.labels)) }
    }
}
extension Evaluator {
    static func values(_ l: Logits, of: EncodedDataset, teacher: Logits?) throws -> MetricValues {
        var v = MetricValues()
        let m = metrics(l, labels: of.labels, labelNames: (0..<l.classes).map { String($0) })
        v["accuracy"] = m.accuracy
        v["macro_f1"] = m.macroF1
        v["loss"] = try hardLoss(l, labels: of.labels)
        if let teacher {
            v["kl"] = try kl(student: l, teacher: teacher)
            v["agreement"] = agreement(l, teacher)
        }
        return v
    }
    static func gain(student: Logits, baseline: Logits, of: EncodedDataset, seed: UInt64) throws -> Gain {
        let a = Distillation.agreement(student.predictions, of.labels)
        let b = Distillation.agreement(baseline.predictions, of.labels)
        return Gain(
            metric: "accuracy", student: a, baseline: b, difference: a - b, low: a - b, high: a - b, pValue: 0
        )
    }
    static func evaluation(
        _ m: any SequenceClassifier, logits: Logits, data: EncodedDataset, bytesOnDisk: Int,
        latency: LatencyStatistics?
    ) throws -> ModelEvaluation {
        try evaluation(m, logits: logits, labels: data.labels, bytesOnDisk: bytesOnDisk, latency: latency)
    }
    static func comparison(
        student: (logits: Logits, evaluation: ModelEvaluation),
        teacher: (logits: Logits, evaluation: ModelEvaluation), problemType: ProblemType
    ) throws -> Comparison {
        try comparison(student: student, teacher: teacher)
    }
}
extension AutoModel {
    static func load(
        from d: URL, labelNames: [String]?, problemType: ProblemType?, ignoreMismatchedSizes: Bool = false,
        seed: UInt64, device: Device
    ) throws -> (model: any SequenceClassifier, report: LoadReport) {
        try load(
            from: d, labelNames: labelNames, ignoreMismatchedSizes: ignoreMismatchedSizes, seed: seed,
            device: device)
    }
}
