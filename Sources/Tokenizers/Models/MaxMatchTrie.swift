/// Splits a word into the longest tokens from left to right in a time that is linear in the word's length: LinMaxMatch
/// of Song, Salcianu, Song, Dopson and Zhou, "Fast WordPiece Tokenization" (2021), https://arxiv.org/abs/2012.15524.
///
/// The tokens form two trees: of those that begin a word, and of those that continue one, without their prefix. The
/// word is followed down the tree. Where it cannot be followed, the tokens that are certain by now are written
/// (*failure pops*), and the walk goes on at the node for what of the word they leave over (the *failure link*), as
/// in the string matching of Aho and Corasick. So every byte is read once.
struct MaxMatchTrie: Sendable {
    /// The root of tokens that begin a word.
    static let beginning: UInt32 = 0
    /// The root of tokens that continue a word.
    static let continuation: UInt32 = 1
    /// The absence of a node, or of pops.
    static let none: Int32 = -1

    /// The failure link and pops of a node: the action where a word leaves the tree.
    struct Failure: Sendable, BitwiseCopyable {
        /// The node to go on at; ``MaxMatchTrie/none`` if the word cannot be split.
        var link = MaxMatchTrie.none
        /// The last of the tokens to write, in ``MaxMatchTrie/pops``; ``MaxMatchTrie/none`` for none.
        var pops = MaxMatchTrie.none
    }

    /// A token to write, after those that come before it. Lists share common prefixes, which keeps
    /// the memory linear in the vocabulary's size.
    struct Pop: Sendable, BitwiseCopyable {
        var token: Int32
        /// The token before, or ``MaxMatchTrie/none``.
        var previous: Int32
        /// The length of the list up to and including this token.
        var count: Int32
    }

    private let edges: DoubleArray
    private let failures: ConstantTable<Failure>
    private let pops: ConstantTable<Pop>

    /// Splits a word.
    ///
    /// - Parameter tokens: the output, with room for as many tokens as the word has bytes.
    /// - Returns: the number of tokens, or `nil` if the word cannot be split; then what was written has no meaning.
    func split(_ word: UnsafeBufferPointer<UInt8>, into tokens: UnsafeMutablePointer<Int32>) -> Int? {
        var node = Self.beginning
        var written = 0
        for byte in word {
            while true {
                if let child = edges.child(of: node, byte) {
                    node = child
                    break
                }
                guard fail(&node, tokens, &written) else { return nil }
            }
        }
        while node != Self.continuation {
            guard fail(&node, tokens, &written) else { return word.isEmpty ? 0 : nil }
        }
        return written
    }

    /// Writes the tokens that are certain and goes to the failure link.
    ///
    /// - Returns: false if there is none.
    @inline(__always)
    private func fail(
        _ node: inout UInt32, _ tokens: UnsafeMutablePointer<Int32>, _ written: inout Int
    ) -> Bool {
        let failure = failures[Int(node)]
        if failure.link == Self.none { return false }
        if failure.pops != Self.none {
            var pop = pops[Int(failure.pops)]
            written &+= Int(pop.count)
            var place = written &- 1
            tokens[place] = pop.token
            while pop.previous != Self.none {
                pop = pops[Int(pop.previous)]
                place &-= 1
                tokens[place] = pop.token
            }
        }
        node = UInt32(truncatingIfNeeded: failure.link)
        return true
    }
}

extension MaxMatchTrie {
    /// Makes the tries of a vocabulary.
    ///
    /// - Parameter prefix: what tokens that continue a word begin with.
    init(_ vocabulary: Vocabulary, prefix: [UInt8]) {
        var beginnings: [(string: ArraySlice<UInt8>, id: Int32)] = []
        var continuations = beginnings
        for (position, id) in vocabulary.ids.enumerated() {
            let token = vocabulary[position]
            if !token.isEmpty { beginnings.append((token, id)) }
            if token.count > prefix.count, token.starts(with: prefix) {
                continuations.append((token.dropFirst(prefix.count), id))
            }
        }
        self.init(beginnings: beginnings, continuations: continuations)
    }

    /// Makes the tries of tokens.
    ///
    /// - Parameters:
    ///   - beginnings: the tokens that begin a word, with their ids; none is empty.
    ///   - continuations: the tokens that continue one, without their prefix; none is empty.
    init(
        beginnings: [(string: ArraySlice<UInt8>, id: Int32)],
        continuations: [(string: ArraySlice<UInt8>, id: Int32)]
    ) {
        let byteCount = (beginnings + continuations).reduce(0) { $0 + $1.string.count }
        var trees = PrefixTrees(rootCount: 2, byteCount: byteCount)
        for (string, id) in beginnings { trees.insert(string, below: 0, value: id) }
        for (string, id) in continuations { trees.insert(string, below: 1, value: id) }
        let (edges, places) = DoubleArray.lay(out: trees)
        var failures = FailureTable(edges, places, trees)
        failures.fill(trees)
        self.edges = edges
        self.failures = ConstantTable(failures.failures)
        pops = ConstantTable(failures.pops)
    }
}
