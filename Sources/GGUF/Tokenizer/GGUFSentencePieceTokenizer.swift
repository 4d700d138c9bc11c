import JSON

/// `tokenizer.json` for a vocabulary of SentencePiece's byte pair encoding, such as Llama 2's and Gemma's.
struct GGUFSentencePieceTokenizer {
    private let vocabulary: GGUFVocabulary
    private let ends: GGUFTextEnds

    private static let space = "▁"
    /// Longer tokens are no words; each takes time that grows with the square of its length.
    private static let longestToken = 1024

    init(_ vocabulary: GGUFVocabulary, _ ends: GGUFTextEnds) throws {
        self.vocabulary = vocabulary
        self.ends = ends
        if try vocabulary.flag("remove_extra_whitespaces") == true {
            throw GGUFError(
                vocabulary.checkpoint.path, key: GGUFVocabulary.key("remove_extra_whitespaces"),
                "is true, which is not supported; take the tokenizer of the original model")
        }
    }

    func fields() throws -> JSONObject {
        let parts = GGUFTokenizerFields(vocabulary: vocabulary, ends: ends)
        let merges: [(String, String)]
        if let own = vocabulary.merges {
            try parts.checkMerges(own)
            merges = own
        } else {
            merges = try mergesFromScores()
        }
        let prefixes = try vocabulary.flag("add_space_prefix") ?? true
        let replaced: JSONValue = [
            "type": "Replace", "pattern": ["String": " "], "content": .string(Self.space),
        ]
        let prepended: JSONValue = ["type": "Prepend", "prepend": .string(Self.space)]
        var decoders: [JSONValue] = [
            ["type": "Replace", "pattern": ["String": .string(Self.space)], "content": " "],
            ["type": "ByteFallback"], ["type": "Fuse"],
        ]
        if prefixes { decoders.append(["type": "Strip", "content": " ", "start": 1, "stop": 0]) }
        return parts.fields(
            isAdded: { [.control, .userDefined, .unknown].contains($0) },
            normalizer: [
                "type": "Sequence", "normalizers": .array(prefixes ? [prepended, replaced] : [replaced]),
            ],
            preTokenizer: .null, postProcessor: .null,
            decoder: ["type": "Sequence", "decoders": .array(decoders)], merges: merges,
            unknown: try unknownToken(), byteFallback: true)
    }

    private func unknownToken() throws -> JSONValue {
        let id = try vocabulary.id("unknown_token_id") ?? vocabulary.kinds.firstIndex(of: .unknown)
        return id.map { .string(vocabulary.tokens[$0]) } ?? .null
    }

    /// The merges that the tokens' scores stand for: of each token every pair of tokens that makes it up, those with the
    /// highest score first.
    ///
    /// Source: transformers, `generate_merges`.
    private func mergesFromScores() throws -> [(String, String)] {
        guard let scores = vocabulary.scores else {
            throw GGUFError(
                vocabulary.checkpoint.path, key: GGUFVocabulary.key("scores"),
                "is missing; take the tokenizer of the original model")
        }
        var ids: [ArraySlice<UInt8>: Int] = [:]
        let spellings = vocabulary.tokens.map { Array($0.utf8)[...] }
        for (id, spelling) in spellings.enumerated() { ids[spelling] = id }
        var merges: [Merge] = []
        for (id, spelling) in spellings.enumerated() where ids[spelling] == id {
            guard spelling.count <= Self.longestToken else {
                throw GGUFError(
                    vocabulary.checkpoint.path, key: GGUFVocabulary.key("tokens"),
                    "element \(id) is \(spelling.count) bytes long; the file is damaged")
            }
            merges += Self.merges(of: spelling, scores[id], ids)
        }
        // Ties keep their order.
        let order = merges.indices.sorted { a, b in
            let (left, right) = (merges[a], merges[b])
            if left.score != right.score { return left.score > right.score }
            if left.lengths != right.lengths { return left.lengths > right.lengths }
            return a < b
        }
        return order.map { (vocabulary.tokens[merges[$0].left], vocabulary.tokens[merges[$0].right]) }
    }

    /// A pair of tokens by their ids.
    private struct Merge {
        let left: Int
        let right: Int
        let score: Double
        /// The numbers of their characters.
        let lengths: (Int, Int)
    }

    private static func merges(
        of spelling: ArraySlice<UInt8>, _ score: Double, _ ids: [ArraySlice<UInt8>: Int]
    ) -> [Merge] {
        func isStart(_ byte: UInt8) -> Bool { byte & 0xC0 != 0x80 }
        let characters = spelling.count(where: isStart)
        var found: [Merge] = []
        var length = 0
        for place in spelling.indices where isStart(spelling[place]) {
            if length > 0, let left = ids[spelling[..<place]], let right = ids[spelling[place...]] {
                found.append(
                    Merge(left: left, right: right, score: score, lengths: (length, characters - length)))
            }
            length += 1
        }
        return found.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
    }
}
