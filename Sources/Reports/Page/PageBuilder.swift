import Foundation

/// Puts a page together from the records of its runs.
struct PageBuilder {
    let runs: [RunFiles]
    let program: String
    let models: [ModelFigures]
    private var used = 0
    private var sections: [PageSection] = []

    init(runs: [RunFiles], program: String) {
        self.runs = runs
        self.program = program
        models = Self.comparable(Self.distinct(runs.flatMap(\.models)))
    }

    var isComparison: Bool { runs.count > 1 }
    var problemType: String { (models.first { $0.role != .teacher } ?? models.first)?.problemType ?? "" }
    var mainMetric: String {
        (models.first { $0.role != .teacher } ?? models.first)?.mainMetric ?? "accuracy"
    }

    /// An identifier that nothing else on the page has.
    mutating func identifier(_ kind: String) -> String {
        used += 1
        return "\(kind)-\(used)"
    }

    mutating func add(_ title: String, level: Int = 2, _ blocks: [Block]) {
        guard !blocks.isEmpty else { return }
        sections.append(
            PageSection(anchor: identifier("part"), sectionTitle: title, level: level, blocks: blocks))
    }

    mutating func page() -> Page {
        add(models.count > 1 ? "The trade-off" : "Results", tradeOff())
        for run in runs {
            let level = isComparison ? 3 : 2
            if isComparison { add(run.name, [.paragraph(origin(run))]) }
            for (title, blocks) in details(run, level: level) { add(title, level: level, blocks) }
        }
        let names = runs.map(\.name)
        let heading =
            isComparison
            ? (names.count <= 3 ? names.joined(separator: ", ") : "\(names.count) models") + " compared"
            : names[0]
        return Page(
            title: isComparison ? heading : "\(heading) – report", heading: heading,
            kicker: isComparison ? "A comparison of \(runs.count) runs" : origin(runs[0]),
            lede: lede().map(NumberText.unbroken), tiles: isComparison ? [] : tiles(runs[0]),
            contents: sections.filter { isComparison ? $0.level == 2 : true }.map {
                ContentsEntry(target: $0.anchor, entryTitle: $0.sectionTitle, isSub: $0.level > 2)
            }, sections: sections,
            footer: "Made by \(program). The page is complete in itself: it loads nothing and runs no script."
        )
    }

    /// The parts of one run, in their order.
    private mutating func details(_ run: RunFiles, level: Int) -> [(String, [Block])] {
        var parts: [(String, [Block])] = []
        parts.append(("Improvement over the baseline", improvement(run)))
        parts.append(("On the test data", test(run)))
        parts.append(("Retrieval", retrieval(run)))
        parts.append(("What the student is measured against", measures(run)))
        parts.append(("Training", curves(run)))
        parts.append(("By class", classes(run)))
        parts.append(("Calibration", calibration(run)))
        parts.append(("Examples", examples(run, level: level + 1)))
        parts.append(("Samples", samples(run, level: level + 1)))
        parts.append(("Effect of quantization", quantization(run)))
        parts.append(("Settings and versions", settings(run)))
        return parts.filter { !$0.1.isEmpty }
    }

    /// Models with one metric that decides: where some have other tokens than their teachers, that by bytes for all.
    private static func comparable(_ models: [ModelFigures]) -> [ModelFigures] {
        let metric = "bits_per_byte"
        guard models.contains(where: { $0.mainMetric == metric }),
            models.allSatisfy({ $0.metrics[metric] != nil })
        else { return models }
        return models.map { model in
            var model = model
            model.mainMetric = metric
            return model
        }
    }

    /// Models that occur in several records count once, with the combined information.
    private static func distinct(_ all: [ModelFigures]) -> [ModelFigures] {
        var found: [ModelFigures] = []
        for model in all {
            if let place = found.firstIndex(where: { isSame($0, model) }) {
                found[place].p50 = found[place].p50 ?? model.p50
                found[place].p95 = found[place].p95 ?? model.p95
                found[place].bytes = found[place].bytes ?? model.bytes
                found[place].agreement = found[place].agreement ?? model.agreement
                found[place].kl = found[place].kl ?? model.kl
                // A run's own name for it says more than that it is somebody's teacher or a model.
                if found[place].role == .model { found[place].role = model.role }
            } else {
                found.append(model)
            }
        }
        return found
    }

    private static func isSame(_ a: ModelFigures, _ b: ModelFigures) -> Bool {
        func place(_ path: String?) -> String? {
            path.map { URL(filePath: $0).absoluteURL.standardizedFileURL.resolvingSymlinksInPath().path }
        }
        guard a.role != .baseline, b.role != .baseline else { return false }
        if let own = place(a.path), own == place(b.path) { return true }
        // Records may hold relative paths: the same name, size and result on the same data are the same model.
        return a.name == b.name && a.parameters == b.parameters && a.bytes == b.bytes && a.main == b.main
            && a.dataDigest == b.dataDigest && a.main != nil
    }

    /// Returns the index of a model among all, which determines its color and marker.
    func style(of model: ModelFigures) -> Int {
        // A single model has the color of the student and of the curves.
        if models.count == 1 { return 1 }
        return models.firstIndex { $0.name == model.name && $0.role == model.role && $0.path == model.path }
            ?? models.firstIndex { Self.isSame($0, model) } ?? 0
    }

    /// A picture for the page.
    mutating func figure(_ chart: some Chart, note: String? = nil, numbers: PageTable? = nil) -> Figure {
        Figure(
            figureTitle: chart.title, svg: chart.svg(identifier: identifier("chart")), figureNote: note,
            numbers: numbers.map { [$0] } ?? [])
    }

    mutating func table(
        _ caption: String, corner: String, columns: [String], rows: [PageRow], isText: Bool = false
    ) -> PageTable {
        PageTable(
            tableID: identifier("table"), caption: caption, corner: corner, isText: isText, columns: columns,
            rows: rows)
    }
}
