import Datasets
import Files
import Foundation
import Torch

/// Computes a teacher's outputs for a data file and keeps them in the cache, for runs to come.
///
/// Outputs that are there already are not computed again, so that an interrupted run resumes where it stopped, and
/// several machines can each take a shard and have their segments copied into one cache.
public struct LabelRun {
    public let request: LabelRequest

    /// - Throws: ``DistillationError`` for settings out of range.
    public init(_ request: LabelRequest) throws {
        try SettingLimits.require(request.batchSize, "batch_size")
        try TextLength.validate(request.maxLength)
        self.request = request
    }

    /// Runs to the end, or until `shouldStop`; either way what was computed is kept.
    ///
    /// - Parameters:
    ///   - onEvent: Receives the run's events.
    ///   - shouldStop: Called often; true ends the run.
    ///   - processes: The processes that compute a part each; `nil` for this one alone.
    /// - Throws: ``DistillationError`` where the cache cannot be written.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false },
        processes: Processes? = nil
    ) throws -> LabelReport {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        let teacher = try log.phase("Loading the teacher") {
            try LoadedModel(request.teacher, device: request.device, languageModels: true)
        }
        for warning in teacher.warnings { log.warnOnce(warning) }
        if let options = request.zeroShot {
            return try zeroShot(options, teacher, log, processes, shouldStop)
        }
        let writer = try request.output.map {
            try ScoreWriter(
                request, output: $0, labels: teacher.labels.names, task: teacher.model.configuration.task)
        }
        let options = DatasetOptions(
            textColumn: request.textColumn, pairColumn: request.textPairColumn, delimited: request.delimited)
        let data = try log.phase("Reading and tokenizing data") {
            try processes.firstOfMachineFirst { try self.data(teacher, options, log) }
        }
        let part =
            request.shard.map { data.dataset.subset($0.indices(of: data.dataset.count)) } ?? data.dataset
        let (store, identity, precision) = try store(teacher, log, processes)
        try processes?.requireSame(
            [
                "the teacher": identity.key, "the data": data.record.sha256,
                "the number of examples": "\(part.count)",
            ])
        let labeler = TeacherInference(
            teacher: teacher, batchSize: request.batchSize, precision: precision, processes: processes,
            coding: request.teacherStates)
        let result = try log.phase("Teacher's outputs") {
            do {
                return try labeler.outputs(
                    for: part, in: store, onProgress: { log.progress($0, of: part.count) },
                    shouldStop: shouldStop)
            } catch let error as FileError {
                guard case .writeFailed = error else { throw error }
                throw DistillationError(
                    "\(error); what was computed so far is kept where there was room: make room and start again, or choose "
                        + "another --cache-dir")
            }
        }
        if let writer, let result, processes.isFirst {
            try log.phase("Writing the scores") {
                try writer.write(
                    result.outputs, of: request.data, options: options, sha256: data.record.sha256,
                    shard: request.shard)
            }
        }
        return LabelReport(
            teacher: request.teacher.path, key: identity.key, directory: store.directory?.path ?? "",
            data: data.record,
            shard: request.shard?.description, examples: part.count, cached: result?.cached,
            computed: result?.computed, device: request.device.description, precision: precision,
            interrupted: result == nil, phases: log.phases,
            output: result == nil ? nil : request.output?.path(percentEncoded: false))
    }

    /// The texts as the teacher reads them.
    private func data(_ teacher: LoadedModel, _ options: DatasetOptions, _ log: RunLog) throws -> LoadedData {
        let maxLength = teacher.maxLength(request.maxLength)
        return try request.cache.loader(
            options, tokenizer: teacher.tokenizer, directory: teacher.tokenizerDirectory,
            maxLength: maxLength,
            languageModel: teacher.languageModelText(request.columns, maxLength: maxLength),
            prompt: teacher.prompt, log: log
        ).load(request.data, labels: .ignored, problemType: teacher.model.configuration.task)
    }

    /// The store of a teacher's outputs on disk.
    ///
    /// - Throws: ``DistillationError`` where it cannot be written.
    func store(
        _ teacher: LoadedModel, _ log: RunLog, _ processes: Processes?
    ) throws -> (store: OutputStore, identity: TeacherIdentity, precision: Precision) {
        let precision = request.precision.resolved(on: request.device)
        let root = request.cache.root
        let identity = try TeacherIdentity(
            teacher, precision: precision, coding: request.teacherStates, memo: DigestMemo(root: root))
        let store = OutputStore(
            root: root, identity: identity, mustKeep: true, isReadOnly: !processes.isFirst)
        for warning in store.warnings { log.send(.warning(warning)) }
        guard !processes.isFirst || store.directory != nil else { throw unwritable(root) }
        return (store, identity, precision)
    }

    private func unwritable(_ root: URL) -> DistillationError {
        DistillationError(
            "\(root.path): the cache cannot be written, so the teacher's outputs cannot be kept; "
                + "choose another --cache-dir")
    }
}

/// The input of ``LabelRun``, which `distill label` runs.
public struct LabelRequest: Sendable {
    public var teacher: URL
    public var data: URL
    public var textColumn: String?
    public var textPairColumn: String?
    /// The columns of a language model's texts; `nil` for the usual ones.
    public var messagesColumn: String?
    public var promptColumn: String?
    public var completionColumn: String?
    /// The delimiter and quoting of CSV and TSV.
    public var delimited = DelimitedFormat()
    /// Longer inputs are cut to this many tokens; `nil` for the length that the model was trained with, or the tokenizer's.
    public var maxLength: Int?
    /// Examples in one forward pass.
    public var batchSize = 64
    /// The part of the examples to take; `nil` for all.
    public var shard: Shard?
    public var device = Device.cpu
    /// The teacher's precision: `auto` is that of `distill run` for training data.
    public var precision = Precision.auto
    /// The form in which a language model's last hidden states are kept.
    public var teacherStates = TeacherStateCoding.float16
    public var cache = CacheOptions()
    /// The file that the scores are written to, as JSON lines; `nil` for none.
    public var output: URL?
    /// The numbers in it.
    public var numbers = ScoreOutput.logits
    public var overwrite = false
    /// The labels of a zero-shot teacher, a model of natural language inference or for embeddings; `nil` for a teacher's own.
    public var zeroShot: ZeroShotOptions?

    public init(teacher: URL, data: URL) {
        self.teacher = teacher
        self.data = data
    }
}

/// One of several parts of a data file: every `count`th example, from the `number`th on.
public struct Shard: Sendable, Equatable, CustomStringConvertible {
    /// From 1 to ``count``.
    public let number: Int
    public let count: Int

    /// Reads "3/8".
    ///
    /// - Throws: ``DistillationError`` for anything but two whole numbers, the first from 1 to the second.
    public init(_ text: String) throws {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            part.utf8.allSatisfy { (48...57).contains($0) } ? Int(part) : nil
        }
        guard parts.count == 2, numbers.count == 2, numbers[1] >= 1, (1...numbers[1]).contains(numbers[0])
        else {
            throw DistillationError(
                "shard must be like 3/8, its first number from 1 to the second, got '\(text)'")
        }
        (number, count) = (numbers[0], numbers[1])
    }

    public var description: String { "\(number)/\(count)" }

    /// The indices of this part's examples, of so many in all.
    func indices(of total: Int) -> StrideTo<Int> { stride(from: number - 1, to: total, by: count) }

    /// The same part as neighbors, of so many in all: the parts one after another are the whole.
    package func range(of total: Int) -> Range<Int> {
        func end(_ number: Int) -> Int {
            count.dividingFullWidth(total.multipliedFullWidth(by: number)).quotient
        }
        return end(number - 1)..<end(number)
    }
}

/// The result of ``LabelRun``.
public struct LabelReport: Sendable, Equatable, Codable {
    public var teacher: String
    /// The name of the teacher's folder in the cache.
    public var key: String
    /// The directory of the outputs.
    public var directory: String
    public var data: DataRecord
    public var shard: String?
    /// The examples of the shard, or of the file.
    public var examples: Int
    /// Examples whose outputs were in the cache already; `nil` where interrupted.
    public var cached: Int?
    /// Examples that the teacher read; `nil` where interrupted.
    public var computed: Int?
    public var device: String
    public var precision: Precision
    public var interrupted: Bool
    public var phases: [RunReport.Phase]
    /// The file of the scores; `nil` where none was written.
    public var output: String?
}

extension LabelRequest {
    /// The columns of a language model's texts.
    fileprivate var columns: DataColumns {
        var columns = DataColumns()
        columns.text = textColumn
        (columns.messages, columns.prompt, columns.completion) = (
            messagesColumn, promptColumn, completionColumn
        )
        return columns
    }
}
