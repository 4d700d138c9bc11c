import Datasets
import Foundation
import Tokenizers

/// Reads texts that get a vector each: the text of a row, or its two texts with a score of how alike they are.
final class EmbeddingReader: ChunkReader, @unchecked Sendable {
    // The prefetching thread reads; the others look only after it has ended.
    private let stream: TextStream
    private let prompt: String
    /// True if each pair needs a score.
    private let isRequired: Bool
    private let readsScores: Bool
    /// The rows that were read to see whether their labels are scores.
    private var first: [TextRow]
    /// What is not read of the file; each a line for the user.
    let notes: [String]

    /// - Parameters:
    ///   - url: The file, which is opened once.
    ///   - options: How it is read.
    ///   - prompt: The text that stands before each text.
    init(_ url: URL, options: DatasetOptions, prompt: String) throws {
        self.prompt = prompt
        let isNamed = options.labelColumn != nil
        isRequired = options.readsLabels && !options.allowsUnlabeled
        var options = options
        // Whether labels are read is known behind the first rows.
        options.allowsUnlabeled = true
        options.furtherLabelColumns = PairLabels.scoreColumns
        stream = try TextStream(url, options: options)
        first = try stream.rows(DatasetLoader.chunkSize)
        guard options.readsLabels, stream.hasPairs else {
            (readsScores, notes) = (false, [])
            return
        }
        let labels = PairLabels(first.compactMap(\.label), columns: stream.columnNames)
        if isNamed, let wrong = labels.notNumber {
            throw DatasetError(
                "\(stream.path): the column '\(options.labelColumn ?? "")' has '\(wrong)', but a score of how alike two texts "
                    + "are is a number; name another with --label-column, or leave it out to learn from the texts alone"
            )
        }
        readsScores = isNamed || labels.areScores
        if let note = labels.note, !isNamed {
            notes = ["\(stream.path): \(note)"]
        } else {
            notes = []
        }
    }

    var sha256: String { stream.sha256 }

    func next(_ limit: Int) throws -> (any DataChunk)? {
        let rows = first.isEmpty ? try stream.rows(limit) : first
        first = []
        guard !rows.isEmpty else { return nil }
        let hasScores = readsScores && stream.hasLabels
        let error = stream.errors(about: rows)
        if hasScores, isRequired, let empty = rows.firstIndex(where: { $0.label == nil }) {
            throw error(empty, "the label is empty; remove the row or fill it")
        }
        return PairChunk(
            texts: rows.flatMap { row in ([row.text] + [row.pair].compactMap(\.self)).map { prompt + $0 } },
            textsPerRow: stream.hasPairs ? 2 : 1,
            scores: hasScores ? try rows.map { try stream.value(of: $0) ?? .nan } : nil, error: error)
    }
}

/// The labels of a file's first pairs, by which it is decided whether they are scores of how alike two texts are.
struct PairLabels {
    /// The columns of scores in data sets of this kind, besides those that labels have.
    static let scoreColumns = ["score", "similarity_score", "similarity", "relatedness_score"]

    private let distinct: Set<String>
    private let columns: [String]
    /// A label that is no number; `nil` where all are.
    let notNumber: String?

    /// - Parameters:
    ///   - labels: The labels as they are written.
    ///   - columns: The names of the file's columns.
    init(_ labels: [String], columns: [String]) {
        (distinct, self.columns) = (Set(labels), columns)
        notNumber = labels.first { Double($0) == nil }
    }

    /// True if they have a name that only scores have.
    private var areNamedScores: Bool {
        columns.contains(where: Self.scoreColumns.contains) && !columns.contains("label")
    }

    /// True if they are numbers that classes of natural language inference have, of which 0 is the most alike.
    private var areClasses: Bool {
        guard !areNamedScores, distinct.count > 1 else { return false }
        let isInference = columns.contains("premise") && columns.contains("hypothesis")
        return distinct.isSubset(of: ["-1", "0", "1", "2"]) && (isInference || distinct.contains("2"))
    }

    var areScores: Bool { notNumber == nil && !areClasses }

    /// What is done with them, where they may be meant otherwise.
    var note: String? {
        if let notNumber {
            return
                "the pairs' labels are no numbers ('\(notNumber)'), so they are not taken for scores of how alike texts are; the texts "
                + "alone are used"
        }
        let list = distinct.sorted().joined(separator: ", ")
        if areClasses {
            return
                "the pairs' labels are the whole numbers \(list), as classes of natural language inference have them (0 for entailment), so "
                + "they are not taken for scores of how alike texts are; the texts alone are used. If they are scores, name their column "
                + "with --label-column"
        }
        guard !areNamedScores, distinct == ["0", "1"] else { return nil }
        return
            "the pairs' labels are 0 and 1, and 1 is taken for alike; where 0 means entailment, leave that column out of the file"
    }
}

/// Texts that get a vector each, one or two of a row.
struct PairChunk: DataChunk {
    var texts: [String]
    var textsPerRow: Int
    /// How alike the two texts of each row are; NaN where that is not known, `nil` where it is of none.
    var scores: [Float]?
    /// True if the second text of a row is a translation of the first.
    var areTranslations = false
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
        var chunk = EncodedChunk(
            ids: encoding.ids, typeIDs: encoding.typeIDs, offsets: encoding.offsets,
            targets: .scores(
                PairScores(values: values, rows: texts.indices.map { UInt32($0 - $0 % textsPerRow) })),
            cutCount: encoding.cutCount, hasTypes: tokenizer.givesSegments(pairs: false),
            textsPerRow: textsPerRow)
        chunk.areTranslations = areTranslations
        return chunk
    }
}
