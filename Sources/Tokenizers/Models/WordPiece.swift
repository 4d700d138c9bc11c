/// Splits a word into the longest tokens that the vocabulary knows, from left to right.
///
/// Tokens that continue a word carry a prefix in the vocabulary: "playing" becomes "play", "##ing". A word that
/// cannot be split so is unknown as a whole. See Schuster and Nakajima, "Japanese and Korean voice search" (2012).
struct WordPiece: Model {
    let vocabulary: Vocabulary
    let unknownTokenID: Int32?
    private let unknown: Int32
    private let maximumScalarsPerWord: Int

    /// Tokens that begin a word.
    private let beginnings: ByteTable
    /// Tokens that continue a word, without their prefix.
    private let continuations: ByteTable

    /// - Throws: ``TokenizerError/invalidVocabulary(file:reason:)`` if the vocabulary lacks the unknown token.
    init(
        vocabulary: Vocabulary, unknownToken: String = "[UNK]", continuingSubwordPrefix: String = "##",
        maximumScalarsPerWord: Int = 100, file: String
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

        let prefix = Array(continuingSubwordPrefix.utf8)
        var beginnings: [(string: ArraySlice<UInt8>, id: Int32)] = []
        var continuations = beginnings
        for (position, id) in vocabulary.ids.enumerated() {
            let token = vocabulary[position]
            if !token.isEmpty { beginnings.append((token, id)) }
            if token.count > prefix.count, token.starts(with: prefix) {
                continuations.append((token.dropFirst(prefix.count), id))
            }
        }
        self.beginnings = ByteTable(beginnings)
        self.continuations = ByteTable(continuations)
    }

    init(_ configuration: StageConfiguration) throws {
        let limit = try configuration.int("max_input_chars_per_word")
        try self.init(
            vocabulary: configuration.vocabulary("vocab"),
            unknownToken: configuration.string("unk_token"),
            continuingSubwordPrefix: configuration.string("continuing_subword_prefix"),
            maximumScalarsPerWord: limit, file: configuration.file)
    }

    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, words: [Range<Int>], limit: Int, into ids: inout [Int32]
    ) {
        beginnings.withReader { beginnings in
            continuations.withReader { continuations in
                for word in words where ids.count < limit {
                    tokenize(UnsafeBufferPointer(rebasing: text[word]), beginnings, continuations, into: &ids)
                }
            }
        }
    }

    @inline(__always)
    private func tokenize(
        _ word: UnsafeBufferPointer<UInt8>, _ beginnings: ByteTable.Reader, _ continuations: ByteTable.Reader,
        into ids: inout [Int32]
    ) {
        // A word has at least as many bytes as characters, so most need no counting.
        if word.count > maximumScalarsPerWord, UTF8Bytes.scalarCount(word) > maximumScalarsPerWord {
            return ids.append(unknown)
        }
        // Most words are tokens themselves.
        let hash = word.reduce(ByteTable.emptyHash) { ByteTable.hash($0, adding: $1) }
        let id = beginnings.id(of: word[...], hash: hash)
        if id != ByteTable.notFound { return ids.append(id) }
        split(word, beginnings, continuations, into: &ids)
    }

    /// Splits a word that is not a token.
    private func split(
        _ word: UnsafeBufferPointer<UInt8>, _ beginnings: ByteTable.Reader, _ continuations: ByteTable.Reader,
        into ids: inout [Int32]
    ) {
        let idsBefore = ids.count
        var start = 0
        while start < word.count {
            let rest = UnsafeBufferPointer(rebasing: word[start...])
            let longest = start == 0 ? self.beginnings.longest : self.continuations.longest
            let reader = start == 0 ? beginnings : continuations
            guard let (id, length) = longestToken(startingAt: rest, longest: longest, in: reader) else {
                ids.removeSubrange(idsBefore...)
                return ids.append(unknown)
            }
            ids.append(id)
            start += length
        }
    }

    /// The longest token that the text starts with.
    private func longestToken(
        startingAt text: UnsafeBufferPointer<UInt8>, longest: Int, in table: ByteTable.Reader
    ) -> (id: Int32, length: Int)? {
        let count = min(text.count, longest)
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count + 1) { hashes in
            hashes[0] = ByteTable.emptyHash
            for index in 0..<count { hashes[index + 1] = ByteTable.hash(hashes[index], adding: text[index]) }
            var length = count
            while length > 0 {
                let id = table.id(of: text[..<length], hash: hashes[length])
                if id != ByteTable.notFound { return (id, length) }
                length -= 1
            }
            return nil
        }
    }
}
