import Foundation

/// Reads a data set row by row, so that one of any size takes no more memory than its longest row, or in Parquet than
/// a thousand rows.
///
/// ```swift
/// let stream = try TextStream(URL(filePath: "train.csv.gz"))
/// while let row = try stream.next() { print(row.line, row.text) }
/// ```
public final class TextStream {
    /// The path of the file, or the pattern of several.
    public let path: String
    /// The rows read so far.
    public private(set) var count = 0
    let form: DatasetOptions.LabelForm
    /// The way in which labels that are sets are written; `nil` if it has not been determined.
    var labelSetCoding: LabelSetCoding?
    private let files: [URL]
    private let options: DatasetOptions
    private let format: DatasetOptions.Format
    private let chunkSize: Int
    /// The file that is being read.
    private var file: DataFile
    /// The digests of those that have been read.
    private var digests: [String] = []
    private var isAtEnd = false
    /// The properties of the first file that had a row.
    private var shape: Shape?

    /// The properties in which all files of a data set must agree.
    private struct Shape {
        let path: String
        let hasPairs: Bool
        var hasLabels: Bool
        let classNames: [String]?
    }

    /// Opens CSV, TSV or JSON lines, plain or gzip, or Parquet.
    ///
    /// - Parameters:
    ///   - url: The file, or a pattern of several that are read one after another (see ``DataFiles``); its name determines
    ///     the format unless the options do.
    ///   - options: The columns and the format.
    ///   - chunkSize: The bytes read at a time.
    /// - Throws: ``DatasetError`` where the format is unknown; `FileError` where the file cannot be read.
    public init(
        _ url: URL, options: DatasetOptions = DatasetOptions(), chunkSize: Int = 1 << 18
    ) throws {
        path = url.path(percentEncoded: false)
        guard !options.labelSeparator.isEmpty else {
            throw DatasetError(
                "label_separator is empty; give the text that separates labels, such as ','")
        }
        form = options.labelForm
        labelSetCoding = options.labelSetCoding
        files = try DataFiles.files(url)
        format = try options.format(of: url)
        (self.options, self.chunkSize) = (options, chunkSize)
        file = try DataFile(files[0], format: format, options: options, chunkSize: chunkSize)
    }

    /// The next row; `nil` at the end.
    ///
    /// - Throws: ``DatasetError`` that names the file, the line and what to do, also for a data set without rows.
    public func next() throws -> TextRow? {
        while !isAtEnd {
            if var row = try file.next() {
                if files.count > 1 { try checkShape() }
                row.file = digests.count
                count += 1
                return row
            }
            digests.append(try file.sha256())
            if digests.count == files.count {
                isAtEnd = true
            } else {
                file = try DataFile(
                    files[digests.count], format: format, options: options, chunkSize: chunkSize)
            }
        }
        guard count > 0 else { throw DatasetError(path, "there are no examples in this file") }
        return nil
    }

    /// The next rows, at most `limit`, and fewer where they are long; none at the end.
    public func rows(_ limit: Int) throws -> [TextRow] {
        var rows: [TextRow] = []
        var bytes = 0
        while rows.count < limit, bytes < Limits.chunk, let row = try next() {
            bytes += row.text.utf8.count + (row.pair?.utf8.count ?? 0)
            rows.append(row)
        }
        return rows
    }

    /// SHA-256 of the file, once the end has been reached; of several files see ``DataFiles/sha256(_:)``.
    public var sha256: String { isAtEnd ? DataFiles.sha256(digests) : "" }

    /// True if the data set has a label field; known once there has been a row, or, where examples may lack a label, at
    /// the end.
    public var hasLabels: Bool { file.records.hasLabels || shape?.hasLabels == true }

    /// True if each row has two texts; known once there has been a row.
    public var hasPairs: Bool { shape?.hasPairs ?? file.records.hasPairs }

    /// The names of the columns, of JSON the first object's keys; known once there has been a row.
    public var columnNames: [String] { file.records.columnNames }

    /// The names of the classes by their numbers, where the file itself has them, as Parquet from `datasets` does.
    public var classNames: [String]? { shape == nil ? file.records.classNames : shape?.classNames }

    /// Returns true if the first label of a data set is a JSON array or a list, and so a set.
    ///
    /// - Parameters:
    ///   - url: The file, or a pattern of several.
    ///   - options: The options for reading it; their form of labels is ignored.
    /// - Throws: ``DatasetError`` for what is wrong with the rows up to there; `FileError`.
    public static func hasLabelSets(_ url: URL, options: DatasetOptions) throws -> Bool {
        guard [.jsonl, .parquet].contains(try options.format(of: url)) else { return false }
        var options = options
        (options.labelForm, options.allowsUnlabeled) = (.set, true)
        let stream = try TextStream(url, options: options)
        while let row = try stream.next() {
            if row.labelSet != nil { return stream.file.records.hasArrays }
        }
        return false
    }

    /// The error about one of some rows of this data set, which names its file and line.
    public func errors(about rows: [TextRow]) -> @Sendable (_ index: Int, _ reason: String) -> DatasetError {
        let paths = files.count == 1 ? [path] : files.map { $0.path(percentEncoded: false) }
        return { DatasetError(paths[min(rows[$0].file, paths.count - 1)], at: rows[$0], $1) }
    }

    /// The path of the file that a row is from.
    func path(of row: TextRow) -> String {
        files.count == 1 ? path : files[row.file].path(percentEncoded: false)
    }

    /// Compares the file, which has had a row, with the first.
    ///
    /// - Throws: ``DatasetError``.
    private func checkShape() throws {
        let records = file.records
        guard let first = shape, first.path != file.path else {
            shape = Shape(
                path: file.path, hasPairs: records.hasPairs, hasLabels: records.hasLabels,
                classNames: records.classNames)
            return
        }
        func differs(_ what: String) -> DatasetError {
            DatasetError(file.path, "\(what) \(first.path), of the same data set; read the files apart")
        }
        guard records.hasPairs == first.hasPairs else {
            throw differs("each row has \(records.hasPairs ? "two texts" : "one text"), unlike")
        }
        guard options.allowsUnlabeled || records.hasLabels == first.hasLabels else {
            throw differs("labels are \(records.hasLabels ? "there" : "missing"), unlike in")
        }
        guard records.classNames == first.classNames else {
            throw differs("the classes have other names than in")
        }
        if records.hasLabels { shape?.hasLabels = true }
    }
}
