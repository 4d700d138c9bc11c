/// Looks words up whole: one that the vocabulary lacks is unknown.
struct WordLevel: Model {
    let vocabulary: Vocabulary
    let unknownTokenID: Int32?
    private let unknown: Int32

    init(_ configuration: StageConfiguration) throws {
        vocabulary = try configuration.vocabulary("vocab")
        let name = try configuration.string("unk_token")
        guard let id = vocabulary.id(of: name) else {
            throw TokenizerError.invalidVocabulary(
                file: configuration.file,
                reason:
                    "the vocabulary lacks the unknown token \(quoted(name)); add it, or name another as unk_token"
            )
        }
        unknown = id
        unknownTokenID = id
    }

    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, words: [Range<Int>], limit: Int, _ workspace: ModelWorkspace,
        into ids: TokenBuffer
    ) {
        for word in words where ids.count < limit && !word.isEmpty {
            ids.append(vocabulary.id(of: UnsafeBufferPointer(rebasing: text[word])) ?? unknown)
            workspace.append(word.lowerBound, word.upperBound)
        }
    }
}
