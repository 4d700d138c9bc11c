import Datasets
import DistillRuntime
import Tokenizers

/// Some rows of a data file, not tokenized yet.
protocol DataChunk: Sendable {
    /// The number of rows of the file.
    var count: Int { get }

    /// The rows as examples.
    ///
    /// - Parameters:
    ///   - tokenizer: The tokenizer of the model that is to read them.
    ///   - maxLength: The most tokens of an example, special ones included.
    /// - Throws: `DatasetError` that names file and line where a text cannot be encoded.
    func encode(_ tokenizer: Tokenizer, maxLength: Int) throws -> EncodedChunk
}

/// Tokenized rows of a data file.
struct EncodedChunk {
    /// The token ids of all examples, one after another.
    var ids: [Int32]
    var typeIDs: [Int32]
    /// The offset at which each example begins, and the number of all tokens.
    var offsets: [Int]
    /// The label of each example, or of each word; `nil` where labels are not read.
    var targets: Targets?
    /// The words of each example; `nil` where words have no outputs.
    var words: [Words]?
    /// The number of texts that were cut.
    var cutCount = 0
    /// True if the tokenizer's token types carry information.
    var hasTypes: Bool
    /// True if each text has a second one.
    var hasPairs = false
    /// The examples of a row of the file: two where its two texts are examples of their own.
    var textsPerRow = 1
    /// The number of examples of each query with its documents; `nil` where examples are of no query.
    var groups: [Int]?
    /// A teacher's score of each example, of queries with documents.
    var scores: [Float] = []
    /// True if the second text of a row is a translation of the first.
    var areTranslations = false

    /// The words whose outputs an example gives.
    struct Words {
        /// The token at which each word begins, `nil` for none, and the number of its tokens.
        var positions: [(position: Int?, pieces: Int)]
        /// True if the example continues the sentence of the one before.
        var continues: Bool
    }
}

/// Texts with labels.
struct TextChunk: DataChunk {
    var texts: [TextPair]
    /// `nil` where labels are not read.
    var targets: Targets?
    var hasPairs: Bool
    /// The error about one of the texts, which names its file and line.
    var error: @Sendable (_ index: Int, _ reason: String) -> DatasetError

    var count: Int { texts.count }

    func encode(_ tokenizer: Tokenizer, maxLength: Int) throws -> EncodedChunk {
        let encoding: FlatEncoding
        do {
            encoding = try tokenizer.encodeFlat(batch: texts, maxLength: maxLength)
        } catch let problem as TokenizerError {
            guard let index = problem.textIndex else { throw problem }
            throw error(index, problem.description)
        }
        return EncodedChunk(
            ids: encoding.ids, typeIDs: encoding.typeIDs, offsets: encoding.offsets, targets: targets,
            cutCount: encoding.cutCount, hasTypes: tokenizer.givesSegments(pairs: hasPairs),
            hasPairs: hasPairs)
    }
}

/// Sentences as words with tags.
struct WordChunk: DataChunk {
    var words: [[String]]
    /// The tag of each word, sentence by sentence; `nil` where tags are not read.
    var tags: [[Int]]?
    var names: [String]
    /// The error about one of the sentences, which names its file and line.
    var error: @Sendable (_ index: Int, _ reason: String) -> DatasetError

    var count: Int { words.count }

    func encode(_ tokenizer: Tokenizer, maxLength: Int) throws -> EncodedChunk {
        let encodings: [[WordWindow]]
        do {
            encodings = try tokenizer.encode(wordLists: words).map {
                try $0.windows(maxLength: maxLength, stride: Self.stride(maxLength))
            }
        } catch let problem as TokenizerError {
            guard let index = problem.textIndex else { throw problem }
            throw error(index, problem.description)
        }
        var chunk = EncodedChunk(ids: [], typeIDs: [], offsets: [0], words: [], hasTypes: false)
        var classes: [Int] = []
        for (sentence, windows) in encodings.enumerated() {
            for (index, window) in windows.enumerated() {
                chunk.ids += window.ids
                chunk.typeIDs += window.typeIDs
                chunk.offsets.append(chunk.ids.count)
                let positions = zip(window.owned, window.positions).map { word, position in
                    (
                        position: position,
                        pieces: position.map { window.wordIndices[$0...].prefix { $0 == word }.count } ?? 0
                    )
                }
                chunk.words?.append(.init(positions: positions, continues: index > 0))
                classes +=
                    tags.map { tags in window.owned.map { tags[sentence][$0] } }
                    ?? window.owned.map { _ in BatchLabels.unlabelled }
            }
        }
        chunk.hasTypes = chunk.typeIDs.contains { $0 != 0 }
        chunk.targets = .tags(WordTags(classes: classes, names: names, offsets: [0, classes.count]))
        return chunk
    }

    /// The tokens that a window repeats of the one before: a quarter of it, so that no word is read without its surroundings.
    static func stride(_ maxLength: Int) -> Int { TokenWindow.stride(maxLength) }
}
