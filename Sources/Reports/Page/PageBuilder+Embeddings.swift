import Foundation
import JSON

/// Of models for embeddings, how well documents are found, and what a student is measured against.
extension PageBuilder {
    mutating func retrieval(_ run: RunFiles) -> [Block] {
        guard let record = run.record["retrieval"]?.objectValue else { return [] }
        let results = (record["results"]?.arrayValue ?? []).compactMap(\.objectValue)
        let names = results.map { result in
            switch result["name"]?.stringValue {
            case "asymmetric": "queries by the student, documents by the teacher"
            case let name: name ?? "model"
            }
        }
        let metrics = [
            "ndcg@10", "graded_ndcg@10", "mrr@10", "map@100", "recall@1", "recall@10", "recall@100",
        ]
        let rows = metrics.compactMap { metric -> PageRow? in
            let values = results.map { $0["metrics"]?.objectValue?[metric]?.doubleValue }
            guard values.contains(where: { $0 != nil }) else { return nil }
            return PageRow(
                head: MetricText.title(metric, "sentence_embedding"),
                cells: values.map { $0.map(NumberText.fourDigits.text) ?? "" })
        }
        guard !rows.isEmpty else { return [] }
        func count(_ key: String) -> String { record[key]?.intValue.map(String.init) ?? "?" }
        let data = record["data"]?.stringValue.map { URL(filePath: $0).lastPathComponent } ?? "the data"
        return [
            .paragraph(
                "\(count("queries")) queries of \(data), each against all \(count("documents")) documents, by exact search; "
                    + "\(count("relevant")) pairs are relevant."),
            .table(table("Documents found", corner: "measure", columns: names, rows: rows)),
        ]
    }

    mutating func measures(_ run: RunFiles) -> [Block] {
        guard let record = run.record["embedding"]?.objectValue else { return [] }
        var blocks = (record["findings"]?.arrayValue ?? []).compactMap { finding -> Block? in
            guard let finding = finding.objectValue, let message = finding["message"]?.stringValue else {
                return nil
            }
            return finding["severity"]?.stringValue == "note" ? .paragraph(message) : .warning(message)
        }
        var columns: [(name: String, values: JSONObject)] = []
        if let initial = record["initial"]?.objectValue { columns.append(("before training", initial)) }
        if let own = record["student"]?.objectValue
            ?? run.record["student"]?.objectValue?["metrics"]?.objectValue
        {
            columns.append(("student", own))
        }
        // Without scores there is nothing that fewer components could be measured by.
        if let values = record["principal_components"]?.objectValue, !values.isEmpty {
            let count = record["components"]?.intValue.map { "\($0) " } ?? ""
            columns.append(("teacher, \(count)principal components", values))
        }
        guard columns.count > 1 else { return blocks }
        let rows = (MetricText.names("sentence_embedding") + ["agreement"]).compactMap { metric -> PageRow? in
            let values = columns.map { $0.values[metric]?.doubleValue }
            guard values.contains(where: { $0 != nil }) else { return nil }
            return PageRow(
                head: MetricText.directedTitle(metric, "sentence_embedding"),
                cells: values.map { $0.map(NumberText.fourDigits.text) ?? "" })
        }
        blocks.append(
            .table(
                table(
                    "The student and its baselines", corner: "measure", columns: columns.map(\.name),
                    rows: rows)))
        return blocks
    }
}
