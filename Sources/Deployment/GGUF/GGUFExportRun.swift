import Distillation
import Exporters
import Files
import Foundation
import GGUF
import Tokenizers
import Torch
import Transformers

/// Writes a language model as a GGUF file, and opens what it wrote.
public struct GGUFExportRun {
    public let request: GGUFExportRequest

    /// - Throws: `DistillationError` for settings that do not fit.
    public init(_ request: GGUFExportRequest) throws {
        guard AutoModel.isGGUF(request.output) else {
            throw DistillationError(
                "\(request.output.path): the name of a GGUF file ends in .gguf; name the output so")
        }
        try SettingLimits.require(request.calibrationTokens, "calibration_tokens", to: 100_000_000)
        guard request.pieceLength >= 2 else {
            throw DistillationError("piece_length must be at least 2, got \(request.pieceLength)")
        }
        guard request.type.isSearched || request.importance == nil && request.calibration == nil else {
            throw DistillationError(
                "an importance matrix says where errors count, and nothing is searched for in \(request.type.rawValue); leave it out, "
                    + "or choose one of "
                    + GGUFOutputType.allCases.filter(\.isSearched).map(\.rawValue).joined(separator: ", "))
        }
        self.request = request
    }

    /// Exports.
    ///
    /// - Throws: `ExportError` where the model cannot be written as GGUF; `DistillationError`; `InterruptedError` where `shouldStop`
    ///   became true. Nothing is left then, and a file that was there before is as it was.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> GGUFExportReport {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        try requireWritableOutput()
        let source = try GGUFSourceDirectory(request.model)
        let model = try GGUFExportModel(directory: source.directory)
        guard model.trainedType != request.type || request.importance == nil && request.calibration == nil
        else {
            throw DistillationError(
                "\(request.model.path): was trained with the rounding of \(request.type.rawValue), which an importance matrix would change; "
                    + "leave --calibrate and --imatrix out")
        }
        try requireRoom(model)
        let (importance, record) = try importanceMatrix(model, source.directory, log, shouldStop)
        var export = GGUFExport(model, as: request.type, importance: importance)
        (export.name, export.threads) = (source.name, Runtime.threadCount)
        let count = model.tensorCount
        let written = try log.phase("Exporting") {
            let result = try export.write(to: request.output) { number, _ in
                if shouldStop() { throw InterruptedError() }
                log.progress(number, of: count, unit: "tensor")
            }
            log.progress(count, of: count, unit: "tensor")
            return result
        }
        try log.phase("Opening the file") { _ = try GGUFModel(file: request.output) }
        for note in written.notes { log.send(.note(note)) }
        return GGUFExportReport(
            model: request.model.path, output: request.output.path, type: request.type,
            bytes: Leftovers.size(of: request.output), sha256: try Digest.sha256(ofFile: request.output),
            types: written.types, importance: record, notes: written.notes, phases: log.phases)
    }

    private func importanceMatrix(
        _ model: GGUFExportModel, _ directory: URL, _ log: RunLog, _ shouldStop: () -> Bool
    ) throws -> (ImportanceMatrix?, GGUFExportReport.Importance?) {
        guard let texts = request.calibration else {
            guard let file = request.importance else { return (nil, nil) }
            let matrix = try ImportanceMatrix(contentsOf: file)
            return (
                matrix,
                GGUFExportReport.Importance(file: file.path, tensors: matrix.entries.count, tokens: nil)
            )
        }
        let (matrix, tokens) = try log.phase("Computing the importance matrix") {
            try ImportanceRun(request: request, directory: directory, model: model)
                .matrix(of: texts, log, shouldStop: shouldStop)
        }
        if let file = request.importance { try matrix.write(to: file) }
        return (
            matrix,
            GGUFExportReport.Importance(
                file: request.importance?.path, tensors: matrix.entries.count, tokens: tokens)
        )
    }

    /// Finds out before the long work whether the output can be written.
    private func requireWritableOutput() throws {
        let output = request.output
        var isDirectory = ObjCBool(false)
        let isThere = FileManager.default.fileExists(atPath: output.path, isDirectory: &isDirectory)
        guard !isThere || request.overwrite && !isDirectory.boolValue else {
            throw DistillationError(
                "\(output.path): is there already; name another --output, or pass --overwrite for a file")
        }
        let inputs =
            [request.model, request.calibration, request.importance].compactMap(\.self)
            + MergedAdapter.sources(of: request.model)
        guard !inputs.contains(where: { $0.resolvingSymlinksInPath() == output.resolvingSymlinksInPath() })
        else {
            throw DistillationError("\(output.path): is one of the inputs; name another --output")
        }
        if let matrix = request.importance?.resolvingSymlinksInPath(),
            let input = [request.calibration, request.model].compactMap({ $0?.resolvingSymlinksInPath() })
                .first(where: {
                    matrix == $0 || request.calibration != nil && matrix.path.hasPrefix($0.path + "/")
                })
        {
            throw DistillationError(
                "\(matrix.path): is, or lies in, the input \(input.path); name another --imatrix")
        }
        // With texts the matrix is a second output.
        if request.calibration != nil, let matrix = request.importance, !request.overwrite,
            FileManager.default.fileExists(atPath: matrix.path)
        {
            throw DistillationError(
                "\(matrix.path): is there already, and with --calibrate the importance matrix is written; leave --calibrate out to read "
                    + "it, name another --imatrix, or pass --overwrite")
        }
        for (file, option) in [(output, "--output"), (request.importance ?? output, "--imatrix")] {
            let folder = file.deletingLastPathComponent()
            guard FileManager.default.isWritableFile(atPath: folder.path) else {
                throw DistillationError(
                    "\(folder.path): is no folder that can be written; make it, or name another \(option)")
            }
        }
    }

    private func requireRoom(_ model: GGUFExportModel) throws {
        let type = request.type.tensorType
        let bytes = model.elementCount / type.blockSize * type.blockBytes
        if let problem = OutputSpace.problem(
            at: request.output.deletingLastPathComponent(), bytes: bytes, isRepeated: false, overwrite: false)
        {
            throw DistillationError(problem)
        }
    }
}
