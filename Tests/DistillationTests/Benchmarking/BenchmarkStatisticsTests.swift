import Files
import Foundation
import JSON
import Testing
import Transformers

@testable import Benchmarking
@testable import Distillation

/// Percentiles as NumPy has them, costs as PyTorch counts them; scripts/fixtures/benchmark.py wrote both.
@Suite("Benchmark statistics and costs")
struct BenchmarkStatisticsTests {
    private func fixture(_ key: String) throws -> [JSONObject] {
        let file = Support.fixtures.appending(path: "benchmark.json")
        let value = try JSONValue.load(contentsOf: file).objectValue?[key]?.arrayValue
        return try #require(value).compactMap(\.objectValue)
    }

    private func isClose(_ one: Double, _ other: Double?) -> Bool {
        guard let other else { return false }
        return abs(one - other) <= 1e-9 * max(1, abs(other))
    }

    @Test("percentiles, medians of rounds and their spread are NumPy's")
    func timings() throws {
        let cases = try fixture("timings")
        #expect(cases.count == 4)
        for golden in cases {
            let rounds = try #require(golden["rounds"]?.arrayValue).map {
                $0.arrayValue?.compactMap(\.doubleValue) ?? []
            }
            let summary = try #require(TimingSummary(rounds: rounds))
            #expect(isClose(summary.p50Milliseconds, golden["p50"]?.doubleValue))
            #expect(isClose(summary.p95Milliseconds, golden["p95"]?.doubleValue))
            #expect(isClose(summary.p99Milliseconds, golden["p99"]?.doubleValue))
            #expect(isClose(summary.meanMilliseconds, golden["mean"]?.doubleValue))
            #expect(isClose(summary.roundSpread, golden["spread"]?.doubleValue))
            let medians = golden["medians"]?.arrayValue?.compactMap(\.doubleValue) ?? []
            #expect(medians.count == rounds.count)
            #expect(zip(summary.roundMediansMilliseconds, medians).allSatisfy { isClose($0, $1) })
            #expect(summary.samples == rounds.reduce(0) { $0 + $1.count })
        }
        #expect(TimingSummary(rounds: []) == nil && TimingSummary(rounds: [[], []]) == nil)
    }

    @Test("a speedup is the median of the rounds' ratios")
    func speedup() throws {
        let slow = try #require(TimingSummary(rounds: [[4, 4, 9], [8], [3]]))
        let fast = try #require(TimingSummary(rounds: [[2], [2, 2, 1], [3]]))
        #expect(fast.speedup(over: slow) == Speedup(median: 2, low: 1, high: 4))
        #expect(fast.speedup(over: fast) == Speedup(median: 1, low: 1, high: 1))
    }

    @Test("multiply-adds and parameters are PyTorch's")
    func flops() throws {
        let cases = try fixture("costs")
        #expect(cases.count == 9)
        for golden in cases {
            func number(_ key: String) throws -> Int { try #require(golden[key]?.intValue) }
            let cost = ForwardCost(
                layers: try number("layers"), width: try number("width"), inner: try number("inner"),
                classes: try number("classes"))
            #expect(2 * cost.full(length: try number("length")) == (try number("flops")))
            var configuration = try Support.configuration(
                layers: cost.layers, hidden: cost.width, heads: number("heads"), classes: cost.classes)
            configuration.intermediateSize = cost.inner
            configuration.vocabSize = 50
            configuration.maxPositionEmbeddings = 128
            #expect(configuration.parameterCount == (try number("parameters")))
            #expect(ForwardCost(configuration) == cost)
        }
    }

    @Test("multiply-adds of other families are PyTorch's")
    func families() throws {
        for golden in try fixture("family_costs") {
            let name = try #require(golden["model"]?.stringValue)
            let configuration = try ModelConfiguration(
                contentsOf: Support.fixtures.appending(
                    path: "../../TransformersTests/Fixtures/families/\(name)"))
            let cost = ForwardCost(configuration)
            #expect((cost == nil) == name.hasPrefix("deberta"))
            guard let cost, let length = golden["length"]?.intValue else { continue }
            #expect(2 * cost.full(length: length) == golden["flops"]?.intValue, "\(name) \(length)")
            #expect(
                (cost.needed(length: length) == cost.full(length: length))
                    == (length == 1 || !cost.products.cutsLastLayer))
            #expect(configuration.parameterCount == nil)
        }
    }

    @Test("of the last layer one row is needed: counted by hand")
    func needed() {
        let cost = ForwardCost(layers: 2, width: 3, inner: 5, classes: 2)
        // First layer, 4 tokens: query, key, value, output 4·4·9; scores and values 2·16·3; feed-forward 2·4·15.
        let first = 144 + 96 + 120
        // Last layer: key and value 2·4·9; one query and output 2·9; one row 2·4·3; feed-forward 2·15.
        let last = 72 + 18 + 24 + 30
        #expect(cost.needed(length: 4) == first + last + 9 + 6)
        #expect(cost.full(length: 4) == 2 * first + 9 + 6)
        #expect(cost.needed(length: 1) == cost.full(length: 1))
    }

    @Test("parameters are those of a real model")
    func parameters() throws {
        let model = try Support.model(layers: 3, hidden: 24, heads: 3, classes: 4)
        #expect(model.configuration.parameterCount == model.parameters.elementCount)
    }

    @Test("a warm-up ends when two blocks agree, or after the last")
    func warmUp() throws {
        var warmUp = WarmUp()
        warmUp.blockSeconds = 0
        var times = [9.0, 8, 9, 5, 5, 4, 4.9, 5.1, 5, 1, 1, 1][...]
        let stable = warmUp.run { times.removeFirst() }
        #expect(stable == WarmUp.Result(passes: 9, seconds: 5, isStable: true))
        var time = 1000.0
        let falling = warmUp.run {
            time *= 0.9
            return time
        }
        #expect(falling.passes == 24 && !falling.isStable)
        warmUp.blockSeconds = 0.05
        let long = warmUp.run { 0.01 }
        #expect(long == WarmUp.Result(passes: 10, seconds: 0.01, isStable: true))
        #expect(throws: DistillationError.self) { try WarmUp().run { throw DistillationError("no") } }
    }

    @Test("texts go through a file to a worker, and damage to it is noticed")
    func tokenFile() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let dataset = Support.dataset(count: 23)
        let tokens = try TokenFile(dataset)
        try tokens.write(to: file)
        #expect(try TokenFile(contentsOf: file) == tokens && tokens.count == 23)
        let batches = tokens.batches(of: 5)
        #expect(batches.flatMap(\.self).sorted() == Array(0..<23) && batches.map(\.count) == [5, 5, 5, 5, 3])
        let lengths = batches.joined().map { dataset.length(of: $0) }
        #expect(lengths == lengths.sorted(by: >))
        let whole = try Data(contentsOf: file)
        for count in stride(from: 0, to: whole.count, by: 3) {
            try whole.prefix(count).write(to: file)
            #expect(throws: (any Error).self) { try TokenFile(contentsOf: file) }
        }
        var reversed = whole
        reversed[8] = 0xFF  // the first text's end
        try reversed.write(to: file)
        #expect(throws: DistillationError.self) { try TokenFile(contentsOf: file) }
    }
}
