import Architectures
import Foundation
import Tokenizers
import Torch
import Transformers

/// Makes a static student: a table of vectors by token that needs no model at all, from a sentence-transformers teacher and without
/// texts. `distill run --student static` runs it.
///
/// The directory opens in model2vec, in sentence-transformers and in this package's `TextEmbedder`.
public struct StaticStudentRun {
    let request: StaticStudentRequest

    /// - Throws: ``DistillationError`` for values that no table can have.
    public init(_ request: StaticStudentRequest) throws {
        try request.validate()
        self.request = request
    }

    /// Reads the tokens, and saves the table.
    ///
    /// - Parameters:
    ///   - onEvent: Receives the progress.
    ///   - shouldStop: True ends the run, which then saves no model. The vectors of tokens so far are kept in the cache.
    /// - Throws: ``DistillationError`` for a teacher that cannot be one, or sizes that do not fit it; ``InterruptedError``; the errors
    ///   of files that cannot be read or written.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> StaticStudentReport {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        let output = try OutputDirectory(
            request.output, overwrite: request.overwrite, inputs: [request.teacher], cache: request.cache)
        log.tell(output.leftovers)
        let teacher = try log.phase("Loading the teacher") {
            try StaticTeacher(request.teacher, device: request.device, log)
        }
        let size = try teacher.size(request.embeddingSize, appliesPCA: request.appliesPCA, log)
        let precision = request.precision.resolved(on: request.device)
        let count = teacher.vocabulary.count
        let vectors = TokenVectors(
            teacher: teacher, precision: precision, cache: request.cache, log: log)
        var table = StaticTable(try vectors.rows())
        try log.phase("Principal components and weights") {
            try table.finish(
                size: request.appliesPCA ? size : nil, sif: request.sif,
                unknownRow: teacher.vocabulary.unknownRow)
        }
        var report = StaticStudentReport(
            student: StaticStudentRequest.studentName, teacher: request.teacher.path(percentEncoded: false),
            output: request.output.path(percentEncoded: false), tokens: count,
            removedTokens: teacher.vocabulary.originalCount - count, embeddingSize: size,
            teacherSize: teacher.width, explainedVariance: table.explainedVariance, sif: request.sif,
            tableType: request.tableType, bytesOnDisk: 0, device: request.device.description,
            precision: precision, versions: .current, phases: log.phases)
        let files = StaticStudentFiles(
            table: StaticDirectory(
                table: table.rows, vocabulary: teacher.vocabulary, tableType: request.tableType,
                teacher: request.teacher.lastPathComponent, sif: request.sif,
                isReduced: request.appliesPCA),
            card: request.card)
        try output.save(isLast: true) { try files.write(to: $0, &report) }
        return report
    }
}
