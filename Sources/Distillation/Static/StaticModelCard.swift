import Foundation
import Yams

/// The README.md of a static student, in the Hub's form: YAML metadata, then text.
struct StaticModelCard {
    let report: StaticStudentReport
    let options: ModelCardOptions
    private let source: SourceCard

    init(_ report: StaticStudentReport, _ options: ModelCardOptions) {
        (self.report, self.options) = (report, options)
        source = SourceCard(directory: URL(filePath: report.teacher))
    }

    var text: String {
        get throws {
            let title = Self.inline(URL(filePath: report.output).lastPathComponent)
            let teacher = Self.inline(URL(filePath: report.teacher).lastPathComponent)
            let reduction = report.explainedVariance.map {
                String(
                    format:
                        "The first %d principal components of the tokens, with %.1f %% of their variance.",
                    report.embeddingSize, $0 * 100)
            }
            let weights = report.sif.map {
                "A token's weight is a / (a + p) with a = \($0) and the probability p by its rank in the vocabulary."
            }
            var lines = ["---", try metadata() + "---", "", "# \(title)", ""]
            lines.append(
                "Vectors of texts without a transformer: a table of \(report.tokens) tokens with \(report.embeddingSize) components, made of "
                    + "`\(teacher)`'s vector of each token alone. A text's vector is the mean of its tokens', of length 1."
            )
            for remark in [reduction, weights].compactMap(\.self) { lines += ["", remark] }
            lines += ["", "## Use", ""]
            lines += Self.example(
                "from model2vec import StaticModel", "StaticModel.from_pretrained(\(Self.python(title)))")
            lines += Self.example(
                "from sentence_transformers import SentenceTransformer",
                "SentenceTransformer(\(Self.python(title)))")
            lines += ["Every setting is in `\(StaticStudentReport.fileName)`.", ""]
            return lines.joined(separator: "\n")
        }
    }

    /// The block between the lines of three hyphens.
    private func metadata() throws -> String {
        var pairs: [(String, Node)] = []
        func add(_ name: String, _ value: String?) {
            if let value { pairs.append((name, CardYAML.text(value))) }
        }
        func add(_ name: String, list values: [String]) {
            if !values.isEmpty { pairs.append((name, CardYAML.list(values.map(CardYAML.text)))) }
        }
        add("library_name", "model2vec")
        add("pipeline_tag", "feature-extraction")
        add("license", options.license ?? source.license)
        if options.license == nil, source.license == "other" {
            add("license_name", source.licenseName)
            add("license_link", source.licenseLink)
        }
        add("language", list: options.languages)
        let named = options.baseModel ?? HubIdentifier.ofCached(URL(filePath: report.teacher))
        let bases = named.map { [$0] } ?? source.baseModels
        if bases.count > 1 { add("base_model", list: bases) } else { add("base_model", bases.first) }
        add("datasets", list: options.datasets)
        add(
            "tags",
            list: [
                "distill", "knowledge-distillation", "embeddings", "static-embeddings", "model2vec",
                "sentence-transformers",
            ])
        return try CardYAML.lines(CardYAML.mapping(pairs))
    }

    private static func example(_ line: String, _ model: String) -> [String] {
        ["```python", line, "", "vectors = \(model).encode([\"A film to remember.\"])", "```", ""]
    }

    /// A name on one line, without what would end a code span.
    private static func inline(_ text: String) -> String {
        text.replacing("`", with: "'").replacing(/[\r\n]+/, with: " ")
    }

    /// A text as a literal of Python.
    private static func python(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            + "\""
    }
}
