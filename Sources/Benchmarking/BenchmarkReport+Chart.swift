import Distillation
import Reports

extension BenchmarkReport {
    /// The latency by length as an SVG document, and, where there were labeled data, the quality of each model beside its
    /// speed: no scripts, and no fonts but the reader's own.
    public var svg: String { chart.file }

    /// The task's own metric of a model.
    ///
    /// - Returns: Accuracy, micro F1 or Pearson's correlation, with its name; `nil` where it was not evaluated.
    public static func taskMetric(_ model: Model) -> (name: MetricName, value: Double)? {
        let names: [MetricName] = [.microF1, .accuracy, .pearson]
        return names.lazy.compactMap { name in model.metrics?[name].map { (name, $0) } }.first
    }

    /// The cells of the smallest batch.
    private var chart: BenchmarkChart {
        let batch = cells.map(\.batch).min() ?? 1
        let evaluated = models.lazy.compactMap(Self.taskMetric)
        return BenchmarkChart(
            subtitle: "batches of \(batch), median with 95th percentile, \(settings.threads) threads, "
                + machine.processor,
            models: models.map { BenchmarkChart.Model(name: $0.name, quality: Self.taskMetric($0)?.value) },
            quality: evaluated.first?.name.rawValue.replacing("_", with: " "),
            columns: cells.filter { $0.batch == batch }.sorted { $0.length < $1.length }.map { cell in
                BenchmarkChart.Column(
                    length: cell.length,
                    times: cell.results.map {
                        BenchmarkChart.Time(
                            median: $0.timing.p50Milliseconds, high: $0.timing.p95Milliseconds)
                    })
            })
    }
}
