import Foundation
import Testing

@testable import Distillation

/// Held to scikit-learn and NumPy by scripts/fixtures/metrics.py.
@Suite("Metrics")
struct MetricsTests {
    private struct Golden: Decodable {
        struct Case: Decodable {
            var labels: [Int]
            var predictions: [Int]
            var classes: Int
            var accuracy: Double
            var macroF1: Double
            var f1: [Double]
            var precision: [Double]
            var recall: [Double]
            var matthews: Double
            var confusion: [[Int]]
        }
        struct Quantiles: Decodable {
            var samples: [Double]
            var p: [Double]
            var mean: Double
        }
        var cases: [Case]
        var quantiles: [Quantiles]
    }

    private let golden: Golden

    init() throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        golden = try decoder.decode(
            Golden.self, from: Data(contentsOf: Support.fixtures.appending(path: "metrics.json")))
    }

    private func isClose(_ a: [Double], _ b: [Double]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 * max(1, abs($1)) }
    }

    @Test(
        "accuracy, F1 (macro and per class), precision, recall, Matthews and the confusion matrix are scikit-learn's"
    )
    func classification() {
        #expect(golden.cases.count == 8)
        for example in golden.cases {
            let metrics = ClassificationMetrics(
                predictions: example.predictions, labels: example.labels, classCount: example.classes)
            #expect(metrics.confusionMatrix == example.confusion)
            #expect(isClose([metrics.accuracy, metrics.macroF1], [example.accuracy, example.macroF1]))
            #expect(isClose(metrics.f1, example.f1))
            #expect(isClose(metrics.precision, example.precision) && isClose(metrics.recall, example.recall))
            #expect(isClose([metrics.matthewsCorrelation], [example.matthews]))
        }
    }

    @Test("no examples give zeros, not a number that is none")
    func empty() {
        let metrics = ClassificationMetrics(predictions: [], labels: [], classCount: 2)
        #expect(metrics.accuracy == 0 && metrics.macroF1 == 0 && metrics.matthewsCorrelation == 0)
        #expect(agreement([], []) == 0 && agreement([0, 1, 1, 2], [0, 1, 2, 2]) == 0.75)
        #expect(LatencyStatistics(samples: []) == nil)
    }

    @Test("latency quantiles are NumPy's")
    func quantiles() throws {
        for example in golden.quantiles {
            let statistics = try #require(LatencyStatistics(samples: example.samples.shuffled()))
            #expect(isClose([statistics.p50, statistics.p95, statistics.p99], example.p))
            #expect(isClose([statistics.mean], [example.mean]))
        }
    }
}
