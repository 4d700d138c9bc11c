import Datasets
import Files
import Foundation
import JSON
import Tokenizers
import Transformers

/// Reads and tokenizes data files, so that a file of any size passes through memory in pieces.
///
/// The tokens go to a file of the cache, `tokens/<key>.tokens`, where the next run finds them; without a cache to a
/// file without a name, and where no file can be written into memory.
package struct DatasetLoader {
    let options: DatasetOptions
    let tokenizer: Tokenizer
    /// The directory of the tokenizer's files.
    let tokenizerDirectory: URL
    let maxLength: Int
    /// The cache's directory; `nil` keeps nothing.
    let root: URL?
    let memo: DigestMemo
    /// Called with warnings for the user.
    let warn: (String) -> Void
    /// How the texts of a language model are read; `nil` for other models.
    var languageModel: LanguageModelText?
    /// The text that stands before each text, of a model for embeddings.
    var prompt = ""
    /// How queries with documents are read.
    var ranking = RankingColumns()
    /// What a file of a retrieval data set is read for; `nil` for other files.
    var retrieval: RetrievalSource?
    /// What files of parallel sentences are read for; `nil` for other files.
    var translations: TranslationSource?
    /// True if the data are trained on, so that what a model would not learn from them is told.
    var isForTraining = true
    /// Called with the number of further examples that are tokenized, or were before; an error ends the reading.
    var onRead: (Int) throws -> Void = { _ in }

    /// The labels that the data may have.
    package enum Labels {
        /// The given labels.
        case given(LabelMap)
        /// The labels that the data name.
        case inferred
        /// Labels are not read.
        case ignored
    }

    /// The version of the reading of files: it changes with the rows, texts, labels and notes that are read from
    /// them.
    static let reading = 6

    /// Rows that are tokenized together, while the next are read.
    static let chunkSize = 4096

    /// The way a file is read.
    struct Reading {
        let labels: Labels
        let problemType: TaskIdentifier
        let options: DatasetOptions

        /// True if a file without labels is refused.
        var isRequired: Bool { options.readsLabels && !options.allowsUnlabeled }
    }

    /// - Parameters:
    ///   - url: The file.
    ///   - labels: The labels it may have.
    ///   - problemType: The kind of its labels.
    ///   - allowsUnlabeled: True if examples may lack a label.
    ///   - tellsCuts: True if texts that are cut are reported.
    /// - Throws: `DatasetError` that names the file and the line; ``DistillationError`` where there is no label
    ///   column; `FileError`.
    package func load(
        _ url: URL, labels: Labels, problemType: TaskIdentifier = .singleLabel,
        allowsUnlabeled: Bool = false,
        tellsCuts: Bool = true
    ) throws -> LoadedData {
        let versions = try Self.versions(url)
        let digest = try memo.sha256(ofData: url)
        do {
            var data = try load(url, digest, labels, problemType, allowsUnlabeled)
            data.dataset.tokenBytes = languageModel?.tokenBytes
            if tellsCuts,
                let warning = TextLength.warning(
                    cut: data.cutCount, of: data.dataset.count, in: data.record.path, tokens: maxLength)
            {
                warn(warning)
            }
            return data
        } catch let error as DatasetError {
            // A file that is still being written has errors that are not in the complete file.
            guard (try? Self.versions(url)) == versions else {
                throw DatasetError.changed(url.path(percentEncoded: false))
            }
            throw error
        }
    }

    /// The present versions of a data set's files.
    private static func versions(_ url: URL) throws -> [FileVersion?] {
        try DataFiles.files(url).map { FileVersion($0) }
    }

    private func load(
        _ url: URL, _ digest: String, _ labels: Labels, _ problemType: TaskIdentifier,
        _ allowsUnlabeled: Bool
    ) throws -> LoadedData {
        var options = options
        options.labelForm = problemType.definition.labelForm
        options.allowsUnlabeled = allowsUnlabeled
        if case .ignored = labels { options.readsLabels = false }
        let reading = Reading(labels: labels, problemType: problemType, options: options)
        if let root {
            let key = try key(digest, url, reading)
            let file = root.appending(path: "tokens").appending(path: "\(key).tokens")
            if let found = open(file, url, digest, key: key) {
                try onRead(found.dataset.count)
                return found
            }
            do {
                try makeCacheDirectory(file.deletingLastPathComponent())
                return try write(to: file, from: url, reading, digest, key: key)
            } catch let error as FileError {
                guard case .writeFailed = error else { throw error }
                warn(
                    "\(error); the tokenized data are not kept for later runs. Choose another --cache-dir, "
                        + "or pass --no-data-cache.")
            }
        }
        do {
            // The open file stays readable when the folder is removed.
            let folder = try TemporaryFolder()
            return try write(to: folder.url.appending(path: "tokens"), from: url, reading, digest, key: "")
        } catch let error as FileError {
            guard case .writeFailed = error else { throw error }
            warn("\(error); the tokenized data are kept in memory.")
        }
        let builder = TokenBuilder(tokenizer: tokenizer, maxLength: maxLength)
        var records: [UInt8] = []
        let map = try read(url, reading, digest, builder) { records += $0 }
        return LoadedData(
            dataset: builder.dataset(.memory(records)), labels: map,
            record: record(url, builder.count, digest), cutCount: builder.cutCount)
    }

    // MARK: - Tokenizing

    private func write(
        to file: URL, from url: URL, _ reading: Reading, _ digest: String, key: String
    ) throws -> LoadedData {
        let builder = TokenBuilder(tokenizer: tokenizer, maxLength: maxLength)
        var map: LabelMap?
        try ChecksummedFile.write(to: file, format: TokenBuilder.format) { writer in
            map = try read(url, reading, digest, builder) { try $0.withUnsafeBytes { try writer.write($0) } }
            return try builder.finish(writer, labels: map, origin: origin(url, key))
        }
        let sealed = try ChecksummedFile(file, format: TokenBuilder.format)
        return LoadedData(
            dataset: builder.dataset(.file(sealed)), labels: map, record: record(url, builder.count, digest),
            cutCount: builder.cutCount)
    }

    /// Reads a file, tokenizes it, and hands the examples' records on.
    private func read(
        _ url: URL, _ reading: Reading, _ digest: String, _ builder: TokenBuilder,
        _ write: ([UInt8]) throws -> Void
    ) throws -> LabelMap? {
        var options = reading.options
        if options.labelForm == .set, options.readsLabels {
            let given: LabelMap? = if case .given(let map) = reading.labels { map } else { nil }
            options.labelSetCoding = try TextStream.labelSetCoding(url, options: options, map: given)
        }
        let (rows, map) = try reader(url, reading, options, builder)
        builder.begin(reading.problemType, map?.names ?? [])
        let chunks = BatchPrefetcher(depth: 2) { _ in try rows.next(Self.chunkSize) }
        defer { chunks.stop() }
        while let chunk = try chunks.next() {
            try write(builder.append(chunk))
            try onRead(chunk.count)
        }
        guard rows.sha256 == digest else {
            throw DatasetError.changed(url.path(percentEncoded: false))
        }
        let notes = try rows.notes(of: url.path(percentEncoded: false), maxLength: maxLength)
        tell(notes)
        builder.notes += notes
        return map
    }

    /// Tells notes, those for training only where the data are trained on.
    func tell(_ notes: [DataNote]) {
        for note in notes where isForTraining || note.purpose != .training { warn(note.text) }
    }

    /// The reader of a file, and the labels it may have.
    private func reader(
        _ url: URL, _ reading: Reading, _ options: DatasetOptions, _ builder: TokenBuilder
    ) throws -> (any ChunkReader, LabelMap?) {
        if reading.problemType.definition.predictsTokens {
            guard let languageModel else {
                throw DistillationError("\(url.path): the texts of a language model need its stop token")
            }
            return (try ConversationReader(url, languageModel), nil)
        }
        if let retrieval {
            return (try RetrievalReader(url, retrieval, prompt: prompt), try LabelMap(names: []))
        }
        if readsGroups(url, reading) {
            let task = reading.problemType.definition
            return (
                try RankingReader(url, options: options, columns: ranking, task: task, prompt: prompt),
                try LabelMap(names: task.fixedClassNames ?? [])
            )
        }
        if reading.problemType.definition.embedsTexts, let translations {
            return (
                try TranslationReader(url, translations, delimited: options.delimited, prompt: prompt),
                try LabelMap(names: [])
            )
        }
        if reading.problemType.definition.embedsTexts {
            let reader = try EmbeddingReader(url, options: options, prompt: prompt)
            builder.notes = reader.notes.map { DataNote($0) }
            tell(builder.notes)
            return (reader, try LabelMap(names: []))
        }
        guard reading.problemType.definition.labelsWords else {
            let map = try labelMap(url, reading, options)
            return (
                RowReader(
                    try TextStream(url, options: options), labels: map, problemType: reading.problemType,
                    required: reading.isRequired), map
            )
        }
        var tagged = options.tagged
        var survey: TagSurvey?
        if options.readsLabels {
            let given: LabelMap? = if case .given(let map) = reading.labels { map } else { nil }
            tagged.allowsAnyTag = given.map { !$0.names.allSatisfy(tagged.isEntityTag) } ?? false
            tagged.tagNames = given?.names
            let found = try TagSurvey(url, options: tagged, given: given)
            builder.notes = found.notes.map { DataNote($0) }
            tell(builder.notes)
            survey = found
        }
        return (
            WordReader(
                try TaggedStream(url, options: tagged), labels: survey?.labels,
                conversion: survey?.conversion,
                required: reading.isRequired), survey?.labels
        )
    }

    private func labelMap(_ url: URL, _ reading: Reading, _ options: DatasetOptions) throws -> LabelMap? {
        switch reading.labels {
        case .given(let map): return map
        case .ignored: return nil
        case .inferred:
            if let names = reading.problemType.definition.fixedClassNames {
                return try LabelMap(names: names)
            }
            let stream = try TextStream(url, options: options)
            guard let map = try stream.inferLabels() else {
                throw RowReader.noLabels(stream.path, stream.columnNames)
            }
            return map
        }
    }

    func record(_ url: URL, _ count: Int, _ digest: String) -> DataRecord {
        DataRecord(path: url.path(percentEncoded: false), examples: count, sha256: digest)
    }
}
