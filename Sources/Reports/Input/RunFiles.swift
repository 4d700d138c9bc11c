import Files
import Foundation
import JSON

/// The records of a run or a model, read from a directory or a file.
public struct RunFiles: Sendable {
    enum Kind: Sendable {
        /// `distillation.json`.
        case distilled
        /// `training.json`.
        case fineTuned
        /// `quantization.json`.
        case quantized
        /// The output of `distill evaluate --json`.
        case evaluated
    }

    /// The directory's name.
    public let name: String
    /// The path of the model.
    let path: String
    let kind: Kind
    let record: JSONObject
    let history: [HistoryPoint]
    let analysis: PredictionAnalysis?
    let page: URL

    /// The names that are looked for in a directory, in order: the first decides what it is.
    static let records: [(name: String, kind: Kind)] = [
        ("quantization.json", .quantized), ("distillation.json", .distilled), ("training.json", .fineTuned),
    ]

    /// Reads what there is.
    ///
    /// - Parameters:
    ///   - url: The output directory of a run, a fine-tuned or quantized model, or a file that `distill evaluate --json`
    ///     wrote.
    ///   - destination: The final path of the directory, if it is still being written; `nil` for its current one.
    /// - Throws: ``ReportError`` where nothing of that is there, or a file cannot be used.
    public init(_ url: URL, destination: URL? = nil) throws {
        let path = url.path(percentEncoded: false)
        let place = (destination ?? url).standardizedFileURL
        page = place
        self.path = place.path(percentEncoded: false)
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw ReportError("\(path): no such file or directory; check the path")
        }
        guard isDirectory.boolValue else {
            record = try Self.object(url)
            guard record["model"]?.objectValue != nil else {
                throw ReportError(
                    "\(path): is no evaluation: there is no 'model' in it; give what `distill evaluate --json` printed, "
                        + "or the directory of a run")
            }
            name = place.deletingPathExtension().lastPathComponent
            (kind, history, analysis) = (.evaluated, [], nil)
            return
        }
        name = place.lastPathComponent
        func isThere(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: url.appending(path: name).path(percentEncoded: false))
        }
        guard let found = Self.records.first(where: { isThere($0.name) }) else {
            throw ReportError(
                "\(path): there is nothing to report on: none of "
                    + Self.records.map(\.name).sorted().joined(separator: ", ")
                    + " is there; give the output directory of `distill run` or `distill finetune`, or a quantized model"
            )
        }
        kind = found.kind
        record = try Self.object(url.appending(path: found.name))
        let needed = kind == .quantized ? "after" : "student"
        guard record[needed]?.objectValue != nil else {
            throw ReportError(
                "\(url.appending(path: found.name).path(percentEncoded: false)): there is no '\(needed)' in it; it was "
                    + "not written by distill, or is damaged")
        }
        let isRun = kind != .quantized
        history =
            isRun && isThere("history.jsonl") ? try Self.history(url.appending(path: "history.jsonl")) : []
        analysis = isThere("analysis.json") ? try Self.analysis(url.appending(path: "analysis.json")) : nil
    }

    private static func object(_ url: URL) throws -> JSONObject {
        let path = url.path(percentEncoded: false)
        do {
            guard let object = try JSONValue.load(contentsOf: url).objectValue else {
                throw ReportError("\(path): is no JSON object")
            }
            return object
        } catch let error as JSONError { throw ReportError(error.description) }
    }

    private static func text(_ url: URL) throws -> String {
        do { return String(decoding: try Data(contentsOf: url), as: UTF8.self) } catch {
            throw ReportError(
                "\(url.path(percentEncoded: false)): cannot be read: \(error.localizedDescription)")
        }
    }

    private static func history(_ url: URL) throws -> [HistoryPoint] {
        let lines = try text(url).split(separator: "\n", omittingEmptySubsequences: true)
        return try lines.enumerated().compactMap { index, line in
            do { return HistoryPoint(try JSONValue.parse(String(line))) } catch {
                throw ReportError(
                    "\(url.path(percentEncoded: false)), line \(index + 1): is not JSON (\(error)); remove the file to "
                        + "do without its curves")
            }
        }
    }

    private static func analysis(_ url: URL) throws -> PredictionAnalysis {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let path = url.path(percentEncoded: false)
        let data = Data(try text(url).utf8)
        func refusal(_ reason: String) -> ReportError {
            ReportError(
                "\(path): is not an analysis of distill (\(reason)); remove the file to do without it")
        }
        let analysis: PredictionAnalysis
        do { analysis = try decoder.decode(PredictionAnalysis.self, from: data) } catch {
            throw refusal(reason(error))
        }
        guard analysis.hasPossibleCounts else { throw refusal("it has counts that cannot be") }
        return analysis
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return error.localizedDescription }
        switch error {
        case .keyNotFound(let key, _): return "'\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            let place = context.codingPath.map(\.stringValue).joined(separator: ".")
            return place.isEmpty ? "it is not JSON" : "'\(place)' is not what it should be"
        @unknown default: return error.localizedDescription
        }
    }
}

extension RunFiles {
    /// Characters of a model's name that are shown.
    private static let longestName = 60

    /// Every model that the records evaluate, the teacher before its student.
    var models: [ModelFigures] {
        let data = record["validation"]?.objectValue ?? record["data"]?.objectValue
        func name(_ path: String?, _ fallback: String) -> String {
            path.map { URL(filePath: $0).lastPathComponent } ?? fallback
        }
        var found: [ModelFigures?]
        switch kind {
        case .distilled, .fineTuned:
            let teacher = record["settings"]?.objectValue?["teacher"]?.stringValue
            var student = ModelFigures(
                record["student"], name: self.name, role: kind == .distilled ? .student : .model, path: path)
            let beside = record["comparison"]?.objectValue
            student?.agreement = beside?["agreement"]?.doubleValue
            student?.kl = beside?["kl"]?.doubleValue
            var baseline = ModelFigures(
                record["baseline"], name: "\(self.name) without teacher", role: .baseline, path: nil)
            // The same architecture, and so the same size and speed; only the student's was measured.
            baseline?.bytes = student?.bytes
            baseline?.p50 = student?.p50
            found = [
                ModelFigures(
                    record["teacher"], name: teacherName ?? "teacher", role: .teacher, path: teacher),
                student, baseline,
            ]
        case .quantized:
            let source = record["source"]?.stringValue
            found = [
                ModelFigures(
                    record["before"], name: name(source, "float model"), role: .model, path: source),
                ModelFigures(record["after"], name: self.name, role: .quantized, path: path),
            ]
        case .evaluated:
            var model = ModelFigures(record["model"], name: self.name, role: .model, path: nil)
            let beside = record["comparison"]?.objectValue
            model?.agreement = beside?["agreement"]?.doubleValue
            model?.kl = beside?["kl"]?.doubleValue
            found = [
                ModelFigures(record["teacher"], name: "teacher", role: .teacher, path: nil), model,
            ]
        }
        let decisive = decisiveMetric(found.compactMap(\.self))
        return found.compactMap(\.self).map { model in
            var model = model
            if let decisive { model.mainMetric = decisive }
            model.name = MarkupText.shortened(model.name, Self.longestName)
            model.dataDigest = data?["sha256"]?.stringValue
            model.dataName = data?["path"]?.stringValue.map { URL(filePath: $0).lastPathComponent }
            return model
        }
    }

    /// The model that the directory holds.
    var own: ModelFigures? {
        models.last { $0.role != .baseline && $0.role != .teacher }
    }

    /// The classes' names.
    var labels: [String] {
        let names = record["labels"]?.arrayValue?.compactMap(\.stringValue) ?? []
        return names.isEmpty ? own?.f1.map(\.label) ?? [] : names
    }
}
