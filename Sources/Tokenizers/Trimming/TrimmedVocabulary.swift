import Storage

/// The result of a ``VocabularyTrimmer``: the tokens that are kept, and the tokenizer's files for them.
public struct TrimmedVocabulary: Sendable {
    /// A file of the tokenizer.
    public struct File: Sendable, Equatable {
        /// Its name in the directory, such as `tokenizer.json`.
        public let name: String
        /// All of it.
        public let contents: String
    }

    /// The old ids of the tokens that stay, in ascending order; a token's new id is its index here.
    public let keptIDs: [Int]
    /// The number of tokens before, added ones included.
    public let originalCount: Int
    /// Rarer tokens were dropped.
    public let minimumCount: Int
    /// The characters that were kept, of WordPiece.
    public let alphabet: TrimmingOptions.Alphabet
    /// The number of tokens that the data use.
    public let usedCount: Int
    /// Of these, those that are dropped because they are rare.
    public let droppedUsedCount: Int
    /// The tokens that stay for the alphabet alone; of byte-level BPE for bytes, and on the way to others.
    public let unseenCharacterCount: Int
    /// Every file that the tokenizer had, rewritten where it holds ids or tokens.
    public let files: [File]

    /// The number of tokens that stay.
    public var count: Int { keptIDs.count }

    /// The new id of a token.
    ///
    /// - Parameter old: Its id before.
    /// - Returns: `nil` where the token is dropped.
    public func newID(of old: Int) -> Int? {
        var (low, high) = (0, keptIDs.count)
        while low < high {
            let middle = (low + high) / 2
            if keptIDs[middle] < old { low = middle + 1 } else { high = middle }
        }
        return low < keptIDs.count && keptIDs[low] == old ? low : nil
    }

    /// Writes the files.
    ///
    /// - Parameter directory: A directory that is there; files of the same names are replaced.
    /// - Throws: `FileError` where a file cannot be written.
    public func write(to directory: some FileLocation) throws {
        for file in files { try AtomicFile.write(file.contents, to: directory.entry(file.name)) }
    }
}
