import Foundation

/// The README.md of a quantised model.
struct QuantizedModelCard {
    let report: QuantizationReport

    var text: String {
        let name = URL(filePath: report.source).lastPathComponent
        return [
            "---", "library_name: transformers", "pipeline_tag: text-classification", "tags:", "- distill",
            "- quantized", "---", "", "# \(URL(filePath: report.output).lastPathComponent)", "",
            "`\(name)` with \(report.method.type.rawValue) weights.", "",
        ].joined(separator: "\n")
    }
}
