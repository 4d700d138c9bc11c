/// A scanner's words for a ``BPE`` that takes bytes: GPT-2, RoBERTa, ModernBERT, Llama 3.
struct ByteLevelWords: DirectPath {
    private let scanner: WordScanner
    private let addsPrefixSpace: Bool
    private let model: BPE

    /// - Returns: `nil` for other stages.
    init?(_ preTokenizer: (any PreTokenizer)?, _ model: any Model) {
        guard let model = model as? BPE, model.takesBytes else { return nil }
        self.model = model
        let stages = (preTokenizer as? PreTokenizerSequence)?.stages ?? [preTokenizer].compactMap(\.self)
        guard let last = stages.last as? ByteLevel, !last.mapsBytes else { return nil }
        switch stages.count {
        case 1 where last.usesRegex: scanner = .gpt2
        case 2 where !last.usesRegex && !last.addsPrefixSpace:
            guard let scanner = (stages[0] as? SplitPreTokenizer)?.scanner else { return nil }
            self.scanner = scanner
        default: return nil
        }
        addsPrefixSpace = last.addsPrefixSpace
    }

    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, at start: Int, limit: Int, _ workspace: EncodeWorkspace,
        into ids: TokenBuffer
    ) throws -> Bool {
        if addsPrefixSpace, let first = text.first, first != 0x20 {
            let prefixed = workspace.normalized
            prefixed.count = 0
            prefixed.append(0x20 as UInt8)
            if let source = text.baseAddress { prefixed.append(source, count: text.count) }
            tokenize(prefixed.bytes, limit, workspace, into: ids)
        } else {
            tokenize(text, limit, workspace, into: ids)
        }
        return true
    }

    private func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, _ limit: Int, _ workspace: EncodeWorkspace, into ids: TokenBuffer
    ) {
        guard let base = text.baseAddress else { return }
        let cache = workspace.words
        let model = model
        let modelWorkspace = workspace.model
        modelWorkspace.spans.count = 0
        scanner.forEachWord(text) { start, end in
            guard ids.count < limit else { return false }
            let count = end &- start
            guard count <= WordCache.longest else {
                model.tokenizeWord(
                    UnsafeBufferPointer(start: base + start, count: count), at: start, modelWorkspace,
                    into: ids)
                return true
            }
            let key = WordCache.Key(base + start, count, available: text.count &- start)
            if !cache.append(key, to: ids) {
                let before = ids.count
                model.tokenizeWord(
                    UnsafeBufferPointer(start: base + start, count: count), at: start, modelWorkspace,
                    into: ids)
                cache.remember(key, ids, from: before)
            }
            return true
        }
    }
}
