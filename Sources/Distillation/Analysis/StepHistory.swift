import Reports

/// What training showed at its log steps, thinned out so that a long run keeps some hundreds of points.
///
/// Points are means since the point before, so two neighbours are joined into their mean. When there are too many, all are
/// joined in pairs, and from then on as many new ones become one.
struct StepHistory: Sendable {
    /// The most points that are kept; at least half as many once that many were logged.
    static let limit = 400

    private var kept: [StepMetrics] = []
    private var pending: [StepMetrics] = []
    /// Logged points in a kept one.
    private var stride = 1

    mutating func append(_ step: StepMetrics) {
        // Stages have other terms: a point belongs to one.
        if let last = pending.last, last.stage != step.stage { flush() }
        pending.append(step)
        if pending.count >= stride { flush() }
        guard kept.count > Self.limit else { return }
        kept = Self.paired(kept)
        stride *= 2
    }

    /// The points so far.
    var points: [StepMetrics] { kept + (pending.isEmpty ? [] : [Self.mean(pending)]) }

    /// The points as the lines of `history.jsonl`; empty where nothing was logged.
    var text: String { points.map { HistoryPoint($0).line + "\n" }.joined() }

    private mutating func flush() {
        guard !pending.isEmpty else { return }
        kept.append(Self.mean(pending))
        pending = []
    }

    /// Neighbours of one stage joined.
    private static func paired(_ points: [StepMetrics]) -> [StepMetrics] {
        var (joined, place) = ([StepMetrics](), 0)
        while place < points.count {
            let isPair = place + 1 < points.count && points[place].stage == points[place + 1].stage
            joined.append(mean(Array(points[place...(isPair ? place + 1 : place)])))
            place += isPair ? 2 : 1
        }
        return joined
    }

    /// The mean of points, at the place of the last.
    private static func mean(_ points: [StepMetrics]) -> StepMetrics {
        guard points.count > 1, var result = points.last else { return points[0] }
        func mean(_ value: (StepMetrics) -> Double?) -> Double? {
            let values = points.compactMap(value)
            return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        result.loss = mean(\.loss) ?? .nan
        for name in result.terms.names { result.terms[name] = mean { $0.terms[name] } }
        for name in result.metrics.names { result.metrics[name] = mean { $0.metrics[name] } }
        result.gradNorm = mean(\.gradNorm) ?? .nan
        result.examplesPerSecond = mean(\.examplesPerSecond) ?? .nan
        return result
    }
}

extension HistoryPoint {
    init(_ step: StepMetrics) {
        self.init(
            step: step.step, epoch: step.epoch, stage: step.stage, loss: step.loss,
            terms: step.terms.map { ($0.name, $0.value) },
            metrics: step.metrics.entries.map { ($0.name.rawValue, $0.value) },
            learningRate: step.learningRate, gradNorm: step.gradNorm,
            examplesPerSecond: step.examplesPerSecond)
    }
}
