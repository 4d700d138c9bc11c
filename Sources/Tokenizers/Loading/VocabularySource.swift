import JSON

/// A vocabulary as a tokenizer's files hold it, before a class makes a model of it.
struct VocabularySource {
    enum Tokens {
        case ids(Vocabulary)
        case pieces([(token: String, score: Double)])
    }

    /// The file, for messages.
    let file: String
    let tokens: Tokens
    /// Of byte pair encoding; `nil` where there are none.
    var merges: [(String, String)]?
    /// The whole file, if it is `tokenizer.json`.
    var content: StageConfiguration?

    /// Reads the `model` of `tokenizer.json`.
    init(_ content: StageConfiguration) throws {
        let model = try content.object("model")
        file = content.file
        if model.object["vocab"]?.arrayValue != nil {
            tokens = .pieces(try Unigram.pieces(model))
        } else {
            tokens = .ids(try model.vocabulary("vocab"))
        }
        if let merges = model.object["merges"], !merges.isNull { self.merges = try BPE.merges(model) }
        self.content = content
    }

    /// Reads `vocab.txt`.
    init(vocabularyFile file: String) throws {
        self.file = file
        tokens = .ids(try VocabularyFile.read(file))
    }

    /// Reads `vocab.json` and `merges.txt`.
    init(vocabulary file: String, merges mergesFile: String) throws {
        self.file = file
        let entries = try StageConfiguration(
            file: file, value: .object(["vocab": JSONValue.load(contentsOf: file)]), expressions: nil)
        tokens = .ids(try entries.vocabulary("vocab"))
        merges = try MergesFile.read(mergesFile)
    }

    /// The ids of all tokens.
    func vocabulary() throws -> Vocabulary {
        switch tokens {
        case .ids(let vocabulary): vocabulary
        case .pieces(let pieces): try Vocabulary(pieces.enumerated().map { ($1.token, $0) }, file: file)
        }
    }
}
