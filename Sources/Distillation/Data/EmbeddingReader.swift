import Datasets
import Foundation
import Tokenizers

/// Reads texts that get a vector each: the text of a row, or its two texts with a score of how alike they are.
final class EmbeddingReader: ChunkReader, @unchecked Sendable {
    // The prefetching thread reads; the others look only after it has ended.
    private let stream: TextStream
    private let prompt: String
    private let readsScores: Bool
    /// What is not read of the file; each a line for the user.
    let notes: [String]

    /// - Parameters:
    ///   - url: The file.
    ///   - options: How it is read.
    ///   - prompt: The text that stands before each text.
    init(_ url: URL, options: DatasetOptions, prompt: String) throws {
        self.prompt = prompt
        let isNamed = options.labelColumn != nil
        var (options, notes): (DatasetOptions, [String]) = (options, [])
        if options.readsLabels {
            options.labelColumn = try options.labelColumn ?? Self.scoreColumn(url, options)
            let survey = try TextStream(url, options: options)
            let rows = try survey.rows(Self.surveyed)
            let labels = rows.compactMap(\.label)
            if !survey.hasPairs {
                options.readsLabels = false
            } else if let label = labels.first(where: { Double($0) == nil }) {
                guard !isNamed else {
                    throw DatasetError(
                        "\(survey.path): the column '\(options.labelColumn ?? "")' has '\(label)', but a score of how alike two texts "
                            + "are is a number; name another with --label-column, or leave it out to learn from the texts alone"
                    )
                }
                options.readsLabels = false
                notes.append(
                    "\(survey.path): the pairs' labels are no numbers ('\(label)'), so they are not taken for scores of how alike texts "
                        + "are; the texts alone are used")
            }
        }
        readsScores = options.readsLabels
        self.notes = notes
        stream = try TextStream(url, options: options)
    }

    /// The columns of scores in data sets of this kind, besides those that labels have.
    private static let scoreColumns = ["score", "similarity_score", "similarity", "relatedness_score"]

    /// The name of a file's column of scores, where it has none that is known as one of labels.
    private static func scoreColumn(_ url: URL, _ options: DatasetOptions) throws -> String? {
        let stream = try TextStream(url, options: options)
        _ = try stream.rows(1)
        guard !stream.hasLabels else { return nil }
        return scoreColumns.first(where: stream.columnNames.contains)
    }

    /// The rows by whose labels it is decided whether these are scores.
    private static let surveyed = 100

    var sha256: String { stream.sha256 }

    func next(_ limit: Int) throws -> (any DataChunk)? {
        let rows = try stream.rows(limit)
        guard !rows.isEmpty else { return nil }
        let hasScores = readsScores && stream.hasLabels
        return PairChunk(
            texts: rows.flatMap { row in ([row.text] + [row.pair].compactMap(\.self)).map { prompt + $0 } },
            textsPerRow: stream.hasPairs ? 2 : 1,
            scores: hasScores ? try rows.map { try stream.value(of: $0) ?? .nan } : nil,
            error: stream.errors(about: rows))
    }
}

/// Texts that get a vector each, one or two of a row.
struct PairChunk: DataChunk {
    var texts: [String]
    var textsPerRow: Int
    /// How alike the two texts of each row are; NaN where that is not known, `nil` where it is of none.
    var scores: [Float]?
    /// The error about one of the rows, which names its file and line.
    var error: @Sendable (_ index: Int, _ reason: String) -> DatasetError

    var count: Int { texts.count / textsPerRow }

    func encode(_ tokenizer: Tokenizer, maxLength: Int) throws -> EncodedChunk {
        let encoding: FlatEncoding
        do {
            encoding = try tokenizer.encodeFlat(batch: texts.map { TextPair($0) }, maxLength: maxLength)
        } catch let problem as TokenizerError {
            guard let index = problem.textIndex else { throw problem }
            throw error(index / textsPerRow, problem.description)
        }
        let values = texts.indices.map { scores?[$0 / textsPerRow] ?? .nan }
        return EncodedChunk(
            ids: encoding.ids, typeIDs: encoding.typeIDs, offsets: encoding.offsets,
            targets: .scores(
                PairScores(values: values, rows: texts.indices.map { UInt32($0 - $0 % textsPerRow) })),
            cutCount: encoding.cutCount, hasTypes: tokenizer.givesSegments(pairs: false),
            textsPerRow: textsPerRow)
    }
}
