/// Splits a word into the longest tokens from left to right, on a vocabulary's hash table alone: each start of what is left of the
/// word is looked up, by a hash that grows by its bytes. Takes a time that is quadratic in the word's length at worst, and
/// nothing to set up. ``MaxMatchTrie`` gives the same tokens in a linear time.
struct LongestMatch: Sendable {
    private let vocabulary: Vocabulary
    private let prefix: [UInt8]
    private let prefixHash: UInt64

    /// - Parameter prefix: what tokens that continue a word begin with.
    init(_ vocabulary: Vocabulary, prefix: [UInt8]) {
        self.vocabulary = vocabulary
        self.prefix = prefix
        prefixHash = prefix.reduce(ByteTable.emptyHash) { ByteTable.hash($0, adding: $1) }
    }

    /// The length of the longest token, in bytes.
    var longest: Int { vocabulary.longest }

    /// Splits a word.
    ///
    /// - Parameter tokens: the output, with room for as many tokens as the word has bytes.
    /// - Returns: the number of tokens, or `nil` if the word cannot be split; then what was written has no meaning.
    func split(_ word: UnsafeBufferPointer<UInt8>, into tokens: UnsafeMutablePointer<Int32>) -> Int? {
        vocabulary.withReader { reader in
            var (start, written) = (0, 0)
            while start < word.count {
                guard
                    let match = start == 0
                        ? longestMatch(word[...], [], ByteTable.emptyHash, reader)
                        : longestMatch(word[start...], prefix, prefixHash, reader)
                else { return nil }
                tokens[written] = match.id
                written &+= 1
                start &+= match.length
            }
            return written
        }
    }

    /// The longest token that is a prefix followed by a start of the text, which is not empty.
    private func longestMatch(
        _ text: Slice<UnsafeBufferPointer<UInt8>>, _ prefix: [UInt8], _ prefixHash: UInt64,
        _ reader: ByteTable.Reader
    ) -> (id: Int32, length: Int)? {
        var hash = prefixHash
        var found: (id: Int32, length: Int)?
        for (place, byte) in text.prefix(vocabulary.longest).enumerated() {
            hash = ByteTable.hash(hash, adding: byte)
            let id = reader.id(of: text.prefix(place &+ 1), after: prefix, hash: hash)
            if id != ByteTable.notFound { found = (id, place &+ 1) }
        }
        return found
    }
}
