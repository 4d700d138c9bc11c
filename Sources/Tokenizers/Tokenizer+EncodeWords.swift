import Storage

extension Tokenizer {
    /// Encodes a text that is already split into words, as transformers does with `is_split_into_words=True`: each
    /// word goes through normalizer, pre-tokenizer and model alone.
    ///
    /// A byte-level pre-tokenizer (RoBERTa's, GPT-2's) distinguishes a word at the beginning of a text from one after a
    /// space. Here every word is taken as one after a space unless `addsPrefixSpace` is false: this is
    /// `add_prefix_space=True` of transformers' classes for such models. Tokenizers that transformers 5 loads from
    /// their file alone, such as ModernBERT's, do not heed that setting: there the file decides, as here with false. It
    /// also decides where `ByteLevel` is one of several stages of a `Sequence`, as in Llama 3.
    ///
    /// - Parameters:
    ///   - words: the words; any may be empty or hold spaces.
    ///   - addSpecialTokens: true to add tokens such as `[CLS]` and `[SEP]`.
    ///   - addsPrefixSpace: true if a byte-level pre-tokenizer treats every word as preceded by a space; otherwise the
    ///     file decides.
    /// - Returns: all tokens; ``WordEncoding/windows(maxLength:stride:)`` cuts what is too long for a model.
    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` if a stage cannot take a word, whose position is the
    ///   index.
    public func encode(
        words: [String], addSpecialTokens: Bool = true, addsPrefixSpace: Bool = true
    ) throws -> WordEncoding {
        let encoder = WordEncoder(self, addSpecialTokens, addsPrefixSpace)
        return try workspaces.withWorkspace { try encoder.encode(words, $0) }
    }

    /// Encodes many texts that are already split into words, in parallel.
    ///
    /// - Parameters:
    ///   - wordLists: the words of each text.
    ///   - addSpecialTokens: true to add tokens such as `[CLS]` and `[SEP]`.
    ///   - addsPrefixSpace: true if a byte-level pre-tokenizer treats every word as preceded by a space; otherwise the
    ///     file decides.
    ///   - threads: the number of threads; by default that of the cores.
    /// - Returns: the encodings, in the order of the texts.
    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` for the first text that cannot be encoded, whose position
    ///   is the index.
    public func encode(
        wordLists: [[String]], addSpecialTokens: Bool = true, addsPrefixSpace: Bool = true,
        threads: Int? = nil
    ) throws -> [WordEncoding] {
        let encoder = WordEncoder(self, addSpecialTokens, addsPrefixSpace)
        let threads = max(1, threads ?? Processors.activeCount)
        let ranges = ParallelChunks.ranges(of: wordLists, threads: threads) { words in
            words.reduce(0) { $0 + $1.utf8.count + 16 }
        }
        let parts = try ParallelChunks.map(ranges, threads: threads, workspaces: workspaces) {
            range, workspace in
            try range.map { index in
                do {
                    return try encoder.encode(wordLists[index], workspace)
                } catch {
                    throw TokenizerError.of(text: index, error, replacing: true)
                }
            }
        }
        return Array(parts.joined())
    }
}

/// A tokenizer as it takes words one by one.
private struct WordEncoder: Sendable {
    private let tokenizer: Tokenizer
    private let template: [TemplatePiece]
    private let trimming: OffsetTrimming?

    init(_ tokenizer: Tokenizer, _ addSpecialTokens: Bool, _ addsPrefixSpace: Bool) {
        var tokenizer = tokenizer
        var trimming = tokenizer.postProcessor.trimming
        if addsPrefixSpace, let byteLevel = tokenizer.preTokenizer as? ByteLevel {
            tokenizer.preTokenizer = byteLevel.addingPrefixSpaces
            trimming?.addsPrefixSpace = true
        }
        self.tokenizer = tokenizer
        self.trimming = trimming
        template = tokenizer.postProcessor.template(isPair: false, addSpecialTokens: addSpecialTokens)
    }

    func encode(_ words: [String], _ workspace: EncodeWorkspace) throws -> WordEncoding {
        var encoding = WordEncoding(wordCount: words.count)
        for piece in template {
            switch piece.content {
            case .special(let id): encoding.append(special: id, typeID: piece.typeID)
            case .first: try append(words, typeID: piece.typeID, to: &encoding, workspace)
            case .second: break
            }
        }
        return encoding
    }

    private func append(
        _ words: [String], typeID: Int32, to encoding: inout WordEncoding, _ workspace: EncodeWorkspace
    ) throws {
        let ids = workspace.first
        var isStart = true
        for (index, word) in words.enumerated() {
            do {
                try tokenizer.tokenize(word, limit: .max, tracksOrigins: true, workspace, into: ids)
                try tokenizer.checkEmbeddings(ids)
            } catch {
                throw TokenizerError.of(text: index, error)
            }
            guard ids.count > 0 else { continue }
            encoding.ids += ids.elements
            encoding.typeIDs += repeatElement(typeID, count: ids.count)
            encoding.wordIndices += repeatElement(Optional(index), count: ids.count)
            encoding.offsets += tokenizer.offsets(
                PlacedTokens(word, workspace), 0..<ids.count, ids, isStart: isStart, trimming)
            isStart = false
        }
    }
}

extension ByteLevel {
    /// The same stage, which takes every text as one after a space.
    fileprivate var addingPrefixSpaces: ByteLevel {
        var stage = ByteLevel(addsPrefixSpace: true, usesRegex: usesRegex)
        stage.mapsBytes = mapsBytes
        return stage
    }
}
