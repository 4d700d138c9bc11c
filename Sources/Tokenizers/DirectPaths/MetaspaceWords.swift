/// SentencePiece's words, each normalized by itself: XLM-RoBERTa, CamemBERT, ALBERT, DeBERTa v3, T5.
///
/// This gives what the stages give where the normalizer works character by character, as ``ASCIIMap`` says of ASCII,
/// and as it is for ``SelfContainedScalars``. Texts with anything else are declined.
struct MetaspaceWords: DirectPath {
    /// The class of a byte of the text.
    private enum Kind {
        static let word: UInt8 = 0
        static let space: UInt8 = 1
        /// The first byte of one of the normalizer's patterns.
        static let pattern: UInt8 = 2
        static let declined: UInt8 = 3
        static let beyondASCII: UInt8 = 4
    }

    private let normalizer: (any Normalizer)?
    private let metaspace: Metaspace
    private let model: any Model
    private let map: ASCIIMap
    private let addedTokens: AddedTokenMatcher
    /// True if a run of white space counts as one space, and white space at the ends is dropped.
    private let splitsAtWhitespace: Bool
    private let kinds: ConstantTable<UInt8>
    private let mapped: ConstantTable<UInt8>

    /// - Returns: `nil` for other stages.
    init?(
        _ normalizer: (any Normalizer)?, _ preTokenizer: (any PreTokenizer)?, _ model: any Model,
        _ addedTokens: AddedTokenMatcher
    ) {
        let stages = (preTokenizer as? PreTokenizerSequence)?.stages ?? [preTokenizer].compactMap(\.self)
        guard let metaspace = stages.last as? Metaspace, metaspace.splits else { return nil }
        switch stages.count {
        case 1: splitsAtWhitespace = false
        case 2
        where (stages[0] as? SplitPreTokenizer)?.splitsAtWhitespace == true && metaspace.scheme != .first:
            splitsAtWhitespace = true
        default: return nil
        }
        let beginsBeyondASCII = (0x80...0xFF).contains { addedTokens.mayBegin(with: $0) }
        guard metaspace.replacement.allSatisfy({ $0 >= 0x80 }), !beginsBeyondASCII,
            let map = normalizer.map(ASCIIMap.init) ?? ASCIIMap(),
            !splitsAtWhitespace || map.spaceRuns != .changed
        else { return nil }
        self.addedTokens = addedTokens
        self.normalizer = normalizer
        self.metaspace = metaspace
        self.model = model
        self.map = map
        let splits = splitsAtWhitespace
        let isWhitespace = { UnicodeTables.contains(UInt32($0 as UInt8), in: UnicodeTables.whitespace) }
        kinds = ConstantTable(
            (0...255).map { (byte: UInt8) in
                guard byte < 0x80 else { return byte < 0xC0 ? Kind.declined : Kind.beyondASCII }
                guard let result = map.bytes[Int(byte)], !addedTokens.mayBegin(with: result) else {
                    return Kind.declined
                }
                if map.patterns.contains(where: { $0[0] == byte }) { return Kind.pattern }
                if result == 0x20 || splits && isWhitespace(result) { return Kind.space }
                return isWhitespace(result) && map.stripsEnds ? Kind.declined : Kind.word
            })
        mapped = ConstantTable(map.bytes.map { $0 ?? 0 })
    }

    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, at start: Int, limit: Int, _ workspace: EncodeWorkspace,
        into ids: TokenBuffer
    ) throws -> Bool {
        guard let base = text.baseAddress, !text.isEmpty else { return true }
        let size = text.count
        let before = ids.count
        workspace.model.spans.count = 0
        if !splitsAtWhitespace, map.stripsEnds,
            kinds[Int(text[0])] == Kind.space || kinds[Int(text[size - 1])] == Kind.space
        {
            return false
        }
        let prepends = metaspace.scheme == .always || metaspace.scheme == .first && start == 0
        var place = 0
        while place < size, ids.count < limit {
            // A space begins a word; anything else here begins the text.
            var isMarked = prepends
            if kinds[Int(text[place])] == Kind.space {
                place &+= 1
                isMarked = true
                if splitsAtWhitespace { continue }
                if map.spaceRuns != .kept, place < size, kinds[Int(text[place])] == Kind.space {
                    ids.count = before
                    return false
                }
            }
            // The beginning of a text may be dropped, and then no word is at its start.
            guard let (end, isASCII) = endOfWord(text, place),
                isASCII || place > 0 || metaspace.scheme != .first
            else {
                ids.count = before
                return false
            }
            let count = end &- place
            if count == 0 || count > WordCache.longest {
                guard try add(text, place..<end, isMarked, isASCII, workspace, into: ids) else {
                    ids.count = before
                    return false
                }
            } else {
                let key = WordCache.Key(
                    base + place, count, available: size &- place, mark: isMarked ? 1 : 0)
                if !workspace.words.append(key, to: ids) {
                    let first = ids.count
                    guard try add(text, place..<end, isMarked, isASCII, workspace, into: ids) else {
                        ids.count = before
                        return false
                    }
                    workspace.words.remember(key, ids, from: first)
                }
            }
            place = end
        }
        return true
    }

    /// Returns the end of the word, and whether the word is ASCII; `nil` if the text has to be declined.
    @inline(__always)
    private func endOfWord(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> (Int, isASCII: Bool)? {
        var place = start
        var isASCII = true
        while place < text.count {
            switch kinds[Int(text[place])] {
            case Kind.word: place &+= 1
            case Kind.space: return (place, isASCII)
            case Kind.pattern:
                if map.patterns.contains(where: { text[place...].starts(with: $0) }) { return nil }
                place &+= 1
            case Kind.beyondASCII:
                let scalar = UTF8Bytes.scalar(in: text, at: place)
                guard SelfContainedScalars.contains(scalar.value) else { return nil }
                isASCII = false
                place &+= scalar.length
            default: return nil
            }
        }
        return (place, isASCII)
    }

    /// Appends the tokens of a word.
    ///
    /// - Returns: false if its normalized form is no word.
    private func add(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ isMarked: Bool, _ isASCII: Bool,
        _ workspace: EncodeWorkspace, into ids: TokenBuffer
    ) throws -> Bool {
        let word = workspace.piece
        word.count = 0
        if isMarked { for byte in metaspace.replacement { word.append(byte) } }
        if isASCII {
            for byte in text[range] { word.append(mapped[Int(byte)]) }
        } else {
            var aligned = AlignedText(Array(text[range]))
            try normalizer?.normalize(&aligned)
            let hasSpaces = aligned.scalars.contains {
                UnicodeTables.contains($0, in: UnicodeTables.whitespace)
            }
            guard !hasSpaces, !aligned.bytes.isEmpty,
                aligned.bytes.firstPlace(of: metaspace.replacement) == nil,
                !aligned.bytes.contains(where: addedTokens.mayBegin)
            else { return false }
            for byte in aligned.bytes { word.append(byte) }
        }
        if word.count > 0 {
            try model.tokenize(
                word.bytes, words: [0..<word.count], limit: .max, workspace.model, into: ids)
        }
        return true
    }
}
