import JSON

/// SentencePiece's unigram language model: of all ways to split a word the most probable one. See Kudo, "Subword
/// Regularization" (2018). A token is scored by the logarithm of its probability.
struct Unigram: Model {
    let vocabulary: Vocabulary
    let unknownTokenID: Int32?
    private let edges: DoubleArray
    /// The token that ends at each node, and its score.
    private let values: ConstantTable<Int32>
    private let scores: ConstantTable<Double>
    private let unknownScore: Double
    /// The tokens `<0x00>` to `<0xFF>`, if `byte_fallback` is set and all are there.
    private let bytes: [Int32?]
    private let file: String

    init(
        pieces: [(token: String, score: Double)], unknownID: Int?, byteFallback: Bool, file: String
    ) throws {
        if let unknownID, unknownID >= pieces.count {
            throw TokenizerError.invalidVocabulary(
                file: file,
                reason: "unk_id is \(unknownID), but there are \(pieces.count) tokens; correct the file")
        }
        self.file = file
        vocabulary = try Vocabulary(pieces.enumerated().map { ($1.token, $0) }, file: file)
        unknownTokenID = unknownID.map { Int32($0) }
        unknownScore = (pieces.map(\.score).min() ?? .infinity) - 10
        var trees = PrefixTrees(rootCount: 1, byteCount: vocabulary.byteCount)
        for (id, piece) in pieces.enumerated() where !piece.token.isEmpty {
            trees.insert(Array(piece.token.utf8)[...], below: 0, value: Int32(id))
        }
        let (edges, places) = DoubleArray.lay(out: trees)
        var values = [Int32](repeating: PrefixTrees.none, count: edges.count)
        var scores = [Double](repeating: 0, count: edges.count)
        for node in 0..<trees.count where trees.values[node] != PrefixTrees.none {
            values[Int(places[node])] = trees.values[node]
            scores[Int(places[node])] = pieces[Int(trees.values[node])].score
        }
        self.edges = edges
        self.values = ConstantTable(values)
        self.scores = ConstantTable(scores)
        let vocabulary = vocabulary
        bytes =
            byteFallback
            ? (0..<256).map { byte in
                let hex = String(byte, radix: 16, uppercase: true)
                return vocabulary.id(of: "<0x\(byte < 16 ? "0" : "")\(hex)>")
            } : []
    }

    init(_ configuration: StageConfiguration) throws {
        try self.init(
            pieces: Self.pieces(configuration), unknownID: configuration.optionalInt("unk_id"),
            byteFallback: configuration.optionalBool("byte_fallback") ?? false, file: configuration.file)
    }

    /// The tokens and their scores, in the order of their ids.
    static func pieces(_ configuration: StageConfiguration) throws -> [(token: String, score: Double)] {
        try configuration.array("vocab").enumerated().map { index, value in
            guard let pair = value.arrayValue, pair.count == 2, let token = pair[0].stringValue,
                let score = pair[1].doubleValue
            else { throw configuration.malformed("vocab[\(index)]", "expected a token and its score") }
            return (token, UnigramScore.read(score))
        }
    }

    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, words: [Range<Int>], limit: Int, _ workspace: ModelWorkspace,
        into ids: TokenBuffer
    ) throws {
        for word in words where ids.count < limit {
            let bytes = UnsafeBufferPointer(rebasing: text[word])
            try workspace.tokens(of: bytes, at: word.lowerBound, into: ids) {
                try tokenize($0, workspace, into: ids)
            }
        }
    }

    /// Finds the best segmentation up to each position of the word (Viterbi), then traces it back.
    private func tokenize(
        _ word: UnsafeBufferPointer<UInt8>, _ workspace: ModelWorkspace, into ids: TokenBuffer
    )
        throws
    {
        let size = word.count
        guard size > 0 else { return }
        if workspace.bestIDs.count <= size {
            workspace.bestIDs = Array(repeating: 0, count: size * 2 + 64)
            workspace.bestStarts = workspace.bestIDs
            workspace.bestScores = Array(repeating: 0, count: size * 2 + 64)
        }
        let found = workspace.bestStarts.withUnsafeMutableBufferPointer { starts in
            workspace.bestIDs.withUnsafeMutableBufferPointer { best in
                workspace.bestScores.withUnsafeMutableBufferPointer { findPath(word, best, starts, $0) }
            }
        }
        guard found else {
            throw TokenizerError.invalidVocabulary(
                file: file,
                reason: "a text holds a character without a token, and unk_id is null; set model.unk_id")
        }
        // From the end: where pieces begin, unknown ones that touch as one.
        var pieces: [(Range<Int>, Int32)] = []
        var end = size
        while end > 0 {
            let (start, id) = (Int(workspace.bestStarts[end]), workspace.bestIDs[end])
            if id == unknownTokenID, let last = pieces.last, last.1 == id {
                pieces[pieces.count - 1].0 = start..<last.0.upperBound
            } else {
                pieces.append((start..<end, id))
            }
            end = start
        }
        for (range, id) in pieces.reversed() { try append(range, id, of: word, workspace, into: ids) }
    }

    /// - Returns: false where a character has no token, and there is no unknown token.
    private func findPath(
        _ word: UnsafeBufferPointer<UInt8>, _ best: UnsafeMutableBufferPointer<Int32>,
        _ starts: UnsafeMutableBufferPointer<Int32>, _ total: UnsafeMutableBufferPointer<Double>
    ) -> Bool {
        for place in 0...word.count { starts[place] = -1 }
        total[0] = 0
        var start = 0
        while start < word.count {
            let before = total[start]
            let length = UTF8Bytes.length(ofFirst: word[start])
            var hasSingle = false
            func offer(_ end: Int, _ score: Double, _ id: Int32) {
                if starts[end] < 0 || score > total[end] {
                    total[end] = score
                    starts[end] = Int32(truncatingIfNeeded: start)
                    best[end] = id
                }
            }
            var node: UInt32 = 0
            var end = start
            while end < word.count, let child = edges.child(of: node, word[end]) {
                node = child
                end &+= 1
                let id = values[Int(node)]
                guard id != PrefixTrees.none else { continue }
                offer(end, scores[Int(node)] + before, id)
                if end &- start == length { hasSingle = true }
            }
            if !hasSingle {
                let candidate = unknownScore + before
                let target = start + length
                if starts[target] < 0 || candidate > total[target] {
                    guard let unknown = unknownTokenID else { return false }
                    offer(target, candidate, unknown)
                }
            }
            start &+= length
        }
        return true
    }

    private func append(
        _ range: Range<Int>, _ id: Int32, of word: UnsafeBufferPointer<UInt8>, _ workspace: ModelWorkspace,
        into ids: TokenBuffer
    ) throws {
        guard id == unknownTokenID else {
            return workspace.append(id, range.lowerBound, range.upperBound, to: ids)
        }
        let piece = UnsafeBufferPointer(rebasing: word[range])
        if let known = vocabulary.id(of: piece) {
            return workspace.append(known, range.lowerBound, range.upperBound, to: ids)
        }
        if !bytes.isEmpty, piece.allSatisfy({ bytes[Int($0)] != nil }) {
            for byte in piece {
                workspace.append(bytes[Int(byte)] ?? id, range.lowerBound, range.upperBound, to: ids)
            }
            return
        }
        workspace.append(id, range.lowerBound, range.upperBound, to: ids)
    }
}
