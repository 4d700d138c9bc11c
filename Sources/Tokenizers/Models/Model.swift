/// The third stage: splits words into tokens of its vocabulary.
protocol Model: Sendable {
    /// The model's own tokens, without those that were added later.
    var vocabulary: Vocabulary { get }
    /// The unknown token, if the model has one.
    var unknownTokenID: Int32? { get }
    /// True if tokens that continue a word are marked by a prefix such as `##`.
    var marksContinuations: Bool { get }

    /// Appends the ids of the words' tokens, and their positions in the text to the workspace's spans.
    ///
    /// - Parameters:
    ///   - words: byte ranges of the text.
    ///   - limit: no more words are begun once `ids` holds as many.
    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, words: [Range<Int>], limit: Int, _ workspace: ModelWorkspace,
        into ids: TokenBuffer) throws
}

extension Model {
    var marksContinuations: Bool { false }
}

extension StageRegistry where Stage == any Model {
    /// The models that `tokenizer.json` may name.
    static var models: Self {
        Self(
            part: "model",
            stages: [
                "WordPiece": { try WordPiece($0) }, "BPE": { try BPE($0) }, "Unigram": { try Unigram($0) },
                "WordLevel": { try WordLevel($0) },
            ])
    }
}
