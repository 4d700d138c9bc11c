import Distillation
import Exporters
import Files
import Foundation
import Safetensors
import Tokenizers
import Transformers

/// Writes a model in another runtime's format, and compares the written files with the model's own outputs.
public struct ExportRun {
    public let request: ExportRequest

    /// - Throws: `DistillationError` for invalid settings.
    public init(_ request: ExportRequest) throws {
        try SettingLimits.require(request.batchSize, "batch_size")
        try TextLength.validate(request.maxLength)
        guard request.opset == nil || request.format == "onnx" else {
            throw DistillationError(
                "opset belongs to the format onnx; leave it out for \(request.format)")
        }
        guard request.data == nil || request.check else {
            throw DistillationError("data are what the check is made on; leave out one of data and no_check")
        }
        self.request = request
    }

    /// Exports, compares, and only then moves the directory into place.
    ///
    /// - Throws: `ExportError` where the model cannot be written in that format; `DistillationError` where the exported
    ///   model disagrees; `InterruptedError` where `shouldStop` became true. Nothing is left then.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> ExportReport {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        func stopIfAsked() throws { if shouldStop() { throw InterruptedError() } }
        let exporter = try request.formats.named(request.format)
        if FileManager.default.fileExists(atPath: request.model.path) {
            try LoadedModel.requireClassifier(
                request.model,
                instead:
                    "ONNX and safetensors are written of encoders; its directory is Hugging Face's already: open it with "
                    + "transformers' AutoModelForCausalLM, or write it for llama.cpp with --format gguf"
            )
        }
        let output = try OutputDirectory(
            request.output, overwrite: request.overwrite,
            inputs: [request.model] + [request.data].compactMap(\.self), cache: request.cache)
        log.tell(output.leftovers)
        let model = try ExportableModel(directory: request.model)
        try AutoModel.requireFiniteWeights(in: request.model)
        let own =
            try request.check ? log.phase("Loading the model") { try LoadedModel(request.model) } : nil
        for warning in own?.warnings ?? [] { log.warnOnce(warning) }
        try stopIfAsked()

        if let problem = OutputSpace.problem(
            at: request.output, bytes: try bytes(model, exporter), isRepeated: false,
            overwrite: false)
        {
            throw DistillationError(problem)
        }
        var report: ExportReport?
        try output.save(isLast: true) { directory in
            report = try write(model, by: exporter, own, to: directory, log, shouldStop)
            try stopIfAsked()
        }
        guard var report else { throw DistillationError("nothing was exported") }
        report.phases = log.phases
        return report
    }

    /// Exports into a directory and compares.
    private func write(
        _ model: ExportableModel, by exporter: any ModelExporter, _ own: LoadedModel?,
        to directory: URL,
        _ log: RunLog, _ shouldStop: () -> Bool
    ) throws -> ExportReport {
        var options = ExportOptions(
            dtype: request.dtype, opset: request.opset, producerVersion: Version.current,
            tokenizerFiles: Tokenizer.fileNames)
        options.maxLength = own?.maxLength(request.maxLength) ?? TextLength.trained(in: request.model)
        let exported = try log.phase("Exporting") {
            try exporter.export(model, to: directory, options: options)
        }
        for note in exported.notes { log.send(.note(note)) }
        if shouldStop() { throw InterruptedError() }
        var (check, leftOut): (ExportCheck?, String?)
        if let own {
            switch try runner(for: exporter, at: directory) {
            case .success(let runner):
                check = try log.phase("Comparing with the model's own outputs") {
                    do {
                        return try ExportComparison(
                            own: own, runner: runner, tolerance: Self.tolerance(model, exported.dtype),
                            request: request,
                            log: log
                        ).check()
                    } catch {
                        // Ctrl-C ends Python too.
                        if shouldStop() { throw InterruptedError() }
                        throw error
                    }
                }
            case .failure(let reason):
                leftOut = reason.description
            }
        }
        let files = try files(in: directory)
        return ExportReport(
            model: request.model.path, output: request.output.path, format: exporter.name,
            dtype: exported.dtype, opset: exported.opset, files: files,
            sourceBytes: SafetensorsCheckpoint.weightBytes(in: request.model),
            bytes: files.reduce(0) { $0 + (Self.isWeights($1.name) ? $1.bytes : 0) }, check: check,
            checkLeftOut: leftOut, phases: [])
    }

    /// A lower estimate of the export's size on the disk, in bytes.
    private func bytes(_ model: ExportableModel, _ exporter: any ModelExporter) throws -> Int {
        let elements = model.elementCount
        let weights =
            switch request.dtype ?? exporter.defaultDType(for: model) {
            case .float32: elements * 4
            case .float16, .bfloat16: elements * 2
            case .int8: elements
            }
        return weights + OutputSpace.tokenizerBytes(request.model)
    }

    /// In float32 the order of sums is all that may differ. Half precision rounds every activation, by 2⁻¹¹ in float16 and
    /// 2⁻⁸ in bfloat16. Int8 has the same weights, but a rounding that falls the other way, or by another range, goes through
    /// all layers: single logits can be far apart, though few are. (A runtime that computes something else is off by
    /// most of the logits' size.)
    static func tolerance(_ model: ExportableModel, _ dtype: ExportDType) -> ExportTolerance {
        if model.isQuantized { return .mean(0.25) }
        switch dtype {
        case .float32: return .largest(1e-4)
        case .float16: return .largest(0.05)
        case .bfloat16, .int8: return .largest(0.2)
        }
    }

    /// Returns the runner of the exported model, or the reason why there is none.
    private func runner(
        for exporter: any ModelExporter, at directory: URL
    ) throws -> Result<any ExportedModelRunner, ExportCheckLeftOut> {
        switch exporter.name {
        case "onnx":
            try ONNXRuntimeRunner.find(for: directory, request: request).map { $0 as any ExportedModelRunner }
        case "coreml":
            .failure(
                ExportCheckLeftOut(
                    "Core ML is there on Apple's systems alone; there, run the package once on a text whose answer is known"
                )
            )
        case "safetensors": .success(OwnRunner(directory: directory, batchSize: request.batchSize))
        default: .failure(ExportCheckLeftOut("nothing here runs the format \(exporter.name)"))
        }
    }

    private func files(in directory: URL) throws -> [ExportReport.File] {
        // A package is a folder.
        try FileManager.default.subpathsOfDirectory(atPath: directory.path).sorted().compactMap { name in
            let url = directory.appending(path: name)
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory),
                !isDirectory.boolValue
            else { return nil }
            return ExportReport.File(
                name: name, bytes: try MappedFile(url).count, sha256: try Digest.sha256(ofFile: url))
        }
    }

    private static func isWeights(_ name: String) -> Bool {
        name.hasSuffix(".onnx") || name.hasSuffix(".safetensors") || name.hasSuffix("/weight.bin")
    }
}

/// The reason why an exported model was not compared.
struct ExportCheckLeftOut: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
