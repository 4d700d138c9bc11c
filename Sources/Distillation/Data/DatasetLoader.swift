import Datasets
import Files
import Foundation
import JSON
import Tokenizers
import Transformers

/// A data file as token ids, with what the run needs to know of it.
struct LoadedData {
    let dataset: EncodedDataset
    /// The classes, for regression `LABEL_0` unless given; `nil` where labels were not looked at.
    let labels: LabelMap?
    let record: DataRecord
}

/// Reads and tokenizes data files, so that a file of any size passes through memory in pieces.
///
/// The tokens go to a file of the cache, `tokens/<key>.tokens`, where the next run finds them; without a cache to a
/// file without a name, and where no file can be written into memory.
struct DatasetLoader {
    let options: DatasetOptions
    let tokenizer: Tokenizer
    /// The directory of the tokenizer's files.
    let tokenizerDirectory: URL
    let maxLength: Int
    /// The cache's directory; `nil` keeps nothing.
    let root: URL?
    let memo: DigestMemo
    /// Called with what the user must know.
    let warn: (String) -> Void
    /// Called with so many examples more that are tokenized, or were before.
    var onRead: (Int) -> Void = { _ in }

    /// Which labels the data may have.
    enum Labels {
        /// These.
        case given(LabelMap)
        /// The data's own.
        case inferred
        /// Labels are not looked at.
        case ignored
    }

    /// Rows that are tokenized together, while the next are read.
    static let chunkSize = 4096

    /// How a file is read.
    private struct Reading {
        let labels: Labels
        let problemType: ProblemType
        let options: DatasetOptions

        /// Whether a file without labels is refused.
        var isRequired: Bool { options.readsLabels && !options.allowsUnlabelled }
    }

    /// - Parameters:
    ///   - url: The file.
    ///   - labels: Which labels it may have.
    ///   - problemType: What the labels are.
    ///   - allowsUnlabelled: Whether examples may lack a label.
    /// - Throws: `DatasetError` that names the file and the line; ``DistillationError`` where there is no label
    ///   column; `FileError`.
    func load(
        _ url: URL, labels: Labels, problemType: ProblemType = .singleLabel, allowsUnlabelled: Bool = false
    ) throws -> LoadedData {
        let digest = try memo.sha256(ofData: url)
        var options = options
        options.labelForm = .init(problemType)
        options.allowsUnlabelled = allowsUnlabelled
        if case .ignored = labels { options.readsLabels = false }
        let reading = Reading(labels: labels, problemType: problemType, options: options)
        if let root {
            let key = try key(digest, url, reading)
            let file = root.appending(path: "tokens").appending(path: "\(key).tokens")
            if let found = open(file, url, digest) {
                onRead(found.dataset.count)
                return found
            }
            do {
                try makeCacheDirectory(file.deletingLastPathComponent())
                return try write(to: file, from: url, reading, digest)
            } catch let error as FileError {
                guard case .writeFailed = error else { throw error }
                warn(
                    "\(error); the tokenized data are not kept for later runs. Choose another --cache-dir, "
                        + "or pass --no-data-cache.")
            }
        }
        let temporary = FileManager.default.temporaryDirectory.appending(
            path: "distill-\(UUID().uuidString).tokens")
        defer { try? FileManager.default.removeItem(at: temporary) }
        do { return try write(to: temporary, from: url, reading, digest) } catch let error as FileError {
            guard case .writeFailed = error else { throw error }
            warn("\(error); the tokenized data are kept in memory.")
        }
        let builder = TokenBuilder(tokenizer: tokenizer, maxLength: maxLength)
        var records: [UInt8] = []
        let map = try read(url, reading, digest, builder) { records += $0 }
        return LoadedData(
            dataset: builder.dataset(.memory(records)), labels: map,
            record: record(url, builder.count, digest))
    }

    // MARK: - Tokenizing

    private func write(
        to file: URL, from url: URL, _ reading: Reading, _ digest: String
    ) throws -> LoadedData {
        let builder = TokenBuilder(tokenizer: tokenizer, maxLength: maxLength)
        var map: LabelMap?
        try SealedFile.write(to: file, format: TokenBuilder.format) { writer in
            map = try read(url, reading, digest, builder) { try $0.withUnsafeBytes { try writer.write($0) } }
            return try builder.finish(writer, labels: map)
        }
        let sealed = try SealedFile(file, format: TokenBuilder.format)
        return LoadedData(
            dataset: builder.dataset(.file(sealed)), labels: map, record: record(url, builder.count, digest))
    }

    /// Reads a file, tokenizes it, and hands the examples' records on.
    private func read(
        _ url: URL, _ reading: Reading, _ digest: String, _ builder: TokenBuilder,
        _ write: ([UInt8]) throws -> Void
    ) throws -> LabelMap? {
        let map = try labelMap(url, reading)
        builder.begin(reading.problemType, classCount: map?.count ?? 0)
        let rows = RowReader(
            try TextStream(url, options: reading.options), labels: map, problemType: reading.problemType,
            required: reading.isRequired)
        let chunks = BatchPrefetcher(depth: 2) { _ in try rows.next(Self.chunkSize) }
        defer { chunks.stop() }
        while let chunk = try chunks.next() {
            try write(builder.append(chunk))
            onRead(chunk.texts.count)
        }
        guard rows.sha256 == digest else {
            throw DatasetError(
                "\(url.path): the file changed while it was read; start again when it is complete")
        }
        return map
    }

    private func labelMap(_ url: URL, _ reading: Reading) throws -> LabelMap? {
        switch reading.labels {
        case .given(let map): return map
        case .ignored: return nil
        case .inferred:
            // The one label of a model for regression, as transformers names it.
            if reading.problemType == .regression { return try LabelMap(names: ["LABEL_0"]) }
            guard let map = try TextStream(url, options: reading.options).inferLabels() else {
                throw RowReader.noLabels(url.path)
            }
            return map
        }
    }

    private func record(_ url: URL, _ count: Int, _ digest: String) -> DataRecord {
        DataRecord(path: url.path(percentEncoded: false), examples: count, sha256: digest)
    }

    // MARK: - The cache

    /// Everything that decides the tokens and the labels.
    private func key(_ digest: String, _ url: URL, _ reading: Reading) throws -> String {
        let options = reading.options
        let files = try ModelDigest.tokenizer(tokenizerDirectory, memo: memo)
        func text(_ name: String?) -> JSONValue { name.map(JSONValue.string) ?? .null }
        let choice: JSONValue =
            switch reading.labels {
            case .given(let map): .array(map.names.map(JSONValue.string))
            case .inferred: .string("inferred")
            case .ignored: .string("ignored")
            }
        let description: JSONValue = [
            "program": .string(Version.current), "data": .string(digest),
            "format": .string(try options.format(of: url).rawValue),
            "text": text(options.textColumn), "pair": text(options.pairColumn),
            "label": text(options.labelColumn), "labels": choice,
            "problem_type": .string(reading.problemType.rawValue),
            "label_separator": .string(options.labelSeparator),
            "allows_unlabelled": .bool(options.allowsUnlabelled), "max_length": .integer(maxLength),
            "tokenizer": .array(
                files.map { ["name": .string($0.name), "sha256": .string($0.sha256)] as JSONValue }),
        ]
        return Digest.sha256(description.serialized())
    }

    private func open(_ file: URL, _ url: URL, _ digest: String) -> LoadedData? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        do {
            let (dataset, labels) = try TokenBuilder.open(file, maxLength: maxLength)
            return LoadedData(dataset: dataset, labels: labels, record: record(url, dataset.count, digest))
        } catch FileError.missing {
            return nil
        } catch let problem as SealedFile.Problem {
            let reason =
                switch problem {
                case .damaged(let reason), .foreign(let reason): reason
                }
            warn("\(file.path): \(reason); the data are tokenized again")
        } catch {
            warn("\(error); the data are tokenized again")
        }
        return nil
    }
}
