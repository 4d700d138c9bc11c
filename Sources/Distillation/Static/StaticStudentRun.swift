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
    ///   - shouldStop: True ends the run, which then saves nothing.
    /// - Throws: ``DistillationError`` for a teacher that cannot be one, or sizes that do not fit it; ``InterruptedError``; the errors
    ///   of files that cannot be read or written.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> StaticStudentReport {
        let log = try RunLog(onEvent)
        let output = try OutputDirectory(
            request.output, overwrite: request.overwrite, inputs: [request.teacher], cache: request.cache)
        log.tell(output.leftovers)
        let teacher = try log.phase("Loading the teacher") { try StaticTeacher(request, log) }
        let size = try size(teacher, log)
        let precision = request.precision.resolved(on: request.device)
        let count = teacher.vocabulary.count
        var table = try log.phase("Teacher's vectors of \(count) tokens") {
            try StaticTable(teacher.vocabulary, teacher: teacher.model, precision: precision) { done in
                if shouldStop() {
                    throw InterruptedError("the tokens were not read to their end, and nothing was saved")
                }
                log.progress(done, of: count)
            }
        }
        try log.phase("Principal components and weights") {
            if request.appliesPCA { try table.reduce(to: size) }
            if let sif = request.sif { try table.weight(sif) }
            // model2vec leaves unknown words out, where others read their token's vector.
            if let row = teacher.vocabulary.unknownRow { try table.clear(row) }
        }
        var report = StaticStudentReport(
            student: StaticStudentRequest.studentName, teacher: request.teacher.path(percentEncoded: false),
            output: request.output.path(percentEncoded: false), tokens: count,
            removedTokens: teacher.vocabulary.originalCount - count, embeddingSize: size,
            teacherSize: teacher.width, explainedVariance: table.explainedVariance, sif: request.sif,
            tableType: request.tableType, bytesOnDisk: 0, device: request.device.description,
            precision: precision, versions: .current, phases: log.phases)
        let files = StaticStudentFiles(
            table: table.rows, vocabulary: teacher.vocabulary, card: request.card)
        try output.save(isLast: true) { try files.write(to: $0, &report) }
        return report
    }

    /// The number of components of a vector.
    private func size(_ teacher: StaticTeacher, _ log: RunLog) throws -> Int {
        let (width, count) = (teacher.width, teacher.vocabulary.count)
        guard request.appliesPCA else { return width }
        if let size = request.embeddingSize, size > width {
            throw DistillationError(
                "embedding_size: the teacher's vectors have \(width) components, so that \(size) cannot be taken from them; give "
                    + "\(width) or fewer")
        }
        let size = request.embeddingSize ?? min(StaticStudentRequest.usualSize, width)
        guard size < count else {
            throw DistillationError(
                "embedding_size: PCA of \(count) tokens gives fewer than \(size) components; give \(count - 1) or fewer, or leave "
                    + "PCA out (pca: false)")
        }
        if request.embeddingSize == nil, size < StaticStudentRequest.usualSize {
            log.send(.note("The teacher's vectors have \(width) components, and so has the student's"))
        }
        return size
    }
}
