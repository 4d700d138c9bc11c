import Storage

/// Drops tokens that some data never use from a WordPiece or byte-level BPE tokenizer, and with them the rows of a model's word
/// embeddings.
///
/// The invariant: **a text whose tokens are all kept, `[UNK]` not among them, gets exactly the same tokens.**
///
/// Byte-level BPE merges the pair of the lowest rank, of several the first. With the tokens that are used stay all that merges make on
/// the way to them, and every merge whose two tokens and their result stay, in the old order. Let a text's merges be m₁…mₙ: all
/// of their results stay. Where both have come to the same symbols, mᵢ is the first of the merges that are possible with all, and it
/// stays, so that it is the first of the fewer ones as well. The tokens of bytes always stay: a text has tokens that stand for its
/// bytes, as far as the vocabulary had one for each (SmolLM2's lacks 21, most of which no text has).
///
/// WordPiece takes at each position of a word the longest token that matches there. Let V be all tokens and K ⊆ V those
/// kept, and let V's tokens of a word be t₁…tₙ, all in K. At a position that both have reached by the same tokens, the
/// longest fitting token of V is tᵢ; it is in K, and K has no longer one, since whatever K has V has too. So K takes tᵢ
/// as well, and by induction all of them. Normalizer, splitting into words, added tokens and the longest word allowed
/// do not change. (Where V's greedy choice leads into a dead end, and the word is `[UNK]`, K without the token chosen
/// may find a way; such a word can only become known.)
///
/// No word becomes unknown if all of its characters keep their tokens, `c` at its beginning and `##c` further on: it
/// is split, because at each position at least the one character matches; see ``TrimmingOptions/Alphabet``.
///
/// ```swift
/// let trimmed = try VocabularyTrimmer(directory: model, expressions: nil).plan(used: counts)
/// try trimmed.write(to: output)
/// ```
public struct VocabularyTrimmer: Sendable {
    /// The path of the directory of the tokenizer's files.
    public let directory: String
    /// The tokenizer as it is.
    public let tokenizer: Tokenizer
    private let stored: StoredTokenizer
    /// The tokens that are found in the text before the model sees it.
    private let added: Set<Int>
    /// Tokens without which the tokenizer or its users could not do.
    private let special: Set<Int>
    /// The prefix of tokens that continue a word, of WordPiece.
    private let prefix: String

    /// Byte pair encoding of bytes; `nil` for WordPiece.
    private var bytePairs: BPE? { tokenizer.model as? BPE }

    /// Opens a tokenizer.
    ///
    /// - Parameters:
    ///   - directory: The tokenizer's files, such as a model's directory.
    ///   - expressions: As for ``Tokenizer/load(directory:expressions:)``.
    /// - Throws: ``TokenizerError`` where it cannot be loaded, and
    ///   ``TokenizerError/unsupported(file:part:type:supported:)`` where its model is neither WordPiece nor byte-level BPE: others
    ///   would split what remains in other ways, or have no tokens for some texts.
    public init(directory: some FileLocation, expressions: (any RegularExpressionEngine)?) throws {
        let tokenizer = try Tokenizer.load(directory: directory, expressions: expressions)
        self.tokenizer = tokenizer
        let path = directory.filePath
        self.directory = path
        let isByteLevel = tokenizer.isBytePairs
        guard tokenizer.model is WordPiece || isByteLevel else {
            throw TokenizerError.unsupported(
                file: path, part: "the tokenizer's model",
                type: tokenizer.model is BPE ? "BPE that is not byte-level" : "\(type(of: tokenizer.model))",
                supported: ["WordPiece", "byte-level BPE (only their vocabularies can be trimmed)"])
        }
        stored = try StoredTokenizer(directory: path)
        prefix = isByteLevel ? "" : try stored.continuingSubwordPrefix()
        let settings = try TokenizerSettings(directory: path)
        let own = try stored.addedTokens()
        let all = own + settings.addedTokens(besides: own, in: tokenizer.model.vocabulary)
        added = Set(all.compactMap { tokenizer.tokenToID($0.token.content).map(Int.init) })
        special = added.union(Self.special(tokenizer)).union(try stored.postProcessorIDs())
    }

    /// Decides which tokens stay, and rewrites the files.
    ///
    /// - Parameters:
    ///   - used: The number of occurrences of each token in the data.
    ///   - options: The tokens to keep besides.
    ///   - keeping: Ids that something else refers to, such as the `pad_token_id` of a model's configuration.
    /// - Throws: ``TokenizerError/invalidVocabulary(file:reason:)`` where ids are named that the tokenizer does not
    ///   have, where nothing was counted, or where the files cannot express what is left; and the error of a file that
    ///   cannot be read.
    public func plan(
        used: TokenCounts, options: TrimmingOptions = TrimmingOptions(), keeping: Set<Int> = []
    ) throws -> TrimmedVocabulary {
        func invalid(_ reason: String) -> TokenizerError {
            .invalidVocabulary(file: directory, reason: reason)
        }
        guard options.minimumCount >= 1 else {
            throw invalid("a token's minimum count must be at least 1, not \(options.minimumCount)")
        }
        guard used.total > 0 else { throw invalid("no token was counted; give data with texts") }
        let vocabulary = tokenizer.addedVocabulary.vocabulary
        func exists(_ id: Int) -> Bool { Int32(exactly: id).flatMap(vocabulary.token) != nil }
        for id in used.ids + keeping.sorted() where !exists(id) {
            throw invalid("it has no token \(id); use the tokenizer that the ids came from")
        }
        let special = special.union(keeping)
        let frequent = Set(used.ids.filter { used[$0] >= options.minimumCount })
        let characters =
            try bytePairs.map { try pathIDs($0, to: frequent) }
            ?? characterIDs(options.alphabet, used: used.ids)
        let kept = special.union(frequent).union(characters).filter(exists).sorted()
        let files = try stored.trimmed(to: kept, of: tokenizer)
        return TrimmedVocabulary(
            keptIDs: kept, originalCount: vocabulary.count, minimumCount: options.minimumCount,
            alphabet: options.alphabet, usedCount: used.ids.count,
            droppedUsedCount: Set(used.ids).subtracting(kept).count,
            unseenCharacterCount: characters.subtracting(special).subtracting(frequent).count, files: files)
    }

    private static func special(_ tokenizer: Tokenizer) -> [Int] {
        let padding = tokenizer.padding
        let ids = [
            tokenizer.padTokenID, tokenizer.unknownTokenID, tokenizer.clsTokenID, tokenizer.sepTokenID,
            tokenizer.maskTokenID, tokenizer.model.unknownTokenID, padding?.padID,
            padding.flatMap { tokenizer.tokenToID($0.padToken) },
        ]
        return (ids.compactMap(\.self) + tokenizer.postProcessor.specialTokenIDs).map(Int.init)
    }

    /// The tokens of bytes, and those that merges make on the way to others.
    ///
    /// - Throws: ``TokenizerError/invalidVocabulary(file:reason:)`` for a token that the merges do not make.
    private func pathIDs(_ model: BPE, to tokens: Set<Int>) throws -> Set<Int> {
        var ids = Set(model.byteTokens.map(Int.init))
        for token in tokens.sorted() where !added.contains(token) {
            let path = model.path(to: Int32(token))
            guard !path.isEmpty || model.ignoresMerges else {
                throw TokenizerError.invalidVocabulary(
                    file: directory,
                    reason:
                        "merges do not lead to token \(token), \(quoted(tokenizer.idToToken(Int32(token)) ?? "")), which the texts use; "
                        + "its vocabulary cannot be trimmed")
            }
            ids.formUnion(path.map(Int.init))
        }
        return ids
    }

    /// The tokens of single characters that stay.
    private func characterIDs(_ alphabet: TrimmingOptions.Alphabet, used: [Int]) -> Set<Int> {
        guard alphabet != .none else { return [] }
        let vocabulary = tokenizer.model.vocabulary
        var wanted: Set<Unicode.Scalar>?
        if alphabet == .data {
            var characters = Set((0x21...0x7E as ClosedRange<UInt8>).map { Unicode.Scalar($0) })
            for id in used where !added.contains(id) {
                if let token = vocabulary.token(of: Int32(id)) { characters.formUnion(content(of: token)) }
            }
            wanted = characters
        }
        var ids: Set<Int> = []
        for id in vocabulary.ids {
            guard let token = vocabulary.token(of: id) else { continue }
            let scalars = content(of: token)
            guard let scalar = scalars.first, scalars.count == 1, wanted?.contains(scalar) ?? true else {
                continue
            }
            ids.insert(Int(id))
        }
        return ids
    }

    /// A token's characters without the prefix of those that continue a word.
    private func content(of token: String) -> String.UnicodeScalarView.SubSequence {
        let scalars = token.unicodeScalars
        let prefix = prefix.unicodeScalars
        let continues = scalars.count > prefix.count && scalars.starts(with: prefix)
        return scalars.dropFirst(continues ? prefix.count : 0)
    }
}
