import Foundation
import JSON

@testable import Reports

/// Directories of records as runs write them, made for tests.
final class Records {
    let root: URL

    init() throws {
        root = FileManager.default.temporaryDirectory.appending(path: "distill-reports-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    @discardableResult
    func write(_ directory: String, _ files: [String: String]) throws -> URL {
        let url = root.appending(path: directory)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for (name, text) in files {
            try text.write(to: url.appending(path: name), atomically: true, encoding: .utf8)
        }
        return url
    }

    static func evaluation(
        accuracy: Double, bytes: Int, latency: Double?, labels: [String] = ["negative", "positive"]
    ) -> JSONValue {
        let right = Int((accuracy * 50).rounded())
        return [
            "problem_type": "single_label_classification",
            "metrics": [
                "accuracy": .number(accuracy), "macro_f1": .number(accuracy - 0.01), "ece": 0.04, "loss": 0.4,
            ],
            "accuracy": .number(accuracy), "macro_f1": .number(accuracy - 0.01),
            "f1": .array(
                labels.map { ["label": .string($0), "value": .number(accuracy - 0.01)] as JSONValue }),
            "confusion_matrix": .array(
                labels.indices.map { row in
                    // What is wrong is taken for the next class.
                    let next = (row + 1) % labels.count
                    return .array(
                        labels.indices.map { .integer($0 == row ? right : $0 == next ? 50 - right : 0) })
                }), "examples": 100, "parameters": .integer(bytes / 4), "bytes_on_disk": .integer(bytes),
            "latency_p50_milliseconds": latency.map(JSONValue.number) ?? .null,
            "latency_p95_milliseconds": latency.map { .number($0 * 2) } ?? .null,
        ]
    }

    /// `distillation.json` of a language model's run.
    static func languageModel() -> JSONValue {
        func model(_ perplexity: Double, kl: Double?, bytes: Int) -> JSONValue {
            var metrics: JSONObject = [
                "perplexity": .number(perplexity), "accuracy": 0.7, "bits_per_byte": 0.5,
            ]
            if let kl { metrics["kl"] = .number(kl) }
            return [
                "problem_type": "causal_language_model", "metrics": .object(metrics), "examples": 100,
                "parameters": .integer(bytes / 4), "bytes_on_disk": .integer(bytes),
            ]
        }
        func gain(_ metric: String, _ numbers: [Double]) -> JSONValue {
            var object: JSONObject = ["metric": .string(metric), "p_value": 0.01]
            for (name, value) in zip(["student", "baseline", "difference", "low", "high"], numbers) {
                object[name] = .number(value)
            }
            return .object(object)
        }
        func spread(_ metric: String, _ mean: Double, _ deviation: Double) -> JSONValue {
            ["metric": .string(metric), "mean": .number(mean), "standard_deviation": .number(deviation)]
        }
        guard case .object(var record) = distillation(),
            case .object(var first) = gain("kl", [0.453, 1.351, 0.898, 0.85, 0.94])
        else { return .null }
        for key in ["labels", "epochs"] { record[key] = .array([]) }
        first["others"] = [
            gain("agreement", [0.736, 0.705, 0.031, 0.025, 0.039]),
            gain("perplexity", [3.05, 3.15, 0.1, 0.05, 0.15]),
        ]
        record["teacher"] = model(2.09, kl: nil, bytes: 540_000_000)
        record["student"] = model(3.05, kl: 0.453, bytes: 360_000_000)
        record["baseline"] = model(3.15, kl: 1.351, bytes: 0)
        record["comparison"] = ["agreement": 0.736, "kl": 0.453, "size_ratio": 1.5]
        record["gain"] = .object(first)
        record["seeds"] = [
            "saved": 42, "student": spread("kl", 0.45, 0.01), "baseline": spread("kl", 1.35, 0.02),
            "gain": spread("kl", 0.9, 0.01),
            "others": [
                [
                    "student": spread("agreement", 0.73, 0.01), "baseline": spread("agreement", 0.7, 0.005),
                    "gain": spread("agreement", 0.03, 0.01),
                ]
            ],
            "runs": [
                ["seed": 42, "student": ["kl": 0.453], "gain": .object(first), "best_epoch": 2, "steps": 30],
                ["seed": 43, "student": ["kl": 0.447], "best_epoch": 2, "steps": 30],
            ],
        ]
        return .object(record)
    }

    /// `distillation.json` of a small run.
    static func distillation(
        teacher: Double = 0.9, student: Double = 0.86, labels: [String] = ["negative", "positive"],
        teacherPath: String = "/models/teacher", digest: String = "aa"
    ) -> JSONValue {
        let data: JSONValue = ["path": "/data/validation.csv", "examples": 100, "sha256": .string(digest)]
        func epoch(_ step: Int, _ accuracy: Double, _ isBest: Bool) -> JSONValue {
            [
                "epoch": .number(Double(step) / 10), "step": .integer(step),
                "train_loss": .number(1 / Double(step)),
                "is_best": .bool(isBest), "seconds": 1,
                "validation": ["accuracy": .number(accuracy), "kl": 0.1, "agreement": 0.9, "loss": 0.4],
            ]
        }
        return [
            "command": "run", "output": "/models/student", "labels": .array(labels.map(JSONValue.string)),
            "settings": [
                "teacher": .string(teacherPath), "temperature": "4", "alpha": "0.7", "device": "cpu",
                "training": ["learning_rate": 0.00005, "seed": 42],
            ],
            "train": ["path": "/data/train.csv", "examples": 900, "sha256": "bb"], "validation": data,
            "teacher": evaluation(accuracy: teacher, bytes: 90_900_000, latency: 6.93, labels: labels),
            "student": evaluation(accuracy: student, bytes: 18_180_000, latency: 0.61, labels: labels),
            "comparison": [
                "agreement": 0.913, "kl": 0.0848, "parameter_ratio": 5, "size_ratio": 5, "speed_ratio": 11.4,
            ],
            "epochs": [epoch(10, 0.8, true), epoch(20, student, true), epoch(30, student - 0.01, false)],
            "best_epoch": 2, "interrupted": false, "steps": 30,
            "phases": [["name": "Training", "seconds": 61.5]],
            "versions": ["distill": "0.1.0", "threads": 2],
        ]
    }

    static func history(_ steps: Int) -> String {
        (1...steps).map { step in
            HistoryPoint(
                step: step, epoch: Double(step) / 10, stage: nil, loss: 1 / Double(step),
                terms: [("kl", 0.5 / Double(step)), ("cross_entropy", 0.7)],
                metrics: [("accuracy", 0.8), ("kl", 0.2), ("agreement", 0.85)], learningRate: 5e-5,
                gradNorm: 1,
                examplesPerSecond: 400
            ).line + "\n"
        }.joined()
    }

    /// `quantization.json` of a model made from another.
    static func quantization(source: String) -> JSONValue {
        [
            "source": .string(source),
            "method": [
                "type": "int8", "activations": "dynamic-token", "embeddings": true, "smallest_matrix": 16384,
            ],
            "files": ["model.safetensors": "cc"],
            "before": evaluation(accuracy: 0.86, bytes: 18_180_000, latency: 0.61),
            "after": evaluation(accuracy: 0.855, bytes: 4_700_000, latency: 0.4), "accuracy_drop": 0.5,
            "vocabulary": [
                "data": ["train.csv"], "minimum_count": 1, "tokens_before": 30522, "tokens_after": 12938,
                "unknown_rate_before": 0.0, "unknown_rate_after": 0.0012,
            ],
            "layers": [
                [
                    "name": "bert.pooler.dense", "parameters": 16384, "is_quantized": true,
                    "sensitivity": 0.0002,
                ],
                ["name": "bert.encoder.layer.0.output.dense", "parameters": 65536, "is_quantized": false],
            ],
        ]
    }

    static func analysis(text: String = "a dull film") -> PredictionAnalysis {
        var analysis = PredictionAnalysis(
            data: "/data/validation.csv", problemType: "single_label_classification", examples: 100)
        let width = 1.0 / 15
        let bins = (0..<15).map { place -> CalibrationBin in
            let lower = Double(place) * width
            let isEmpty = place < 8
            return CalibrationBin(
                lower: lower, upper: lower + width, count: isEmpty ? 0 : 10, confidence: lower + width / 2,
                accuracy: isEmpty ? 0 : 0.8)
        }
        (analysis.studentCalibration, analysis.teacherCalibration) = (bins, bins)
        analysis.outcomes = .init(bothRight: 80, onlyTeacherRight: 10, onlyStudentRight: 6, bothWrong: 4)
        func answer(_ label: String, _ share: Double) -> PredictionAnalysis.Answer {
            .init(
                labels: [label],
                probabilities: [.init(label: label, value: share), .init(label: "other", value: 1 - share)])
        }
        analysis.differMost = (0..<8).map { row in
            var example = PredictionAnalysis.Example(
                row: row + 1, labels: ["negative"], student: answer("positive", 0.8),
                teacher: answer("negative", 0.97), difference: 1.5)
            example.text = "\(text) \(row)"
            return example
        }
        analysis.bothWrong = [analysis.differMost![0]]
        return analysis
    }

    static func json(_ analysis: PredictionAnalysis) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(analysis), as: UTF8.self)
    }

    /// The directory of a run with everything.
    func run(_ name: String = "student", _ record: JSONValue = distillation()) throws -> URL {
        try write(
            name,
            [
                "distillation.json": record.serialized(), "history.jsonl": Self.history(30),
                "analysis.json": try Self.json(Self.analysis()),
            ])
    }
}

extension HTMLReport {
    init(_ urls: URL...) throws { try self.init(urls.map { try RunFiles($0) }, program: "distill test") }
}
