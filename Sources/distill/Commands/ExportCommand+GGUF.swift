import ArgumentParser
import Deployment
import Distillation
import Exporters
import Foundation

/// What only the export to GGUF takes.
struct GGUFOptions: ParsableArguments {
    /// The format's name.
    static let format = "gguf"

    @Option(
        help: ArgumentHelp(
            "The weights' type: \(GGUFOutputType.allCases.map(\.rawValue).joined(separator: ", ")); q4_k and q5_k are the mixtures _m. (default: f16)",
            valueName: "type"),
        completion: .list(GGUFOutputType.allCases.map(\.rawValue)))
    var outtype: String?

    @Option(
        help: ArgumentHelp(
            "Texts by which errors are weighed: .jsonl or .parquet with messages, with prompt and completion, or with text.",
            valueName: "file"), completion: .file(extensions: dataFileExtensions))
    var calibrate: String?

    @Option(help: "The most tokens of these that are read. (default: 65536)")
    var calibrateTokens: Int?

    @Option(
        help: ArgumentHelp(
            "The importance matrix in llama.cpp's form: read, or with --calibrate written.", valueName: "file"
        ),
        completion: .file())
    var imatrix: String?

    /// Refuses them for another format.
    func requireNone(format: String) throws {
        let given = [
            ("--outtype", outtype != nil), ("--calibrate", calibrate != nil),
            ("--calibrate-tokens", calibrateTokens != nil), ("--imatrix", imatrix != nil),
        ].first { $0.1 }
        guard let (option, _) = given else { return }
        throw ValidationError("\(option) belongs to --format \(Self.format); leave it out for \(format)")
    }

    /// The type of the weights.
    func type() throws -> GGUFOutputType {
        guard let outtype else { return .f16 }
        guard let type = GGUFOutputType(name: outtype) else {
            throw ValidationError(
                "there is no --outtype '\(outtype)'; choose one of "
                    + GGUFOutputType.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return type
    }
}

extension ExportCommand {
    /// Writes a language model as a GGUF file.
    func runGGUF() throws {
        let others = [
            ("--dtype", dtype != nil, "name the type with --outtype"),
            ("--opset", opset != nil, "leave it out"),
            (
                "--data", data != nil,
                "compare afterwards: distill evaluate --model FILE.gguf --teacher DIR --data …"
            ),
            ("--no-check", noCheck, "leave it out"),
        ]
        if let (option, _, remedy) = others.first(where: { $0.1 }) {
            throw ValidationError("\(option) is not for --format gguf; \(remedy)")
        }
        var request = GGUFExportRequest(
            model: try ModelReference.directory(model, cache: cache.options()), output: URL(filePath: output))
        request.type = try gguf.type()
        request.calibration = try gguf.calibrate.map { try DataReference.url($0, split: .train) }
        if let tokens = gguf.calibrateTokens {
            guard request.calibration != nil else {
                throw ValidationError(
                    "--calibrate-tokens says how much of --calibrate is read; name the texts with --calibrate, or leave it out"
                )
            }
            request.calibrationTokens = tokens
        }
        request.importance = gguf.imatrix.map { URL(filePath: $0) }
        request.columns = try columns.columns()
        request.overwrite = overwrite
        let run = try UsageError.checking { try GGUFExportRun(request) }
        Interrupt.install(.nothing)
        let renderer = RunRenderer(quiet: display.quiet)
        let report = try run.run(onEvent: { renderer.handle($0) }, shouldStop: { Interrupt.isRequested })
        try display.print(report) { GGUFExportText.text(report) }
    }
}

/// The report of an export to GGUF, for a terminal.
enum GGUFExportText {
    static func text(_ report: GGUFExportReport) -> String {
        let types = report.types.sorted { $0.value.bytes > $1.value.bytes }.map { name, count in
            "\(name) \(count.tensors) (\(Format.bytes(count.bytes)))"
        }
        var lines = [
            "\(report.output): gguf, \(report.type.rawValue), \(Format.bytes(report.bytes))",
            "Tensors: \(types.joined(separator: ", "))",
        ]
        if let importance = report.importance {
            let source = importance.tokens.map { "\($0) tokens" } ?? importance.file ?? ""
            lines.append("Errors weighed in \(importance.tensors) of them, by \(source)")
        }
        return lines.joined(separator: "\n")
    }
}
