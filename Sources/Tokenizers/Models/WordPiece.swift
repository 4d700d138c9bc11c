/// Splits a word into the longest tokens that the vocabulary knows, from left to right.
///
/// Tokens that continue a word carry a prefix in the vocabulary: "playing" becomes "play", "##ing". A word that
/// cannot be split so is unknown as a whole. See Schuster and Nakajima, "Japanese and Korean voice search" (2012).
///
/// The first words are split by ``LongestMatch`` on the vocabulary's own table; once they have taken as long as making a
/// ``MaxMatchTrie`` does, one is made for all others. Both give the same tokens.
struct WordPiece: Model {
    let vocabulary: Vocabulary
    let unknownTokenID: Int32?
    /// The token for a word that cannot be split.
    let unknown: Int32
    /// Longer words are unknown.
    let maximumScalarsPerWord: Int

    private let search: LongestMatch
    private let trie: Deferred<MaxMatchTrie>
    private let prefixLength: Int

    /// - Parameter work: The look-ups of ``LongestMatch`` before a ``MaxMatchTrie`` is made; `nil` for as many as take its time.
    /// - Throws: ``TokenizerError/invalidVocabulary(file:reason:)`` if the vocabulary lacks the unknown token.
    init(
        vocabulary: Vocabulary, unknownToken: String = "[UNK]", continuingSubwordPrefix: String = "##",
        maximumScalarsPerWord: Int = 100, file: String, work: Int? = nil
    ) throws {
        guard let unknown = vocabulary.id(of: unknownToken) else {
            throw TokenizerError.invalidVocabulary(
                file: file,
                reason:
                    "the vocabulary lacks the unknown token \(quoted(unknownToken)); add it, or name another as unk_token"
            )
        }
        self.vocabulary = vocabulary
        self.unknown = unknown
        self.unknownTokenID = unknown
        self.maximumScalarsPerWord = maximumScalarsPerWord

        // Nodes of the trie are numbered with 31 bits, and each byte makes at most one in each of its trees.
        guard vocabulary.byteCount < 1 << 29 else {
            throw TokenizerError.invalidVocabulary(file: file, reason: "the tokens take more than 512 MiB")
        }
        let prefix = Array(continuingSubwordPrefix.utf8)
        prefixLength = prefix.count
        search = LongestMatch(vocabulary, prefix: prefix)
        // Making the trie takes for a byte of the vocabulary about as long as eight look-ups or more.
        trie = Deferred(after: work ?? 8 * vocabulary.byteCount) {
            MaxMatchTrie(vocabulary, prefix: prefix)
        }
    }

    init(_ configuration: StageConfiguration) throws {
        let limit = try configuration.int("max_input_chars_per_word")
        try self.init(
            vocabulary: configuration.vocabulary("vocab"),
            unknownToken: configuration.string("unk_token"),
            continuingSubwordPrefix: configuration.string("continuing_subword_prefix"),
            maximumScalarsPerWord: limit, file: configuration.file)
    }

    var marksContinuations: Bool { prefixLength > 0 }

    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, words: [Range<Int>], limit: Int, _ workspace: ModelWorkspace,
        into ids: TokenBuffer
    ) {
        ids.reserve(text.count)
        for word in words where ids.count < limit && !word.isEmpty {
            let first = ids.count
            ids.count += tokenize(UnsafeBufferPointer(rebasing: text[word]), into: ids.start + ids.count)
            var start = word.lowerBound
            for place in first..<ids.count {
                let isLast = place == ids.count - 1
                let length =
                    (vocabulary.length(of: ids.start[place]) ?? 0) - (place > first ? prefixLength : 0)
                let end = isLast ? word.upperBound : start + length
                workspace.append(start, end)
                start = end
            }
        }
    }

    /// Writes the ids of a word's tokens, at most as many as it has bytes.
    ///
    /// - Returns: their number.
    func tokenize(_ word: UnsafeBufferPointer<UInt8>, into ids: UnsafeMutablePointer<Int32>) -> Int {
        // A word has at least as many bytes as characters, so most need no counting.
        let isTooLong =
            word.count > maximumScalarsPerWord && UTF8Bytes.scalarCount(word) > maximumScalarsPerWord
        if !isTooLong, let count = split(word, into: ids) { return count }
        ids[0] = unknown
        return 1
    }

    @inline(__always)
    private func split(
        _ word: UnsafeBufferPointer<UInt8>, into ids: UnsafeMutablePointer<Int32>
    ) -> Int? {
        if let trie = trie.value { return trie.pointee.split(word, into: ids) }
        return splitWithoutTrie(word, into: ids)
    }

    @inline(never)
    private func splitWithoutTrie(
        _ word: UnsafeBufferPointer<UInt8>, into ids: UnsafeMutablePointer<Int32>
    ) -> Int? {
        // For each of its places the word is looked up by at most as many starts as it, or the longest token, has bytes.
        let most = word.count.multipliedReportingOverflow(by: min(word.count, search.longest))
        if let trie = trie.value(afterWork: most.overflow ? .max / 2 : most.partialValue) {
            return trie.pointee.split(word, into: ids)
        }
        return search.split(word, into: ids)
    }
}
