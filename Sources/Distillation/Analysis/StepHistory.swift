import Reports

/// The values that training logged, thinned out so that a long run keeps some hundreds of points.
///
/// Points are means since the point before, so two neighbors are joined into their mean. When there are too many, all are
/// joined in pairs, and from then on as many new ones become one.
struct StepHistory: Sendable, Codable {
    /// The most points that are kept; at least half as many once that many were logged.
    static let limit = 400

    /// A point, and the number of logged points it is the mean of.
    private struct Mean: Codable {
        var step: StepMetrics
        var weight = 1
    }

    private var kept: [Mean] = []
    private var pending: [Mean] = []
    /// The number of logged points in a kept one.
    private var stride = 1

    mutating func append(_ step: StepMetrics) {
        // Stages have other terms: a point belongs to one.
        if let last = pending.last, last.step.stage != step.stage { flush() }
        pending.append(Mean(step: step))
        if pending.count >= stride { flush() }
        guard kept.count >= Self.limit else { return }
        kept = Self.paired(kept)
        stride *= 2
    }

    /// The points so far.
    var points: [StepMetrics] { (kept + (pending.isEmpty ? [] : [Self.mean(pending)])).map(\.step) }

    /// The points as the lines of `history.jsonl`; empty where nothing was logged.
    var text: String { points.map { HistoryPoint($0).line + "\n" }.joined() }

    private mutating func flush() {
        guard !pending.isEmpty else { return }
        kept.append(Self.mean(pending))
        pending = []
    }

    /// Neighbors of one stage joined.
    private static func paired(_ points: [Mean]) -> [Mean] {
        var (joined, index) = ([Mean](), 0)
        while index < points.count {
            let isPair = index + 1 < points.count && points[index].step.stage == points[index + 1].step.stage
            joined.append(mean(Array(points[index...(isPair ? index + 1 : index)])))
            index += isPair ? 2 : 1
        }
        return joined
    }

    /// The mean of points, at the step of the last.
    private static func mean(_ points: [Mean]) -> Mean {
        guard points.count > 1, var result = points.last else { return points[0] }
        func mean(_ value: (StepMetrics) -> Double?) -> Double? {
            var (sum, weight) = (0.0, 0)
            for point in points {
                guard let value = value(point.step) else { continue }
                sum += value * Double(point.weight)
                weight += point.weight
            }
            return weight > 0 ? sum / Double(weight) : nil
        }
        result.weight = points.reduce(0) { $0 + $1.weight }
        result.step.loss = mean(\.loss) ?? .nan
        for name in result.step.terms.names { result.step.terms[name] = mean { $0.terms[name] } }
        for name in result.step.metrics.names { result.step.metrics[name] = mean { $0.metrics[name] } }
        result.step.gradNorm = mean(\.gradNorm) ?? .nan
        result.step.examplesPerSecond = mean(\.examplesPerSecond) ?? .nan
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
