import Datasets
import Foundation
import Tokenizers
import Transformers

/// How the scores of queries with documents are read.
struct RankingColumns: Sendable, Equatable {
    /// The key of a teacher's scores; `nil` for none: they are not read.
    var scores: String?
    /// True if two texts of a row are a query with a document for a model of embeddings too, not two texts that are alike.
    var pairsAreGroups = false
}

/// Reads queries with documents, for a cross-encoder or a model of embeddings.
final class RankingReader: ChunkReader, @unchecked Sendable {
    // The prefetching thread reads; the others look only after it has ended.
    private let stream: RankingStream
    private let options: DatasetOptions
    private let hasQueries: Bool
    private let prompt: String
    private let readsScores: Bool
    /// Of what was read: queries, those with one document, and those with scores that are not read.
    private var (groups, single, unread) = (0, 0, 0)
    /// The queries that were read of a file with a document a row, whose rows must follow one another.
    private var seen: Set<String> = []
    private var repeated = 0

    /// - Parameters:
    ///   - url: The file.
    ///   - options: Its columns.
    ///   - columns: How scores are read.
    ///   - task: Whose rows the file becomes: a pair each, or a text each.
    ///   - prompt: The text that stands before each text.
    init(
        _ url: URL, options: DatasetOptions, columns: RankingColumns, task: any LearningTask, prompt: String
    ) throws {
        self.options = options
        hasQueries = task.embedsTexts
        self.prompt = prompt
        var reading = Self.options(options)
        if let scores = columns.scores, try Self.has(scores, url, reading) { reading.scoresColumn = scores }
        readsScores = reading.scoresColumn != nil
        stream = try RankingStream(url, options: reading)
    }

    /// The columns of queries and documents by those of texts.
    static func options(_ options: DatasetOptions) -> RankingStream.Options {
        var result = RankingStream.Options()
        (result.textColumn, result.pairColumn) = (options.textColumn, options.pairColumn)
        result.labelColumn = options.readsLabels ? options.labelColumn : nil
        result.delimited = options.delimited
        return result
    }

    /// True if a file's first row has scores under a key: data that models are evaluated on need none.
    private static func has(_ key: String, _ url: URL, _ options: RankingStream.Options) throws -> Bool {
        try ObjectStream(url, readsAll: options.delimited).next()?.object[key] != nil
    }

    var sha256: String { stream.sha256 }

    func next(_ limit: Int) throws -> (any DataChunk)? {
        let rows = try stream.groups(max(1, limit / 8))
        guard !rows.isEmpty else { return nil }
        if readsScores {
            for row in rows {
                guard let missing = row.scores.firstIndex(where: { $0 == nil }) else { continue }
                throw stream.errors(
                    row,
                    "document \(missing + 1) of the query '\(DatasetError.shown(row.query))' has no score; give each one, or leave the "
                        + "row out")
            }
        }
        groups += rows.count
        if stream.form == .pairs { repeated += rows.count { !seen.insert($0.query).inserted } }
        single += rows.count { $0.documents.count == 1 }
        if !readsScores { unread += rows.count { $0.scores.contains { $0 != nil } } }
        let errors = stream.errors
        return GroupChunk(
            groups: rows, hasQueries: hasQueries, prompt: prompt, readsLabels: options.readsLabels,
            readsScores: readsScores,
            error: { errors(rows[$0], $1) })
    }

    func notes(of path: String, maxLength: Int) throws -> [DataNote] {
        var notes: [DataNote] = []
        if single > 0 {
            notes.append(
                DataNote(
                    "\(path): \(single) of \(groups) queries have one document: losses that compare a query's documents learn nothing "
                        + "from them", purpose: .training))
        }
        if repeated > 0 {
            notes.append(
                DataNote(
                    "\(path): \(repeated) times a query comes again after another: its documents are compared with one another only "
                        + "where their rows follow one another; sort the rows by query"))
        }
        if unread > 0 {
            notes.append(
                DataNote(
                    "\(path): \(unread) queries have scores of their documents, which are not read; `distill run --scores-column KEY` "
                        + "learns from them", purpose: .training))
        }
        return notes
    }
}

/// Queries with documents: pairs of texts of a cross-encoder, or for a model of embeddings single texts.
struct GroupChunk: DataChunk {
    var groups: [RankedGroup]
    var hasQueries: Bool
    var prompt: String
    var readsLabels: Bool
    var readsScores: Bool
    /// The error about one of the groups, which names its file and line.
    var error: @Sendable (_ index: Int, _ reason: String) -> DatasetError

    var count: Int { groups.count }

    func encode(_ tokenizer: Tokenizer, maxLength: Int) throws -> EncodedChunk {
        let texts = groups.flatMap { group in
            hasQueries
                ? ([group.query] + group.documents).map { TextPair(prompt + $0) }
                : group.documents.map { TextPair(group.query, pair: $0) }
        }
        let counts = groups.map { $0.documents.count + (hasQueries ? 1 : 0) }
        let encoding: FlatEncoding
        do {
            encoding = try tokenizer.encodeFlat(batch: texts, maxLength: maxLength)
        } catch let problem as TokenizerError {
            guard let index = problem.textIndex else { throw problem }
            throw error(group(of: index, counts), problem.description)
        }
        func values(_ isRead: Bool, _ path: KeyPath<RankedGroup, [Float?]>) -> [Float] {
            groups.flatMap { group in
                let own = group[keyPath: path].map { isRead ? $0 ?? .nan : .nan }
                return hasQueries ? [.nan] + own : own
            }
        }
        let numbers = counts.enumerated().flatMap { place, count in
            [UInt32](repeating: UInt32(truncatingIfNeeded: place), count: count)
        }
        let scores = values(readsScores, \.scores)
        return EncodedChunk(
            ids: encoding.ids, typeIDs: encoding.typeIDs, offsets: encoding.offsets,
            targets: .groups(
                GroupTargets(
                    labels: values(readsLabels, \.labels), scores: scores, groups: numbers,
                    hasQueries: hasQueries)),
            cutCount: encoding.cutCount, hasTypes: tokenizer.givesSegments(pairs: !hasQueries),
            hasPairs: !hasQueries, groups: counts, scores: scores)
    }

    private func group(of text: Int, _ counts: [Int]) -> Int {
        var end = 0
        return counts.firstIndex {
            end += $0
            return text < end
        } ?? 0
    }
}
