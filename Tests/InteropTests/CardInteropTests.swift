import Foundation
import JSON
import Testing
import Torch
import Transformers

@testable import Distillation

/// Opens model cards with `huggingface_hub`, the library that the Hub's own tools are made of.
@Suite("huggingface_hub reads model cards", .enabled(if: Python.isThere))
struct CardInteropTests {
    private func results(_ evaluation: ModelEvaluation, _ split: String) -> [JSONValue] {
        let names: [MetricName] =
            switch evaluation.problemType {
            case .singleLabel: [.accuracy, .macroF1, .matthewsCorrelation]
            case .multiLabel: [.microF1, .macroF1, .accuracy]
            case .regression: [.pearson, .spearman, .mse]
            case .tokenClassification: [.f1, .precision, .recall, .accuracy]
            case .causalLanguageModel: [.perplexity, .accuracy]
            case .embedding: [.spearman, .pearson]
            case .ranking: [.ndcg, .mrr, .map]
            }
        return names.compactMap { name in
            let title = name.title(for: evaluation.problemType)
            return evaluation.metrics[name].map {
                [.string(split), .string(title.prefix(1).uppercased() + title.dropFirst()), .number($0)]
            }
        }
    }

    private func claim(
        _ directory: URL, _ metadata: JSONValue, absent: [String] = [], results: [JSONValue]
    ) -> JSONValue {
        [
            "directory": .string(directory.path), "metadata": metadata,
            "absent": .array(absent.map(JSONValue.string)), "results": .array(results),
        ]
    }

    private func expectAgreement(_ claims: [JSONValue], in directory: TemporaryDirectory) throws {
        let file = directory.url.appending(path: "claims.json")
        try JSONValue.array(claims).serialized().write(to: file, atomically: true, encoding: .utf8)
        let result = try Python.run([Fixtures.folder.appending(path: "card.py").path, file.path])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test(
        "a fine-tuned model and the student that it teaches: licence and base model go on, results are found again"
    )
    func runs() throws {
        let directory = try TemporaryDirectory()
        func place(_ name: String) -> URL { directory.url.appending(path: name) }
        // What a name on disk can be, and the Hub's card still reads.
        let encoder = place("an encoder")
        try FileManager.default.copyItem(at: Fixtures.teacher, to: encoder)
        try """
        ---\r
        license: other\r
        license_name: "our: licence"\r
        license_link: LICENSE\r
        base_model:\r
        - google-bert/bert-base-uncased\r
        ---\r
        # An encoder
        """.write(to: encoder.appending(path: "README.md"), atomically: true, encoding: .utf8)
        var tune = FineTuneRequest(
            model: encoder, data: DataRequest(train: Fixtures.reviews),
            output: place("no: \"quoted\" #1 – é"))
        tune.training.numTrainEpochs = 1
        tune.cache.directory = place("cache")
        let tuned = try FineTuningRun(tune).run()
        var run = DistillRequest(
            teacher: tune.output, data: DataRequest(train: Fixtures.reviews), output: place("yes"))
        run.student.layers = 2
        run.student.hiddenSize = 32
        run.student.initialization = .teacherLayers
        run.training.numTrainEpochs = 1
        run.test = Fixtures.reviews
        run.cache.directory = place("cache")
        run.card.languages = ["no", "en"]
        run.card.datasets = ["stanfordnlp/sst2"]
        let report = try DistillationRun(run).run()
        let shared: [(String, JSONValue)] = [
            ("library_name", "transformers"), ("pipeline_tag", "text-classification"), ("license", "other"),
            ("license_name", "our: licence"), ("license_link", "LICENSE"),
            ("base_model", "google-bert/bert-base-uncased"), ("base_model_relation", "finetune"),
            ("metrics", ["accuracy", "f1", "matthews_correlation"]),
        ]
        let test = try #require(report.test)
        try expectAgreement(
            [
                claim(
                    tune.output, .object(JSONObject(shared + [("tags", ["distill", "fine-tuned"])])),
                    absent: ["datasets", "language"], results: results(tuned.student, "validation")),
                claim(
                    run.output,
                    .object(
                        JSONObject(
                            shared + [
                                ("tags", ["distill", "knowledge-distillation"]), ("language", ["no", "en"]),
                                ("datasets", ["stanfordnlp/sst2"]),
                            ])),
                    results: results(report.student, "validation") + results(test.student, "test")),
            ], in: directory)
    }

    @Test("models of each problem type, and quantized ones", arguments: TaskIdentifier.sequenceTasks)
    func kinds(_ type: TaskIdentifier) throws {
        let directory = try TemporaryDirectory()
        var metrics = MetricValues()
        for name in MetricName.available(for: type, hasTeacher: false) { metrics[name] = 0.625 }
        metrics[.mse] = type == .regression ? 0.00001234 : nil
        metrics[.spearman] = type == .regression ? .nan : nil
        let evaluation = ModelEvaluation(
            problemType: type, metrics: metrics, f1: nil, confusionMatrix: nil, examples: 10, parameters: 100,
            bytesOnDisk: 400,
            latencyP50Milliseconds: nil, latencyP95Milliseconds: nil)
        let model = directory.url.appending(path: "models--acme--tiny/snapshots/0123")
        let output = directory.url.appending(path: "int8")
        for url in [model, output] {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }
        let card = ModelCard(
            quantization: .init(
                method: "int8, static activations", before: evaluation, after: evaluation,
                data: DataRecord(path: "/home/me/my data: 1.csv", examples: 10, sha256: "00"),
                floatLayers: ["classifier"]), title: "int8", labels: ["`a`", "b\nc"],
            sizes: .init(
                layers: 2, hiddenSize: 8, intermediateSize: 16, attentionHeads: 2, vocabularySize: 50),
            model: model, options: ModelCardOptions(license: "apache-2.0"))
        try card.text.write(to: output.appending(path: "README.md"), atomically: true, encoding: .utf8)
        let metadata: JSONValue = [
            "license": "apache-2.0", "base_model": "acme/tiny", "base_model_relation": "quantized",
            "tags": ["distill", "quantized", "int8", "compressed-tensors"],
        ]
        let wanted = results(evaluation, "validation").filter {
            $0.arrayValue?.last?.doubleValue?.isNaN == false
        }
        try expectAgreement(
            [claim(output, metadata, absent: ["datasets", "language"], results: wanted)], in: directory)
        #expect(
            card.text.contains("| | float32 | int8 |")
                && card.text.contains("left in floating point: `classifier`"))
        #expect(!card.text.contains("/home/me"))
    }

    @Test("any text is quoted so that YAML reads it back")
    func quoting() throws {
        let texts = [
            "no", "Yes", "null", "~", "1", "1.5", "1e3", "0x1F", ".inf", "-.INF", ".NaN", "2024-01-01",
            "12:30:45", "- a", "a: b", "a #b",
            "'", "\"", "\\", "line\nbreak", "tab\t", "\u{0}\u{7}\u{1B}", "\u{85}\u{2028}\u{FEFF}", "é 日本 🎬",
            "", " ", "a ", "{a}",
            "[a]", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a`", "?", "plain", "a/b-c.d_e", "two words", "=",
            "<<", "_1", "_", "inf", "nan",
            "on", "y", "N", "e1", "_0x1",
        ]
        let directory = try TemporaryDirectory()
        let yaml = directory.url.appending(path: "texts.yaml")
        let json = directory.url.appending(path: "texts.json")
        try CardYAML.lines(CardYAML.list(texts.map(CardYAML.text))).write(
            to: yaml, atomically: true, encoding: .utf8)
        try JSONValue.array(texts.map(JSONValue.string)).serialized().write(
            to: json, atomically: true, encoding: .utf8)
        let script = """
            import json, sys, yaml
            a = yaml.safe_load(open(sys.argv[1], encoding="utf-8", newline=""))
            b = json.load(open(sys.argv[2], encoding="utf-8"))
            bad = [(x, y) for x, y in zip(a, b, strict=True) if x != y or type(x) is not str]
            sys.exit(f"{bad}" if bad else 0)
            """
        let result = try Python.run(["-c", script, yaml.path, json.path])
        #expect(result.status == 0, "\(result.output)")
        for (value, text) in [(0.5, "0.500000"), (0, "0.000000"), (0.00001234, "1.234000e-05")] {
            #expect(CardYAML.number(value).scalar?.string == text)
        }
    }
}
