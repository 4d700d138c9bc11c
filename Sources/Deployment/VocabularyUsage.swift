import Datasets
import Distillation
import Foundation
import Tokenizers

/// Counts which tokens data files use, reading them row by row: a file of any size takes little memory. Labels are not
/// read.
///
/// ```swift
/// let trimmer = try VocabularyTrimmer(directory: teacher)
/// let usage = VocabularyUsage(options: DatasetOptions(), maxLength: 128)
/// let trimmed = try trimmer.plan(used: usage.counts([train, unlabeled], tokenizer: trimmer.tokenizer))
/// ```
public struct VocabularyUsage: Sendable {
    /// The options for reading the files.
    public var options: DatasetOptions
    /// Longer texts are cut to this many tokens, as they are for the model; `nil` counts all of them.
    public var maxLength: Int?

    /// Rows that are tokenized together.
    private static let chunkSize = 4096

    /// Makes a counter.
    ///
    /// - Parameters:
    ///   - options: The files' columns and format.
    ///   - maxLength: Longer texts are cut to this many tokens; `nil` counts all of them.
    public init(options: DatasetOptions = DatasetOptions(), maxLength: Int? = nil) {
        self.options = options
        self.options.readsLabels = false
        self.maxLength = maxLength
    }

    /// Counts the tokens of files.
    ///
    /// - Parameters:
    ///   - files: CSV, TSV or JSON lines, plain or gzip, with or without labels.
    ///   - tokenizer: The tokenizer that makes the tokens.
    /// - Returns: The number of occurrences of each token, special ones included.
    /// - Throws: `DatasetError`, which names the file and the line; `FileError`; `TokenizerError`.
    public func counts(_ files: [URL], tokenizer: Tokenizer) throws -> TokenCounts {
        var counts = TokenCounts()
        for file in files {
            try forEachChunk(of: file) { texts in
                counts.add(try tokenizer.encodeFlat(batch: texts, maxLength: maxLength))
            }
        }
        return counts
    }

    /// Compares a tokenizer with its trimmed form on files.
    ///
    /// - Parameters:
    ///   - files: The files, such as those that were counted, or others.
    ///   - original: The tokenizer before.
    ///   - trimmed: The tokenizer after.
    ///   - vocabulary: Which tokens of the one are which of the other.
    /// - Throws: As ``counts(_:tokenizer:)``.
    public func effect(
        on files: [URL], original: Tokenizer, trimmed: Tokenizer, vocabulary: TrimmedVocabulary
    ) throws -> TrimmingEffect {
        var effect = TrimmingEffect()
        for file in files {
            try forEachChunk(of: file) { texts in
                let before = try original.encodeFlat(batch: texts, maxLength: maxLength)
                let after = try trimmed.encodeFlat(batch: texts, maxLength: maxLength)
                effect.texts += texts.count
                effect.before.add(before.ids, unknownID: original.unknownTokenID)
                effect.after.add(after.ids, unknownID: trimmed.unknownTokenID)
                effect.changedTexts += (0..<before.count).count { index in
                    let (old, new) = (before[index], after[index])
                    return old.count != new.count
                        || !zip(old, new).allSatisfy { Int32(vocabulary.keptIDs[Int($1)]) == $0 }
                }
            }
        }
        return effect
    }

    private func forEachChunk(of file: URL, _ body: ([TextPair]) throws -> Void) throws {
        if TaggedOptions.isNamedForWords(file) {
            var tagged = options.tagged
            tagged.readsTags = false
            let stream = try TaggedStream(file, options: tagged)
            while true {
                let rows = try stream.rows(Self.chunkSize)
                if rows.isEmpty { return }
                // A word is tokenized alone.
                try body(rows.flatMap { $0.words.map { TextPair($0) } })
            }
        }
        let stream = try TextStream(file, options: options)
        while true {
            let rows = try stream.rows(Self.chunkSize)
            if rows.isEmpty { return }
            try body(rows.map { TextPair($0.text, pair: $0.pair) })
        }
    }
}

/// The effect of trimming a vocabulary on the tokens of some texts.
public struct TrimmingEffect: Sendable, Equatable, Codable {
    /// The number of texts.
    public var texts = 0
    /// Those that now have other tokens.
    public var changedTexts = 0
    /// `[UNK]` among the tokens before.
    public var before = UnknownRate()
    /// `[UNK]` among the tokens after.
    public var after = UnknownRate()

    /// Makes the effect on no text.
    public init() {}
}
