/// ``BertPreTokenizer`` and ``WordPiece`` in one pass over the normalized text, as in section 5 of "Fast WordPiece
/// Tokenization" (https://arxiv.org/abs/2012.15524).
///
/// Words of ASCII letters and digits are taken eight bytes at a time and looked up whole, ASCII punctuation byte by
/// byte; what is neither goes through the two stages themselves.
final class BertWordPiece: Sendable {
    private let preTokenizer: BertPreTokenizer
    private let model: WordPiece
    private let words: WordTable
    /// The pre-tokenizer's class of each byte that is a character; others are ``BertPreTokenizer/Class/letter``.
    private let classes: ConstantTable<UInt32>
    /// The token of each ASCII character as a word.
    private let characters: ConstantTable<Int32>

    init(_ preTokenizer: BertPreTokenizer, _ model: WordPiece) {
        self.preTokenizer = preTokenizer
        self.model = model
        words = WordTable(model.vocabulary, maximumLength: model.maximumScalarsPerWord)
        classes = ConstantTable(
            (0..<256).map { $0 < 128 ? preTokenizer.kind(of: $0) : BertPreTokenizer.Class.letter })
        characters = ConstantTable(
            (0..<128 as Range<UInt8>).map { character in
                var id: Int32 = 0
                _ = withUnsafePointer(to: character) {
                    model.tokenize(UnsafeBufferPointer(start: $0, count: 1), into: &id)
                }
                return id
            })
    }

    /// Appends the tokens of a text.
    ///
    /// - Parameters:
    ///   - text: the text, followed by eight spaces (``GrowingBuffer/pad()``).
    ///   - limit: no more words are begun once `ids` holds as many.
    func tokenize(_ text: UnsafeBufferPointer<UInt8>, limit: Int, into ids: TokenBuffer) {
        guard var place = text.baseAddress, ids.count < limit else { return }
        ids.reserve(text.count)
        let end = place + text.count
        var target = ids.start + ids.count
        // There are no more tokens than bytes.
        let stop = target + min(limit - ids.count, text.count + 1)
        while place < end, target < stop {
            let eight = EightBytes.load(place)
            let length = EightBytes.leadingAlphanumerics(eight)
            if length == 0 {
                let byte = EightBytes.byte(eight, 0)
                let kind = classes[Int(byte)]
                if kind == BertPreTokenizer.Class.letter {
                    tokenizeOther(&place, end, &target)
                    continue
                }
                if kind == BertPreTokenizer.Class.punctuation {
                    target.pointee = characters[Int(byte)]
                    target += 1
                }
                place += EightBytes.byte(eight, 1) == 0x20 ? 2 : 1
            } else if length < 8 {
                let next = EightBytes.byte(eight, length)
                if classes[Int(next)] == BertPreTokenizer.Class.letter {
                    tokenizeOther(&place, end, &target)
                    continue
                }
                if let id = words.id(of: EightBytes.prefix(eight, length)) {
                    target.pointee = id
                    target += 1
                } else {
                    split(place, length, &target)
                }
                place += length &+ (next == 0x20 ? 1 : 0)
            } else {
                let others = EightBytes.load(place + 8)
                let more = EightBytes.leadingAlphanumerics(others)
                if more == 8 {
                    tokenizeOther(&place, end, &target)
                    continue
                }
                let next = EightBytes.byte(others, more)
                if classes[Int(next)] == BertPreTokenizer.Class.letter {
                    tokenizeOther(&place, end, &target)
                    continue
                }
                if let id = words.id(of: eight, EightBytes.prefix(others, more)) {
                    target.pointee = id
                    target += 1
                } else {
                    split(place, 8 &+ more, &target)
                }
                place += 8 &+ more &+ (next == 0x20 ? 1 : 0)
            }
        }
        ids.count = target - ids.start
    }

    /// Splits a word that is not a token.
    @inline(never)
    private func split(
        _ word: UnsafePointer<UInt8>, _ length: Int, _ target: inout UnsafeMutablePointer<Int32>
    ) {
        target += model.tokenize(UnsafeBufferPointer(start: word, count: length), into: target)
    }

    /// Takes any word: it ends before the next white space or punctuation, or is a punctuation mark.
    @inline(never)
    private func tokenizeOther(
        _ place: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>,
        _ target: inout UnsafeMutablePointer<Int32>
    ) {
        let text = UnsafeBufferPointer(start: place, count: end - place)
        var length = 0
        while length < text.count {
            let scalar = UTF8Bytes.scalar(in: text, at: length)
            let kind = preTokenizer.kind(of: scalar.value)
            if kind == BertPreTokenizer.Class.letter {
                length &+= scalar.length
                continue
            }
            if length == 0 {
                if kind == BertPreTokenizer.Class.punctuation { split(place, scalar.length, &target) }
                place += scalar.length
                return
            }
            break
        }
        split(place, length, &target)
        place += length
    }
}
