import Foundation
import Testing

@testable import Benchmarking
@testable import Distillation

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("Benchmark chart")
struct BenchmarkChartTests {
    private final class Reader: NSObject, XMLParserDelegate {
        var elements: [(name: String, attributes: [String: String])] = []
        var text = ""

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) { elements.append((name, attributes)) }

        func parser(_ parser: XMLParser, foundCharacters characters: String) { text += characters }
    }

    private func report(judged: Bool) throws -> BenchmarkReport {
        func timing(_ milliseconds: Double) throws -> TimingSummary {
            try #require(TimingSummary(rounds: [[milliseconds / 1e3, milliseconds / 900]]))
        }
        var metrics = MetricValues()
        metrics[.accuracy] = 0.9
        func model(_ name: String) -> BenchmarkReport.Model {
            .init(
                name: name, path: name, runtime: "distill", tokenizer: "", weightBytes: 1,
                loadedMemoryBytes: 1,
                peakMemoryBytes: 1, loadMilliseconds: 1, loadsMilliseconds: [1], idleCpuShare: 0,
                metrics: judged ? metrics : nil)
        }
        let cells = try [(1, 16, 2.0), (1, 64, 7.5), (8, 16, 30)].map { batch, length, time in
            BenchmarkReport.Cell(
                batch: batch, length: length,
                results: try [1.0, 0.2].map { share in
                    .init(
                        timing: try timing(time * share), sentencesPerSecond: 1,
                        speedup: Speedup(median: 1, low: 1, high: 1), warmUpPasses: 6, isWarmUpStable: true,
                        passesPerRound: 3)
                })
        }
        return BenchmarkReport(
            models: [model("teacher"), model("a <b> & \"c\"")], cells: cells,
            settings: .init(
                rounds: 1, seconds: 1, threads: 2, precision: "float32", pauseMilliseconds: 50, seed: 1),
            machine: .init(processor: "a & b", cores: 2, capability: "AVX2", system: "x"), version: "1")
    }

    @Test("well formed, with a line for each model, and every point inside", arguments: [true, false])
    func drawing(judged: Bool) throws {
        let svg = try report(judged: judged).svg
        let parser = XMLParser(data: Data(svg.utf8))
        let reader = Reader()
        parser.delegate = reader
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        #expect(reader.text.contains("a <b> & \"c\"") && reader.text.contains("accuracy") == judged)
        let lines = reader.elements.filter { $0.name == "polyline" }
        #expect(
            lines.count == 2 && lines.allSatisfy { $0.attributes["points"]?.split(separator: " ").count == 2 }
        )
        let size =
            reader.elements[0].attributes["viewBox"]?.split(separator: " ").compactMap { Double($0) } ?? []
        try #require(size.count == 4)
        let dots = reader.elements.filter { $0.name == "circle" }
        // Two cells of two models, the legend, and, where judged, a point for each model.
        #expect(dots.count == 6 + (judged ? 2 : 0))
        for dot in dots {
            let (x, y) = (Double(dot.attributes["cx"] ?? "") ?? -1, Double(dot.attributes["cy"] ?? "") ?? -1)
            #expect(x > 0 && x < size[2] && y > 0 && y < size[3])
        }
        // The slower model stands higher, the longer text too.
        let heights = dots.prefix(4).compactMap { $0.attributes["cy"].flatMap(Double.init) }
        #expect(heights[1] < heights[0] && heights[0] < heights[2])
    }
}
