import Datasets
import Files
import Foundation
import Tokenizers
import Torch
import Transformers

/// Quantises a trained model, judges it before and after, and saves it with a record of both.
public struct QuantizationRun {
    public let request: QuantizeRequest

    /// - Throws: ``DistillationError`` for options that cannot be.
    public init(_ request: QuantizeRequest) throws {
        try request.validate()
        self.request = request
    }

    /// - Throws: ``InterruptedError`` where `shouldStop` became true; ``DistillationError`` for a model that is quantised
    ///   already, data that do not fit it, or a limit that cannot be kept; `FileError`. Nothing is left half-written.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> QuantizationReport {
        let log = try RunLog(onEvent)
        let output = try OutputDirectory(
            request.output, overwrite: request.overwrite,
            inputs: [request.model] + [request.data, request.calibrationData].compactMap(\.self)
                + request.vocabularyData)
        let source = try TrainedClassifier(request.model)
        guard source.model.configuration.quantization == nil else {
            throw DistillationError(
                "\(request.model.path): is quantised already; quantise the model in floating point that it was made from")
        }
        let material = try QuantizationMaterial(request, source, log)
        let batches = try material.calibrationBatches(request.batchSize)
        let judge = QuantizationJudge(request: request, log: log, shouldStop: shouldStop)
        let before = try judge.logits(source.model, material.data?.dataset, "Judging the model as it is")

        var chosen: Set<String> = []
        var (layers, drop): ([QuantizationReport.Layer], Double?) = ([], nil)
        var model = source.model
        if request.method.type == .int8 {
            let quantizer = try log.phase(
                request.method.activations == .fixed ? "Calibrating and quantising" : "Quantising"
            ) { try Quantizer(source.model, method: request.method, sample: batches) }
            var sensitivity: [String: Double] = [:]
            chosen = Set(quantizer.layers.map(\.name))
            if let limit = request.accuracyDrop, let data = material.data, let before {
                let choice = try log.phase("Choosing layers") {
                    try QuantizationPlan(
                        quantizer: quantizer, dataset: data.dataset, batchSize: request.batchSize,
                        reference: before,
                        onProgress: {
                            log.send(
                                .progress(
                                    completed: $0, total: 3 * quantizer.layers.count, unit: "model",
                                    detail: ""))
                        }, shouldStop: shouldStop
                    ).smallest(within: limit / 100)
                }
                (chosen, sensitivity) = (choice.layers, choice.sensitivity)
                drop = choice.drop * 100
            }
            layers = quantizer.layers.map {
                QuantizationReport.Layer(
                    name: $0.name, parameters: $0.elements, isQuantized: chosen.contains($0.name),
                    sensitivity: sensitivity[$0.name])
            }
            model = try quantizer.model(chosen)
        }

        let staged = try StagedDirectory(for: output.url, overwrite: true)
        try save(model, source, to: staged.url)
        // What is judged is what was written.
        let saved = try TrainedClassifier(staged.url)
        let after = try judge.logits(saved.model, material.data?.dataset, "Judging the quantised model")
        let latencies = try log.phase("Timing") { () -> [LatencyStatistics?] in
            guard let dataset = material.data?.dataset ?? material.texts?.dataset else { return [nil, nil] }
            return try LatencyProbe.measure(
                [source.model, saved.model].map { .init(model: $0, dataset: dataset) },
                samples: request.latencySamples)
        }
        let evaluations = try judge.evaluations(
            [(source, before), (saved, after)], material.data?.dataset, latencies)
        var comparison: Comparison?
        if let before, let after {
            comparison = try Evaluator.comparison(
                student: (after, evaluations[1]), teacher: (before, evaluations[0]))
            drop = drop ?? evaluations[0].taskMetric.map { ($0 - (evaluations[1].taskMetric ?? .nan)) * 100 }
        }
        var report = QuantizationReport(
            source: request.model.path(percentEncoded: false),
            output: request.output.path(percentEncoded: false), method: request.method,
            calibrationData: request.method.activations == .fixed ? material.texts?.record : nil,
            calibrationExamples: request.method.activations == .fixed ? material.calibrationCount : nil,
            accuracyDropLimit: request.accuracyDrop, accuracyDrop: drop, data: material.data?.record,
            labels: source.labels.names, before: evaluations[0], after: evaluations[1],
            comparison: comparison, layers: layers, vocabulary: nil, files: [:],
            versions: .current)
        try AtomicFile.write(
            QuantizedModelCard(report: report).text, to: staged.url.appending(path: "README.md"))
        report.files = try DirectorySeal.digests(of: staged.url)
        try AtomicFile.write(
            JSONText.encode(report) + "\n", to: staged.url.appending(path: QuantizationReport.fileName))
        try staged.commit()
        return report
    }

    private func save(
        _ model: any SequenceClassifier, _ source: TrainedClassifier, to directory: URL
    ) throws {
        let dtype: DType =
            switch request.method.type {
            case .int8: .float32
            case .float16: .float16
            case .bfloat16: .bfloat16
            }
        try ModelWriter.save(model, to: directory, dtype: dtype)
        for name in Tokenizer.fileNames {
            let file = source.directory.appending(path: name)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            let bytes = try MappedFile(file)
            try AtomicFile.write(to: directory.appending(path: name)) { try $0.write(bytes.bytes) }
        }
    }
}
