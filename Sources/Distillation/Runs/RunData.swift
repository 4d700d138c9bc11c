import Datasets
import Foundation
import Tokenizers
import Transformers

/// The examples of a run: read, tokenized, and split where no validation file is given.
///
/// With a teacher, training examples may lack labels; validation examples always have one.
struct RunData {
    /// The training file's examples, then those of the files without labels.
    private(set) var train: EncodedDataset
    private(set) var validation: EncodedDataset
    /// The classes; for regression one name for the one output.
    let labels: LabelMap
    let problemType: TaskIdentifier
    let trainRecord: DataRecord
    let validationRecord: DataRecord
    /// The files without labels that are part of the training data.
    let unlabelledRecords: [DataRecord]
    let maxLength: Int
    /// Examples on which only finished models are evaluated.
    private(set) var test: LoadedData?

    /// - Parameters:
    ///   - labels: The teacher's label map, which the data must follow; `nil` takes the data's own: there is no teacher.
    ///   - problemType: The teacher's problem type.
    ///   - test: Labeled examples on which only finished models are evaluated.
    ///   - loader: The reader of the files.
    ///   - seed: The seed that decides which examples are held out.
    init(
        _ request: DataRequest, labels: LabelMap?, problemType given: TaskIdentifier? = nil,
        test testFile: URL? = nil, loader: DatasetLoader, seed: UInt64
    ) throws {
        let hasTeacher = labels != nil
        guard hasTeacher || request.unlabelled.isEmpty else {
            throw DistillationError(
                "there is no teacher that could label \(request.unlabelled[0].path); give unlabelled texts to "
                    + "`distill run`")
        }
        let type = try Self.problemType(request, teacher: given, hasTeacher: hasTeacher)
        let isLabeled = !type.definition.predictsTokens
        guard isLabeled || request.unlabelled.isEmpty else {
            throw DistillationError(
                "\(request.unlabelled[0].path): a language model learns from texts without labels as it is; give the file with "
                    + "--train")
        }
        try request.columns.requireFittingTranslations(type)
        let data = try loader.load(
            request.train, labels: isLabeled ? labels.map { .given($0) } ?? .inferred : .ignored,
            problemType: type,
            allowsUnlabeled: hasTeacher, tellsCuts: false)
        // With a teacher's labels given, these are the same.
        guard let map = try isLabeled ? data.labels : LabelMap(names: []) else {
            throw RowReader.noLabels(data.record.path, Self.columnNames(request.train, loader.options))
        }
        try Self.require(map, type, in: data.record.path)
        (self.labels, problemType, maxLength) = (map, type, loader.maxLength)
        let extra = try request.unlabelled.map {
            try loader.plain.load($0, labels: .ignored, problemType: type, tellsCuts: false)
        }
        unlabelledRecords = extra.map(\.record)
        let trained: EncodedDataset
        if let file = request.validation {
            let other = try loader.load(file, labels: isLabeled ? .given(map) : .ignored, problemType: type)
            (trained, validation) = (data.dataset, other.dataset)
            validationRecord = other.record
        } else {
            guard data.dataset.labeledCount > 0 || type.definition.needsNoLabels else {
                throw DistillationError(
                    "\(data.record.path): no text has a label, so none can be held out to evaluate the student; give "
                        + "labeled texts with --validation, or name the label's column with --label-column (the columns "
                        + "are \(DatasetError.list(Self.columnNames(request.train, loader.options))))")
            }
            (trained, validation) = try data.dataset.split(
                validationFraction: request.validationSplit, seed: seed, source: data.record.path)
            validationRecord = DataRecord(
                path: data.record.path, examples: validation.count, sha256: data.record.sha256)
        }
        trainRecord = DataRecord(
            path: data.record.path, examples: trained.count, sha256: data.record.sha256)
        train = try trained.joined(with: extra.map(\.dataset)).byRows(request.rowUnit)
        test = try testFile.map {
            try loader.load($0, labels: isLabeled ? .given(map) : .ignored, problemType: type)
        }
    }

    /// The same texts with other numbers of their tokens.
    func renumbered(_ ids: [Int32]) -> RunData {
        var data = self
        (data.train, data.validation) = (train.renumbered(ids), validation.renumbered(ids))
        if var test {
            test.dataset = test.dataset.renumbered(ids)
            data.test = test
        }
        return data
    }

    /// Checks that the labels are those of a task.
    ///
    /// - Throws: ``DistillationError`` for too few or too many.
    private static func require(_ map: LabelMap, _ type: TaskIdentifier, in path: String) throws {
        guard type.definition.outputs != .softmax || map.count > 1 else {
            throw DistillationError(
                "\(path): all examples have the label '\(map.names.first ?? "")'; "
                    + "a classifier needs at least two labels")
        }
        guard map.count <= Self.mostClasses else {
            throw DistillationError(
                "\(path): there are \(map.count) different labels, more than \(Self.mostClasses); name the "
                    + "label's column with --label-column, or pass --problem-type regression where they are numbers"
            )
        }
        guard map.count > 0 || type.definition.needsNoLabels else {
            throw DistillationError(
                "\(path): no example has a label; a classifier needs at least one")
        }
    }

    /// The columns of a file that was read before, for an error.
    private static func columnNames(_ url: URL, _ options: DatasetOptions) -> [String] {
        var options = options
        options.readsLabels = false
        guard let stream = try? TextStream(url, options: options), (try? stream.next()) != nil else {
            return []
        }
        return stream.columnNames
    }

    /// The teacher's problem type, the requested one, or the one that the training file implies.
    private static func problemType(
        _ request: DataRequest, teacher: TaskIdentifier?, hasTeacher: Bool
    ) throws -> TaskIdentifier {
        if let teacher {
            guard let asked = request.problemType, asked != teacher else { return teacher }
            throw DistillationError(
                "problem_type is \(asked.rawValue), the teacher's is \(teacher.rawValue); leave it out, or take another "
                    + "teacher")
        }
        if let asked = request.problemType { return asked }
        if TaggedOptions.isNamedForWords(request.train) { return .tokenClassification }
        guard !hasTeacher else { return .singleLabel }
        return try TextStream.hasLabelSets(request.train, options: request.columns.options)
            ? .multiLabel : .singleLabel
    }

    /// A note of how many training texts may have been truncated; `nil` where there are none.
    var cutNote: String? {
        let cut = train.truncatedCount
        guard cut > 0, !train.hasWordRows else { return nil }
        return
            "\(cut) of \(train.count) training texts reach the maximum length of \(maxLength) tokens and may be "
            + "cut."
    }

    /// Notes on words without tokens and on sentences that are longer than the model's maximum length.
    var wordNotes: [String] {
        guard problemType.definition.labelsWords else { return [] }
        var notes: [String] = []
        let (lost, long) = (train.lostWordCount, train.sentences.count { $0.count > 1 })
        if lost > 0 {
            notes.append(
                "\(trainRecord.path): \(lost) of the training words have no token; nothing is learned from them, and they are predicted to be outside "
                    + "of entities.")
        }
        if long > 0 {
            notes.append(
                "\(long) of \(train.sentences.count) training sentences are longer than \(maxLength) tokens and are read in "
                    + "windows that overlap.")
        }
        return notes
    }

    /// A note of how many training texts have no label; `nil` where there are none.
    var unlabeledNote: String? {
        let unlabelled = train.count - train.labeledCount
        // A query has no label of its own.
        guard unlabelled > 0, !train.hasGroups else { return nil }
        return
            "\(unlabelled) of \(train.count) training texts have no label and are learned from the teacher alone."
    }
}
