import Foundation
import Testing

@testable import Distillation
@testable import Reports
@testable import Tuning

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("Heat maps")
struct HeatMapTests {
    /// An element of the document, with the text in it.
    private struct Element {
        var name: String
        var attributes: [String: String]
        var text = ""
    }

    /// Reads the document as XML, which fails where it is not well formed.
    private final class Reader: NSObject, XMLParserDelegate {
        var elements: [Element] = []
        private var open: [Int] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String]
        ) {
            open.append(elements.count)
            elements.append(Element(name: name, attributes: attributes))
        }
        func parser(_ parser: XMLParser, didEndElement: String, namespaceURI: String?, qualifiedName: String?)
        {
            open.removeLast()
        }
        func parser(_ parser: XMLParser, foundCharacters text: String) {
            if let last = open.last { elements[last].text += text }
        }
    }

    private func elements(_ svg: String) throws -> [Element] {
        let parser = XMLParser(data: Data(svg.utf8))
        let reader = Reader()
        parser.delegate = reader
        try #require(parser.parse(), "\(String(describing: parser.parserError))")
        return reader.elements
    }

    private func texts(_ elements: [Element]) -> [String] {
        elements.filter { $0.name == "text" }.map(\.text)
    }

    private func cells(_ elements: [Element]) -> [Element] {
        elements.filter { $0.attributes["class"] == "cell" }
    }

    @Test("a grid has a cell for each pair, with its value, labels, title, legend and a frame on the best")
    func grid() throws {
        let report = try TuningFixture().driver.run(run: TuningFixture.result)
        let map = try HeatMap(report)
        #expect(map.x.name == "temperature" && map.x.labels == ["1", "2", "4"])
        #expect(map.y?.name == "alpha" && map.y?.labels == ["0.3", "0.7"])
        let elements = try elements(map.svg)
        let texts = texts(elements)
        #expect(elements.first?.name == "svg" && cells(elements).count == 6)
        for label in [
            "accuracy by temperature and alpha", "temperature", "alpha", "1", "2", "4", "0.3", "0.7",
        ] {
            #expect(texts.contains(label), "\(label)")
        }
        #expect(texts.contains("more is better") && texts.contains("accuracy"))
        // Means over two folds: 1/128 below the formula.
        for trial in report.trials { #expect(texts.contains(String(format: "%.3f", trial.mean ?? 0))) }
        #expect(texts.count { $0.hasPrefix("± ") } == 6)
        let best = try #require(elements.first { $0.attributes["class"] == "best" })
        // Column 2 of 3, upper of two rows: small numbers are at the bottom.
        let lit = try #require(
            cells(elements).first { $0.attributes["fill"] == ColorRamp.color(1).hexadecimal })
        func place(_ element: Element, _ name: String) -> Double {
            Double(element.attributes[name] ?? "") ?? .nan
        }
        #expect(place(lit, "x") - place(best, "x") == 1 && place(lit, "y") - place(best, "y") == 1)
        #expect(place(lit, "y") == cells(elements).map { place($0, "y") }.min())
        #expect(!map.svg.contains("<script") && !map.svg.contains("href"))
    }

    @Test("other settings are at their best, and the axes can be chosen")
    func otherSettings() throws {
        let fixture = try TuningFixture(["alpha=0.3,0.7", "temperature=1,2,4", "layers=2,3"])
        let report = try fixture.driver.run { settings, fold, budget in
            var result = try TuningFixture.result(settings, fold, budget)
            if settings["layers"] == "3" { result.metric += 0.05 }
            return result
        }
        let map = try HeatMap(report)
        #expect(map.x.name == "temperature" && map.y?.name == "alpha")
        #expect(
            map.cells.joined().allSatisfy { cell in
                if case .trial(let trial) = cell { trial.settings["layers"] == "3" } else { false }
            })
        #expect(map.subtitle.contains("best over layers"))
        let chosen = try HeatMap(report, axes: ["layers", "alpha"])
        #expect(chosen.x.name == "layers" && chosen.y?.name == "alpha" && chosen.cells.joined().count == 4)
        #expect(try HeatMap(report, axes: ["alpha"]).cells.map(\.count) == [2])
        for axes in [[], ["alpha", "alpha"], ["a", "b", "c"], ["alhpa"]] {
            #expect(throws: DistillationError.self) { try HeatMap(report, axes: axes) }
        }
    }

    @Test("one setting that varies is one row, a single trial one cell")
    func oneRow() throws {
        let report = try TuningFixture(["alpha=0.7", "temperature=1,2,4,8"]).driver.run(
            run: TuningFixture.result)
        let map = try HeatMap(report)
        #expect(map.x.name == "temperature" && map.y == nil && map.cells.map(\.count) == [4])
        #expect(cells(try elements(map.svg)).count == 4)
        let single = try HeatMap(TuningFixture(["alpha=0.7"]).driver.run(run: TuningFixture.result))
        #expect(cells(try elements(single.svg)).count == 1)
    }

    @Test("ranges are binned, linearly or by orders of magnitude, and each trial is in its bin")
    func bins() throws {
        let fixture = try TuningFixture(
            ["alpha=uniform(0, 1)", "learning_rate=loguniform(1e-5, 1e-2)", "layers=int(1, 100)"],
            strategy: .random(trials: 36))
        let report = try fixture.driver.run(run: TuningFixture.result)
        let map = try HeatMap(report, axes: ["learning_rate", "alpha"])
        #expect(map.x.isBinned && map.x.count == 6 && map.y?.count == 6)
        #expect(map.x.labels == ["1e-05", "3.16e-05", "0.0001", "0.000316", "0.001", "0.00316", "0.01"])
        #expect(map.y?.labels == ["0", "0.167", "0.333", "0.5", "0.667", "0.833", "1"])
        for (text, place) in [("1e-5", 0), ("3.2e-5", 1), ("0.0099", 5), ("1e-2", 5)] {
            #expect(map.x.position(of: SearchValue(text)) == place)
        }
        #expect(map.y?.position(of: SearchValue("0.5")) == 3 && map.y?.position(of: SearchValue("x")) == nil)
        #expect(map.cells.joined().compactMap(\.mean).max() == report.bestTrial?.mean)
        #expect(cells(try elements(map.svg)).count == 36)
        let layers = try HeatMap(report, axes: ["layers"])
        #expect(layers.x.isBinned && layers.x.labels.first == "0.5" && layers.x.labels.last == "100")
    }

    @Test("failed and missing trials, low budgets and losses are told apart")
    func states() throws {
        let fixture = try TuningFixture(
            ["temperature=1,2,4,8", "alpha=0.3,0.7"], strategy: .halving(trials: 7, eta: 2, minBudget: 0.5),
            metric: TuningMetric("hard_loss"))
        let report = try fixture.driver.run { settings, fold, budget in
            if settings["temperature"] == "1" { throw NonFiniteLossError(description: "diverged") }
            return try TuningFixture.result(settings, fold, budget)
        }
        let map = try HeatMap(report)
        #expect(map.cells.joined().count { $0 == .empty } == 1)
        #expect(map.cells.joined().contains(.failed))
        let texts = texts(try elements(map.svg))
        #expect(texts.contains("failed") && texts.contains("50 % budget") && texts.contains("less is better"))
    }

    @Test("names and values with XML's own letters stay well formed")
    func escaping() throws {
        let report = try TuningFixture(
            ["text_column=<a&b>,\"c\",d'\u{1}e", "alpha=0.3,0.7"], metric: TuningMetric("a<b>&\"c\"")
        ).driver.run(run: TuningFixture.result)
        let elements = try elements(HeatMap(report).svg)
        #expect(texts(elements).contains("<a&b>") && texts(elements).contains("\"c\""))
        #expect(texts(elements).contains("a<b>&\"c\" by text_column and alpha"))
    }

    @Test("a search without results is still a picture")
    func empty() throws {
        let report = try TuningFixture().driver.run { _, _, _ in throw InterruptedError() }
        let elements = try elements(HeatMap(report).svg)
        #expect(cells(elements).allSatisfy { $0.attributes["fill"] == "#f1f1f3" })
    }
}
