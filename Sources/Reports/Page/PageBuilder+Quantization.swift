import Foundation
import JSON

/// Of a quantized model, what that changed.
extension PageBuilder {
    mutating func quantization(_ run: RunFiles) -> [Block] {
        guard run.kind == .quantized else { return [] }
        let record = run.record
        var rows: [PageRow] = []
        func add(_ name: String, _ value: String?) {
            guard let value, !value.isEmpty else { return }
            rows.append(PageRow(head: name, cells: [value]))
        }
        func points(_ key: String) -> String? {
            record[key]?.doubleValue.map { String(format: "%.2f points", $0) }
        }
        func percent(_ value: JSONValue?) -> String? {
            value?.doubleValue.map { String(format: "%.2f %%", $0 * 100) }
        }
        add("made from", record["source"]?.stringValue)
        if let method = record["method"]?.objectValue {
            for (key, value) in method where key != "smallest_matrix" {
                add(key.replacing("_", with: " "), Self.words(value))
            }
        } else {
            add("method", record["method"].flatMap(Self.words))
        }
        add("loss of \(MetricText.title(mainMetric, problemType))", points("accuracy_drop"))
        add("allowed loss", points("accuracy_drop_limit"))
        add("calibrated on", record["calibration_data"]?.objectValue?["path"]?.stringValue)
        if let vocabulary = record["vocabulary"]?.objectValue {
            let counts = ["tokens_before", "tokens_after"].compactMap { vocabulary[$0].flatMap(Self.words) }
            add("tokens kept", counts.count == 2 ? "\(counts[1]) of \(counts[0])" : nil)
            add("[UNK] before", percent(vocabulary["unknown_rate_before"]))
            add("[UNK] after", percent(vocabulary["unknown_rate_after"]))
            add("[UNK] before, on the evaluation data", percent(vocabulary["evaluation_unknown_rate_before"]))
            add("[UNK] after, on the evaluation data", percent(vocabulary["evaluation_unknown_rate_after"]))
        }
        var blocks: [Block] = []
        if !rows.isEmpty {
            blocks.append(
                .table(table("Quantization", corner: "what", columns: ["value"], rows: rows, isText: true)))
        }
        if let found = layers(record), !found.rows.isEmpty {
            blocks.append(.folded(found.title, found.table))
        }
        return blocks
    }

    /// The layers that could be quantized, in a table.
    private mutating func layers(
        _ record: JSONObject
    ) -> (title: String, rows: [PageRow], table: PageTable)? {
        let all = (record["layers"]?.arrayValue ?? []).compactMap(\.objectValue)
        let isMeasured = all.contains { $0["sensitivity"]?.doubleValue != nil }
        let rows = all.compactMap { layer -> PageRow? in
            guard let name = layer["name"]?.stringValue else { return nil }
            let sensitivity = layer["sensitivity"]?.doubleValue.map { String(format: "%.6f", $0) } ?? ""
            return PageRow(
                head: name,
                cells: [
                    layer["is_quantized"]?.boolValue == true ? "int8" : "floating point",
                    layer["parameters"].flatMap(Self.words) ?? "",
                ] + (isMeasured ? [sensitivity] : []))
        }
        let title = "The \(rows.count) layers that can be quantized"
        return (
            title, rows,
            table(
                title, corner: "layer",
                columns: ["type", "parameters"] + (isMeasured ? ["sensitivity (KL)"] : []), rows: rows,
                isText: true)
        )
    }
}
