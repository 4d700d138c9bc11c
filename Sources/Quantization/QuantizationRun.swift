import Distillation
import Files
import Foundation
import Tokenizers
import Torch
import Transformers

/// Quantizes a trained model, evaluates it before and after, and saves it with a record of both.
public struct QuantizationRun {
    public let request: QuantizeRequest

    /// - Throws: `DistillationError` for invalid options.
    public init(_ request: QuantizeRequest) throws {
        try request.validate()
        self.request = request
    }

    /// - Parameters:
    ///   - onEvent: Called with the events of the run.
    ///   - shouldStop: Polled for an early end; nothing is saved then.
    /// - Throws: `InterruptedError` where `shouldStop` became true; `DistillationError` for a model that is quantized
    ///   already, data that do not fit it, or a limit that cannot be kept; `FileError`. Nothing is left half-written.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> QuantizationReport {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        if FileManager.default.fileExists(atPath: request.model.path) {
            try LoadedModel.requireClassifier(
                request.model,
                instead:
                    "int8 is for encoders; for smaller weights write a GGUF file (distill export --format gguf --outtype q8_0), which "
                    + "evaluate and generate open")
        }
        try requireLayers()
        let output = try OutputDirectory(
            request.output, overwrite: request.overwrite,
            inputs: [request.model] + [request.data, request.calibrationData].compactMap(\.self)
                + request.vocabularyData, cache: request.cache)
        log.tell(output.leftovers)
        let original = try floatingPointModel(log)
        let trimmed = try trimmedVocabulary(of: original, log)
        let source = try trimmed.map { try LoadedModel($0.directory) } ?? original
        // A directory that is made on the way has no record of the training.
        var reading = request
        reading.maxLength = original.maxLength(request.maxLength)
        let material = try QuantizationMaterial(reading, source, log)
        let evaluator = QuantizationEvaluator(request: request, log: log, shouldStop: shouldStop)
        // The original reads its own tokenizer's ids.
        let own = trimmed == nil ? material : try QuantizationMaterial(reading, original, log)
        let before = try evaluator.logits(original, own.data?.dataset, "Evaluating the original model")
        if shouldStop() { throw InterruptedError() }
        let result = try quantize(source, material, reference: before, log, shouldStop)

        var report: QuantizationReport?
        try output.save(isLast: true) { directory in
            try save(result.model, source, to: directory)
            // The saved files are evaluated.
            let saved = try LoadedModel(directory)
            let after = try evaluator.logits(saved, material.data?.dataset, "Evaluating the quantized model")
            var made = try record(
                evaluator, before: .init(original, before, own), after: .init(saved, after, material),
                labels: source.labels.names, layers: result.layers, vocabulary: trimmed?.report,
                maxLength: reading.maxLength)
            try write(&made, source, to: directory)
            report = made
            if shouldStop() { throw InterruptedError() }
        }
        guard let report else { throw DistillationError("nothing was quantized") }
        return report
    }

    /// - Throws: `DistillationError` for a static table.
    private func requireLayers() throws {
        guard FileManager.default.fileExists(atPath: request.model.path), !AutoModel.isGGUF(request.model),
            try ModelConfiguration(contentsOf: request.model).isTable
        else { return }
        throw DistillationError(
            "\(request.model.path): is a static table, which has no layers for int8; give it fewer components (distill run --student "
                + "static --embedding-size), and store it in float16 (--table-type)")
    }

    /// The model in floating point that is to be quantized.
    private func floatingPointModel(_ log: RunLog) throws -> LoadedModel {
        try AutoModel.requireFiniteWeights(in: request.model)
        let original = try LoadedModel(request.model)
        for warning in original.warnings { log.warnOnce(warning) }
        guard original.model.configuration.quantization == nil else {
            throw DistillationError(
                "\(request.model.path): is quantized already; quantize the model in floating point that it was made from"
            )
        }
        if request.vocabularyData.isEmpty, let problem = space(original) { throw DistillationError(problem) }
        return original
    }

    /// Vocabulary trimming: the model without unused tokens; `nil` where all are kept.
    private func trimmedVocabulary(of original: LoadedModel, _ log: RunLog) throws -> VocabularyCut? {
        guard !request.vocabularyData.isEmpty else { return nil }
        return try log.phase("Trimming the vocabulary") {
            let cut = try VocabularyCut(request, original)
            try log.advance(by: cut.texts)
            return cut
        }
    }

    /// The evaluation of both models, timed in turn, and their comparison, as the record of the run.
    private func record(
        _ evaluator: QuantizationEvaluator, before: QuantizationEvaluator.Subject,
        after: QuantizationEvaluator.Subject, labels: [String], layers: [QuantizationReport.Layer],
        vocabulary: QuantizationReport.Vocabulary?, maxLength: Int?
    ) throws -> QuantizationReport {
        let evaluations = try evaluator.evaluations([before, after])
        let material = after.material
        var made = QuantizationReport(
            source: request.model.path(percentEncoded: false),
            output: request.output.path(percentEncoded: false), method: request.method,
            accuracyDropLimit: request.accuracyDrop, data: material.data?.record, labels: labels,
            before: evaluations[0], after: evaluations[1], layers: layers, vocabulary: vocabulary,
            maxLength: maxLength, files: [:], versions: .current)
        if request.method.type == .int8, request.method.activations == .fixed {
            made.calibrationData = material.texts?.record
            made.calibrationExamples = material.calibrationCount
        }
        if let original = before.logits, let quantized = after.logits {
            made.comparison = try Evaluator.comparison(
                student: (quantized, evaluations[1]), teacher: (original, evaluations[0]))
            if let old = evaluations[0].taskMetric, let new = evaluations[1].taskMetric {
                made.accuracyDrop =
                    MetricName.ofTask(evaluations[0].problemType).improvement(of: old, over: new) * 100
            }
        }
        return made
    }

    /// Writes the card and the record.
    private func write(_ report: inout QuantizationReport, _ source: LoadedModel, to directory: URL)
        throws
    {
        let card = ModelCard(
            quantization: .init(report), title: request.output.lastPathComponent, labels: report.labels,
            sizes: .init(source.model.configuration), model: request.model, options: request.card)
        try AtomicFile.write(card.text, to: directory.appending(path: "README.md"))
        report.files = try ChecksumManifest.digests(of: directory)
        try AtomicFile.write(
            JSONText.encode(report) + "\n", to: directory.appending(path: QuantizationReport.fileName))
    }

    /// The reason why even the smallest possible output does not fit its disk.
    private func space(_ model: LoadedModel) -> String? {
        let width = request.method.type == .int8 ? 1 : 2
        return OutputSpace.problem(
            at: request.output,
            bytes: model.model.parameters.elementCount * width + OutputSpace.tokenizerBytes(request.model),
            isRepeated: false, overwrite: false)
    }

    /// The model with the weights that the method asks for, and the outcome for each layer.
    private func quantize(
        _ source: LoadedModel, _ material: QuantizationMaterial, reference: Logits?, _ log: RunLog,
        _ shouldStop: @escaping () -> Bool
    ) throws -> (model: TransformerModel, layers: [QuantizationReport.Layer]) {
        guard request.method.type == .int8 else { return (source.model, []) }
        let quantizer = try log.phase(
            request.method.activations == .fixed ? "Calibrating and quantizing" : "Quantizing"
        ) {
            let sample = try material.calibrationBatches(request.batchSize)
            let quantizer = try Quantizer(source.model, method: request.method, sample: sample)
            if request.method.activations == .fixed {
                try log.advance(by: sample.reduce(0) { $0 + $1.offsets.count - 1 })
            }
            return quantizer
        }
        var choice = QuantizationPlan.Choice(layers: Set(quantizer.layers.map(\.name)))
        if let limit = request.accuracyDrop, let data = material.data, let reference {
            choice = try log.phase("Choosing layers") {
                try QuantizationPlan(
                    quantizer: quantizer, dataset: data.dataset, batchSize: request.batchSize,
                    reference: reference,
                    onProgress: { evaluated in
                        log.send(
                            .progress(
                                RunProgress(
                                    completed: evaluated, total: 3 * quantizer.layers.count, unit: "choice",
                                    examples: evaluated * data.dataset.count)))
                    },
                    shouldStop: shouldStop
                ).smallest(within: limit / 100)
            }
        }
        let layers = quantizer.layers.map {
            QuantizationReport.Layer(
                name: $0.name, parameters: $0.elements, isQuantized: choice.layers.contains($0.name),
                sensitivity: choice.sensitivity[$0.name])
        }
        return (try quantizer.model(choice.layers), layers)
    }

    private func save(
        _ model: TransformerModel, _ source: LoadedModel, to directory: URL
    ) throws {
        let dtype: DType =
            switch request.method.type {
            case .int8: .float32
            case .float16: .float16
            case .bfloat16: .bfloat16
            }
        try ModelWriter.save(model, to: directory, dtype: dtype)
        try OutputDirectory.copyTokenizer(from: source.directory, to: directory)
    }
}
