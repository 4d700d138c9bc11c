import JSON

/// The parts of `tokenizer.json` that both kinds of vocabulary share.
struct GGUFTokenizerFields {
    let vocabulary: GGUFVocabulary
    let ends: GGUFTextEnds

    /// The file.
    ///
    /// - Parameters:
    ///   - isAdded: true for kinds of tokens that are found in a text before anything else.
    ///   - byteFallback: true if a character without a token becomes tokens of its bytes.
    func fields(
        isAdded: (GGUFTokenKind) -> Bool, normalizer: JSONValue, preTokenizer: JSONValue,
        postProcessor: JSONValue, decoder: JSONValue, merges: [(String, String)], unknown: JSONValue = .null,
        byteFallback: Bool = false, ignoresMerges: Bool = false
    ) -> JSONObject {
        var ids = JSONObject()
        for (id, token) in vocabulary.tokens.enumerated() { ids[token] = .integer(id) }
        let added = zip(vocabulary.tokens, vocabulary.kinds).enumerated().filter { id, entry in
            isAdded(entry.1) && !entry.0.isEmpty
        }
        return [
            "version": "1.0", "truncation": .null, "padding": .null,
            "added_tokens": .array(
                added.map { id, entry in
                    [
                        "id": .integer(id), "content": .string(entry.0), "single_word": false,
                        "lstrip": false,
                        "rstrip": false, "normalized": false, "special": .bool(entry.1 != .userDefined),
                    ]
                }), "normalizer": normalizer, "pre_tokenizer": preTokenizer,
            "post_processor": ends.postProcessor ?? postProcessor, "decoder": decoder,
            "model": [
                "type": "BPE", "dropout": .null, "unk_token": unknown, "continuing_subword_prefix": .null,
                "end_of_word_suffix": .null, "fuse_unk": .bool(byteFallback),
                "byte_fallback": .bool(byteFallback), "ignore_merges": .bool(ignoresMerges),
                "vocab": .object(ids),
                "merges": .array(merges.map { .array([.string($0.0), .string($0.1)]) }),
            ],
        ]
    }

    /// Checks that the tokens of every merge are there.
    func checkMerges(_ merges: [(String, String)]) throws {
        let known = Set(vocabulary.tokens.map(ExactName.init))
        for (place, (left, right)) in merges.enumerated() {
            guard let missing = [left, right, left + right].first(where: { !known.contains(ExactName($0)) })
            else { continue }
            throw GGUFError(
                vocabulary.checkpoint.path, key: GGUFVocabulary.key("merges"),
                "element \(place), \(quoted(left + " " + right)), needs token \(quoted(missing)), which is no token"
            )
        }
    }
}
