import JSON

/// `tokenizer.json` for a vocabulary of byte pair encoding over bytes, such as GPT-2's.
struct GGUFByteLevelTokenizer {
    private let vocabulary: GGUFVocabulary
    private let ends: GGUFTextEnds

    init(_ vocabulary: GGUFVocabulary, _ ends: GGUFTextEnds) {
        self.vocabulary = vocabulary
        self.ends = ends
    }

    func fields() throws -> JSONObject {
        guard let merges = vocabulary.merges else {
            throw GGUFError(
                vocabulary.checkpoint.path, key: GGUFVocabulary.key("merges"),
                "is missing; take the tokenizer of the original model")
        }
        let parts = GGUFTokenizerFields(vocabulary: vocabulary, ends: ends)
        try parts.checkMerges(merges)
        let name = vocabulary.preTokenizer
        let plain = GGUFPreTokenizer.byteLevel(prefix: false, splits: true)
        return parts.fields(
            isAdded: { $0 == .control || $0 == .userDefined }, normalizer: GGUFPreTokenizer.normalizer(name),
            preTokenizer: try GGUFPreTokenizer.stages(vocabulary),
            postProcessor: [
                "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true,
            ], decoder: plain, merges: merges, ignoresMerges: GGUFPreTokenizer.ignoresMerges(name))
    }
}
