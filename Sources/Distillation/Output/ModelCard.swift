import Foundation
import Transformers

/// The README.md that goes with a saved model, in the Hub's form: YAML metadata, then text.
public struct ModelCard: Sendable {
    /// The origin of the model.
    enum Origin: Sendable {
        case distilled(teacher: String, startsFromTeacher: Bool)
        case fineTuned(model: String)
        case quantized(model: String, QuantizedType)

        /// The directory of the source model.
        var path: String {
            switch self {
            case .distilled(let path, _), .fineTuned(let path), .quantized(let path, _): path
            }
        }
    }

    /// The evaluation of a model, for the Hub's table of results.
    struct Result: Sendable {
        var evaluation: ModelEvaluation
        var data: DataRecord?
        var split: String
        /// The type to which the weights were rounded; `nil` where the saved weights were evaluated.
        var rounding: String?
    }

    /// The facts of a quantization for the card of the quantized model.
    public struct Quantization: Sendable {
        /// The type of the weights.
        public var type: QuantizedType
        /// The method in a few words, such as "int8, static activations".
        public var method: String
        /// The model it was made from.
        public var before: ModelEvaluation
        public var after: ModelEvaluation
        /// The data on which both were evaluated.
        public var data: DataRecord?
        /// The layers left in floating point.
        public var floatLayers: [String]

        public init(
            type: QuantizedType = .int8, method: String, before: ModelEvaluation, after: ModelEvaluation,
            data: DataRecord? = nil, floatLayers: [String] = []
        ) {
            self.type = type
            self.method = method
            self.before = before
            self.after = after
            self.data = data
            self.floatLayers = floatLayers
        }
    }

    let title: String
    let origin: Origin
    /// The names of what it was made from: a model's directory, or the files of a teacher's scores.
    let sourceNames: [String]
    let labels: [String]
    let sizes: RunReport.Sizes
    let parameters: Int
    let problemType: TaskIdentifier
    /// The models on some data, this one last.
    typealias Columns = [(name: String, evaluation: ModelEvaluation)]
    /// A table for each of the data, by its name.
    let tables: [(data: String, columns: Columns)]
    let results: [Result]
    /// Paragraphs below the table.
    let remarks: [String]
    /// The lines on how it was made.
    let making: [String]
    /// The name of the file with the whole record.
    let recordName: String
    let options: ModelCardOptions
    let source: SourceCard

    /// The card of a run's model.
    ///
    /// - Parameters:
    ///   - report: The run.
    ///   - options: The facts that the run cannot know. The license and the base model are taken over from
    ///     the source model's card where they are not given.
    public init(report: RunReport, options: ModelCardOptions = ModelCardOptions()) {
        let student = report.settings.student
        title = URL(filePath: report.output).lastPathComponent
        origin =
            report.settings.teacher.map {
                .distilled(
                    teacher: $0,
                    startsFromTeacher: student.map { $0.initialization != .random && $0.directory == nil }
                        ?? false)
            } ?? .fineTuned(model: report.settings.model ?? "")
        sourceNames = Self.sourceNames(report)
        (labels, sizes, parameters) = (
            report.labels, report.settings.studentConfiguration, report.student.parameters
        )
        problemType = report.student.problemType
        func columns(_ model: ModelEvaluation, _ teacher: ModelEvaluation?) -> Columns {
            teacher.map { [("teacher", $0), ("student", model)] } ?? [("model", model)]
        }
        tables =
            (report.test.map { [("test", columns($0.student, $0.teacher))] } ?? [])
            + [("validation", columns(report.student, report.teacher))]
        let rounding = Self.rounding(report)
        var evaluated = [
            Result(
                evaluation: report.student, data: report.validation, split: "validation", rounding: rounding)
        ]
        if let test = report.test {
            evaluated.append(
                Result(evaluation: test.student, data: test.data, split: "test", rounding: rounding))
        }
        results = evaluated
        remarks = Self.remarks(report)
        making = Self.training(report)
        recordName = report.recordName
        self.options = options
        source = SourceCard(directory: URL(filePath: origin.path))
    }

    /// The card of a quantized model.
    ///
    /// - Parameters:
    ///   - quantization: The method, and the evaluations before and after.
    ///   - title: The name of its directory.
    ///   - labels: The classes' names, in order.
    ///   - sizes: The sizes of the architecture.
    ///   - model: The directory of the model it was made from, whose card's license it takes over.
    ///   - options: The facts that cannot be known here.
    public init(
        quantization: Quantization, title: String, labels: [String], sizes: RunReport.Sizes, model: URL,
        options: ModelCardOptions = ModelCardOptions()
    ) {
        self.title = title
        origin = .quantized(model: model.path(percentEncoded: false), quantization.type)
        sourceNames = [model.lastPathComponent]
        (self.labels, self.sizes, parameters) = (labels, sizes, quantization.after.parameters)
        problemType = quantization.after.problemType
        tables = [
            (
                "validation",
                [("float32", quantization.before), (quantization.type.rawValue, quantization.after)]
            )
        ]
        results = [Result(evaluation: quantization.after, data: quantization.data, split: "validation")]
        remarks = []
        making =
            ["- method: \(quantization.method)"]
            + (quantization.floatLayers.isEmpty
                ? []
                : [
                    "- left in floating point: "
                        + quantization.floatLayers.map { "`\($0)`" }.joined(separator: ", ")
                ])
        recordName = "quantization.json"
        self.options = options
        source = SourceCard(directory: model)
    }

    /// The whole file.
    public var text: String {
        // No node of the metadata can fail to be written; were it so, the text alone would be the better card.
        var lines = (try? metadata()).map { ["---", $0 + "---"] } ?? []
        lines += ["", "# \(Self.inline(title))", "", summary]
        for (data, columns) in tables {
            lines += ["", "## Results on the \(data) data", ""] + table(columns)
        }
        for remark in remarks { lines += ["", remark] }
        lines += ["", "## Use", ""] + use
        var heading = "Training"
        var closing = "Every setting, the data's digests and each epoch's metrics are in `\(recordName)`."
        if case .quantized = origin {
            (heading, closing) = ("Quantization", "The whole record is in `\(recordName)`.")
        }
        lines += ["", "## \(heading)", ""] + making + ["", closing, ""]
        return lines.joined(separator: "\n")
    }
}

// MARK: - The parts of the text

extension ModelCard {
    private var summary: String {
        let shape =
            isTable
            ? "a table of \(sizes.vocabularySize) tokens with \(sizes.hiddenSize) components, \(parameters) parameters"
            : "\(sizes.layers) layers of width \(sizes.hiddenSize), \(parameters) parameters"
        let name = sourceNames.map { "`\(Self.inline($0))`" }.joined(separator: ", ")
        let made =
            switch origin {
            case .distilled: "distilled from \(name)"
            case .fineTuned: "fine-tuned from \(name)"
            case .quantized(_, let type): "\(name) with \(type.rawValue) weights"
            }
        let list = labels.map { "`\(Self.inline($0))`" }.joined(separator: ", ")
        return problemType.definition.card.summary(shape, made, list)
    }

    /// True of a static model, which no class of transformers opens.
    var isTable: Bool { sizes.layers == 0 }

    private var use: [String] {
        guard !isTable || problemType.embedsTexts else {
            return [
                "```", "printf 'A film to remember.\\n' | distill predict --model \(Self.shell(title))",
                "```",
            ]
        }
        let autoModel = problemType.definition.card.autoModel
        guard !problemType.embedsTexts else {
            return [
                "```python",
                "from sentence_transformers import SentenceTransformer",
                "",
                "model = SentenceTransformer(\(Self.python(title)))",
                "vectors = model.encode([\"A film to remember.\", \"A dull evening.\"])",
                "```",
            ]
        }
        guard !problemType.ranksDocuments else {
            return [
                "```python",
                "from sentence_transformers import CrossEncoder",
                "",
                "model = CrossEncoder(\(Self.python(title)))",
                "scores = model.predict([(\"a film to remember\", \"A story that stays.\")])",
                "```",
            ]
        }
        var lines = [
            "```python",
            "from transformers import \(autoModel), AutoTokenizer",
            "",
            "model = \(autoModel).from_pretrained(\(Self.python(title)))",
            "tokenizer = AutoTokenizer.from_pretrained(\(Self.python(title)))",
            "```",
        ]
        if case .quantized(_, .int8) = origin {
            lines += [
                "",
                "transformers needs the package `compressed-tensors` to open it, and tables in floating point "
                    + "(`distill quantize --no-embeddings`); `distill` needs neither.",
            ]
        }
        return lines
    }

    /// A name as one word of a shell.
    private static func shell(_ text: String) -> String {
        "'" + text.replacing("'", with: "'\\''").replacing("\n", with: " ") + "'"
    }

    private func table(_ columns: Columns) -> [String] {
        func row(_ name: String, _ value: (ModelEvaluation) -> String) -> String {
            "| \(name) | " + columns.map { value($0.evaluation) }.joined(separator: " | ") + " |"
        }
        let task = problemType.definition
        let names = (task.card.table + task.furtherMetrics).filter { name in
            columns.contains { $0.evaluation.metrics[name] != nil }
        }
        return [
            "| | " + columns.map(\.name).joined(separator: " | ") + " |",
            "|---|" + columns.map { _ in "---|" }.joined(),
        ]
            + names.map { name in
                row(name.title(for: problemType)) { evaluation in
                    evaluation.metrics[name].map { Self.figure($0) } ?? ""
                }
            } + [
                // A teacher that is known by its scores has no weights.
                row("parameters") { $0.parameters == 0 ? "" : String($0.parameters) },
                row("bytes of weights") { $0.parameters == 0 ? "" : String($0.bytesOnDisk) },
            ]
    }

    /// A name on one line, without what would end a code span.
    private static func inline(_ text: String) -> String {
        text.replacing("`", with: "'").replacing(/[\r\n]+/, with: " ")
    }

    /// A text as Python writes it.
    private static func python(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            + "\""
    }
}
