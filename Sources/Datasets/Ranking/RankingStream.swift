import Foundation
import JSON

/// Reads queries with documents from CSV, TSV, JSON lines or Parquet, in whichever ``RankingForm``.
///
/// ```swift
/// let stream = try RankingStream(URL(filePath: "triples.jsonl"))
/// while let group = try stream.next() { print(group.query, group.documents.count) }
/// ```
public final class RankingStream {
    /// The columns of a file.
    public struct Options: Sendable, Equatable {
        /// The key of the query; `nil` finds it by its usual names.
        public var textColumn: String?
        /// The key of the document where each row has one.
        public var pairColumn: String?
        /// The key of the labels.
        public var labelColumn: String?
        /// The key of the teacher's scores.
        public var scoresColumn: String?
        /// The delimiter and quoting of CSV and TSV.
        public var delimited = DelimitedFormat()

        public init() {}
    }

    /// The path of the file, or the pattern of several.
    public var path: String { objects.path }
    /// The form of the rows; known once there has been one.
    public private(set) var form: RankingForm?
    /// The SHA-256 of the file, once the end has been reached.
    public var sha256: String { objects.sha256 }

    private let objects: ObjectStream
    private let keys: RankingKeys
    /// The next row's group, which was read to see whether it has another query.
    private var pending: RankedGroup?
    /// The most documents of a query: more are no list to rank, but a file in another order.
    public static let mostDocuments = 10_000

    /// - Parameters:
    ///   - url: The file, or a pattern of several; its name determines the format.
    ///   - options: The columns.
    ///   - chunkSize: The bytes read at a time.
    /// - Throws: ``DatasetError`` where the format is unknown; `FileError` where the file cannot be read.
    public init(_ url: URL, options: Options = Options(), chunkSize: Int = 1 << 18) throws {
        keys = RankingKeys(options: options)
        objects = try ObjectStream(url, readsAll: options.delimited, chunkSize: chunkSize)
    }

    /// Returns true if the first row of a file has a query with several documents, unlike pairs of texts.
    ///
    /// - Throws: ``DatasetError`` for a first row that cannot be read.
    public static func hasGroups(_ url: URL, options: Options) throws -> Bool {
        let stream = try ObjectStream(url, readsAll: options.delimited, chunkSize: 1 << 18)
        return try stream.next().map { RankingForm.isGroup($0.object) } ?? false
    }

    /// The next query with its documents.
    ///
    /// - Returns: The group; `nil` at the end.
    /// - Throws: ``DatasetError`` that names the file, the line and the key.
    public func next() throws -> RankedGroup? {
        var group = try pending ?? row()
        pending = nil
        guard form == .pairs else { return group }
        while let other = try row() {
            guard let own = group, own.query.utf8.elementsEqual(other.query.utf8),
                own.place.file == other.place.file
            else {
                pending = other
                break
            }
            guard own.documents.count < Self.mostDocuments else {
                throw objects.error(
                    about: other.place,
                    "the query '\(shown(other.query))' has more than \(Self.mostDocuments) documents; cut its list"
                )
            }
            group?.documents += other.documents
            group?.labels += other.labels
            group?.scores += other.scores
        }
        return group
    }

    private func row() throws -> RankedGroup? {
        guard let row = try objects.next() else { return nil }
        do {
            let form = try self.form ?? RankingForm(row.object, keys)
            self.form = form
            return try form.group(row.object, keys, row.place)
        } catch let error as RankingError {
            throw objects.error(about: row, error.reason)
        }
    }

    /// The next groups, at most `limit`, and fewer where they are long; none at the end.
    public func groups(_ limit: Int) throws -> [RankedGroup] {
        var (groups, bytes) = ([RankedGroup](), 0)
        while groups.count < limit, bytes < Limits.chunk, let group = try next() {
            bytes += group.query.utf8.count + group.documents.reduce(0) { $0 + $1.utf8.count }
            groups.append(group)
        }
        return groups
    }

    /// The function that makes errors about a group, which name its file and line, for any thread.
    public var errors: @Sendable (_ group: RankedGroup, _ reason: String) -> DatasetError {
        let errors = objects.errors
        return { errors($0.place, $1) }
    }
}
