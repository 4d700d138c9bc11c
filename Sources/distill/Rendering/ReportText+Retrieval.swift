import Distillation
import Foundation

/// How well documents are found, and what a student for embeddings is measured against.
extension ReportText {
    /// A column for each search.
    static func retrieval(_ report: RetrievalReport) -> String {
        let names = [
            "teacher": "teacher", "student": "student", "model": "model",
            "asymmetric": report["student"] == nil
                ? "documents by \(URL(filePath: report["asymmetric"]?.documentsBy ?? "").lastPathComponent)"
                : "student's queries, teacher's documents",
        ]
        var table = TextTable(header: [""] + report.results.map { names[$0.name] ?? $0.name })
        for metric in RetrievalMetrics.names
        where report.results.contains(where: { $0.metrics[metric] != nil }) {
            table.add([title(metric)] + report.results.map { $0.metrics[metric].map(number) ?? "" })
        }
        return
            "Retrieval, \(report.data) (\(report.queries) queries, \(report.documents) documents, \(report.relevant) relevant pairs, by "
            + "\(report.similarity)):\n\n" + table.text
    }

    private static func title(_ metric: String) -> String {
        metric == "graded_ndcg@10" ? "nDCG@10 with grades" : MetricName(rawValue: metric)?.title ?? metric
    }

    /// The student before training, and the teacher's principal components; `nil` where neither is known.
    static func embedding(_ report: RunReport) -> String? {
        guard let record = report.embedding else { return nil }
        var columns: [(title: String, values: MetricValues)] = []
        if let initial = record.initial { columns.append(("before training", initial)) }
        columns.append(("student", record.student ?? report.student.metrics))
        let shown = report.student.problemType.shownMetrics
        // Without scores there is nothing that fewer components could be measured by.
        if let values = record.principalComponents, shown.contains(where: { values[$0] != nil }) {
            columns.append(("\(record.components ?? 0) principal components", values))
        }
        guard columns.count > 1 else { return nil }
        var table = TextTable(header: [""] + columns.map(\.title))
        for metric in shown
        where columns.contains(where: { $0.values[metric] != nil }) {
            table.add(
                [metric.title(for: report.student.problemType)]
                    + columns.map { $0.values[metric].map(number) ?? "" })
        }
        return "What the student is measured against:\n\n" + table.text
    }
}
