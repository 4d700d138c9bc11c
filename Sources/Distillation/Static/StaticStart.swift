import Architectures
import Files
import Foundation
import Tokenizers
import Torch
import Transformers

/// The start of a static student that is trained: the table that its teacher gives without texts, as a directory that the run loads like
/// any other student's. The folder goes with this value.
final class StaticStart {
    /// The table's directory.
    let directory: URL
    /// What makes the directory, where this process did.
    private let folder: TemporaryFolder?

    private init(_ directory: URL, _ folder: TemporaryFolder?) {
        (self.directory, self.folder) = (directory, folder)
    }

    /// The start of a run's student; `nil` where it is none of a static table.
    ///
    /// - Parameters:
    ///   - teacher: The first teacher that is a model; `nil` without one.
    ///   - processes: The processes that make the run: the first makes the table, and the others of its machine read it.
    /// - Throws: ``DistillationError`` for a teacher that cannot be one, or sizes that do not fit it; ``InterruptedError``.
    static func make(
        _ request: DistillRequest, teacher: LoadedModel?, _ log: RunLog, _ processes: Processes?
    ) throws -> StaticStart? {
        guard let options = request.student.table else { return nil }
        guard let teacher else {
            throw DistillationError(
                "student: a static student is made of its teacher's vectors of tokens, and scores have none; give a --teacher that is a "
                    + "model")
        }
        let task = teacher.model.configuration.task
        guard task.embedsTexts || TaskIdentifier.sequenceTasks.contains(task) else {
            throw DistillationError(
                "\(teacher.directory.path): is a model for \(task.rawValue), but a static student's tokens know nothing of the text around "
                    + "them; give a teacher for embeddings or for the classification of texts")
        }
        guard !request.quantizeAware else {
            throw DistillationError(
                "--quantize-aware trains layers for int8, of which a static table has none; leave it out")
        }
        var made: StaticStart?
        let shared = try processes.fromFirstAtLast {
            let own = try make(request.student, options, teacher, request, log)
            made = own
            return own.directory.path(percentEncoded: false)
        }
        if let made { return made }
        let url = URL(filePath: shared, directoryHint: .isDirectory)
        guard !FileManager.default.fileExists(atPath: url.appending(path: "config.json").path) else {
            return StaticStart(url, nil)
        }
        return try make(request.student, options, teacher, request, log)
    }

    /// The run's request with the table as its student.
    func request(_ request: DistillRequest, teacher: LoadedModel?) throws -> DistillRequest {
        var request = request
        let width = try ModelConfiguration(contentsOf: directory).hiddenSize
        let configuration = teacher?.model.configuration
        request.student = request.student.starting(
            from: directory, width: width,
            teacher: configuration?.task.embedsTexts == true ? configuration?.outputCount : nil)
        return request
    }

    /// The components of a row that are asked for: no more than the teacher's vectors have, unless more are named.
    private static func wantedSize(_ student: StudentOptions, _ teacher: ModelConfiguration) -> Int? {
        guard student.embeddingSize == nil, teacher.task.embedsTexts,
            teacher.outputCount < min(teacher.hiddenSize, StaticStudentRequest.usualSize)
        else { return student.embeddingSize }
        return teacher.outputCount
    }

    private static func make(
        _ student: StudentOptions, _ options: StaticOptions, _ teacher: LoadedModel,
        _ request: DistillRequest,
        _ log: RunLog
    ) throws -> StaticStart {
        let source = try StaticTeacher(teacher.directory, device: request.device, takesClassifiers: true, log)
        let size = try source.size(
            wantedSize(student, teacher.model.configuration), appliesPCA: student.reducesTable, log)
        let folder = try TemporaryFolder()
        let count = source.vocabulary.count
        let vectors = TokenVectors(
            teacher: source, precision: request.precision.resolved(on: request.device), cache: request.cache,
            log: log)
        var table = StaticTable(try vectors.rows())
        try table.finish(
            size: student.reducesTable ? size : nil, sif: options.sif,
            unknownRow: source.vocabulary.unknownRow)
        try StaticDirectory(
            table: table.rows, vocabulary: source.vocabulary, tableType: options.tableType,
            teacher: teacher.directory.lastPathComponent, sif: options.sif, isReduced: student.reducesTable
        ).write(to: folder.url, storesWhole: true)
        log.send(
            .note(
                "The student starts from the teacher's vectors of \(count) tokens alone, with \(size) components each."
            ))
        return StaticStart(folder.url, folder)
    }
}

extension StudentOptions {
    /// True if a table keeps principal components of the tokens' vectors.
    var reducesTable: Bool { pca ?? true }

    /// The options by which a static student is trained from the table in a directory.
    ///
    /// - Parameters:
    ///   - directory: The table's.
    ///   - width: The components of its rows.
    ///   - teacher: The components of the teacher's vectors; `nil` of a classifier.
    func starting(from directory: URL, width: Int, teacher: Int?) -> StudentOptions {
        var options = self
        options.directory = directory
        (options.embeddingSize, options.pca) = (nil, nil)
        guard let teacher else { return options }
        switch projection {
        case .keep: options.embeddingSize = teacher
        case .drop: break
        // Vectors as wide as the table's: the teacher's, by their principal components where they have more.
        case nil:
            if width < teacher { (options.embeddingSize, options.pca) = (width, true) }
        }
        return options
    }
}
