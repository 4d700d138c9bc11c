extension Tokenizer {
    /// True if texts are lowercased before they are split.
    package var lowercases: Bool { Self.lowercases(normalizer) }

    /// True if a token is a special one, such as `[SEP]`.
    package func isSpecial(_ id: Int32) -> Bool { addedVocabulary.specialIDs.contains(id) }

    private static func lowercases(_ normalizer: (any Normalizer)?) -> Bool {
        switch normalizer {
        case is Lowercase: true
        case let bert as BertNormalizer: bert.lowercase
        case let sequence as NormalizerSequence: sequence.stages.contains { lowercases($0) }
        default: false
        }
    }
}
