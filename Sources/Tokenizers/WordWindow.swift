/// A window of a ``WordEncoding``: the part that a model reads at once.
public struct WordWindow: Sendable, Equatable {
    /// The token ids, including those of special tokens.
    public var ids: [Int32]
    /// The text that each token belongs to, as passed to the model (`token_type_ids`).
    public var typeIDs: [Int32]
    /// The index among all words of each token's word; `nil` for a token that the tokenizer added.
    public var wordIndices: [Int?]
    /// The range, in the whole encoding, of this window's tokens between the special ones.
    public var tokens: Range<Int>
    /// The words that are predicted from this window. The windows of an encoding own all of its words in order, each
    /// once.
    public var owned: Range<Int>
    /// The index in ``ids`` of each owned word's first token; `nil` for a word without tokens.
    public var positions: [Int?]
}

extension WordEncoding {
    /// Cuts the encoding into windows, each with the tokens that the tokenizer adds.
    ///
    /// A word is never divided, except one that is longer than a window: of that the first tokens stay, the others
    /// are in no window. Of the windows that hold a word that one owns it in which the poorer of its two sides has
    /// most tokens, and of equal ones the first. A word without tokens is owned by the window that owns the word
    /// before it.
    ///
    /// - Parameters:
    ///   - maxLength: the greatest number of tokens of a window, added ones included.
    ///   - stride: the maximum number of tokens that a window repeats of the one before it; fewer so as to begin at
    ///     a word.
    /// - Returns: the windows that own words, and one where there are no words.
    /// - Throws: ``TokenizerError/truncation(_:)`` where a window has no room for a word's token, or the stride fills
    ///   it.
    public func windows(maxLength: Int, stride: Int) throws -> [WordWindow] {
        let frame = Frame(self)
        let room = maxLength - frame.addedCount
        guard room > 0 else {
            throw TokenizerError.truncation(
                "a length of \(maxLength) has no room for words beside the \(frame.addedCount) special tokens; pass a "
                    + "larger maxLength")
        }
        guard (0..<room).contains(stride) else {
            throw TokenizerError.truncation(
                "a stride of \(stride) does not fit; it must be from 0 to \(room - 1), less than the \(room) tokens "
                    + "of words in a window")
        }
        let layout = WordLayout(self, body: frame.body, room: room)
        return layout.windows(stride: stride).map { frame.window($0, layout, of: self) }
    }
}

/// The special tokens before and after the words' tokens.
private struct Frame {
    /// The tokens of words.
    let body: Range<Int>
    /// The number of tokens before and after them.
    let addedCount: Int

    init(_ encoding: WordEncoding) {
        let indices = encoding.wordIndices
        // If no word has a token, all are before.
        let start = indices.firstIndex { $0 != nil } ?? indices.count
        let last = indices.lastIndex { $0 != nil }
        body = start..<(last.map { $0 + 1 } ?? indices.count)
        addedCount = indices.count - body.count
    }

    func window(_ window: WordLayout.Window, _ layout: WordLayout, of encoding: WordEncoding) -> WordWindow {
        let words = window.words
        // The effective length leaves out what is cut off a long word, which stands alone.
        let start = words.isEmpty ? body.lowerBound : layout.firstTokens[words.lowerBound]
        let tokens = start..<start + layout.length(of: words)
        let (before, behind) = (0..<body.lowerBound, body.upperBound..<encoding.count)
        func framed<Element>(_ list: [Element]) -> [Element] {
            Array(list[before]) + list[tokens] + list[behind]
        }
        return WordWindow(
            ids: framed(encoding.ids), typeIDs: framed(encoding.typeIDs),
            wordIndices: framed(encoding.wordIndices), tokens: tokens, owned: window.owned,
            positions: window.owned.map { word in
                layout.isEmpty(word) ? nil : layout.firstTokens[word] - start + body.lowerBound
            })
    }
}

/// The token ranges of an encoding's words, each cut to at most the length of a window.
private struct WordLayout {
    /// Words that one window holds, and those that it owns.
    struct Window {
        var words: Range<Int>
        var owned: Range<Int>
    }

    /// The first token of each word in the encoding; that of a word without tokens is the next word's.
    let firstTokens: [Int]
    /// The number of tokens before each word, and of all, those cut off left out.
    private let starts: [Int]
    private let room: Int

    init(_ encoding: WordEncoding, body: Range<Int>, room: Int) {
        self.room = room
        var (firstTokens, starts) = ([Int](), [0])
        firstTokens.reserveCapacity(encoding.wordCount)
        starts.reserveCapacity(encoding.wordCount + 1)
        var token = body.lowerBound
        for word in 0..<encoding.wordCount {
            firstTokens.append(token)
            while token < body.upperBound, encoding.wordIndices[token] ?? word <= word { token += 1 }
            starts.append(starts[word] + min(token - firstTokens[word], room))
        }
        (self.firstTokens, self.starts) = (firstTokens, starts)
    }

    private var wordCount: Int { firstTokens.count }

    func isEmpty(_ word: Int) -> Bool { starts[word] == starts[word + 1] }

    /// The number of tokens of some words.
    func length(of words: Range<Int>) -> Int { starts[words.upperBound] - starts[words.lowerBound] }

    func windows(stride: Int) -> [Window] {
        let held = heldWords(stride: stride)
        var windows = held.map { Window(words: $0, owned: 0..<0) }
        var (window, first) = (0, 0)
        for word in 0..<wordCount where !isEmpty(word) {
            while window + 1 < held.count, isPoorer(word, in: held[window], than: held[window + 1]) {
                windows[window].owned = first..<word
                (window, first) = (window + 1, word)
            }
        }
        windows[window].owned = first..<wordCount
        return windows.count == 1 ? windows : windows.filter { !$0.owned.isEmpty }
    }

    /// Returns true if a word has more tokens on its poorer side in the later of two windows.
    private func isPoorer(_ word: Int, in earlier: Range<Int>, than later: Range<Int>) -> Bool {
        guard later.lowerBound <= word else { return false }
        guard word < earlier.upperBound else { return true }
        func poorerSide(_ window: Range<Int>) -> Int {
            min(length(of: window.lowerBound..<word), length(of: word + 1..<window.upperBound))
        }
        return poorerSide(later) > poorerSide(earlier)
    }

    /// The words of each window: as many as have room, and again those that the stride repeats.
    private func heldWords(stride: Int) -> [Range<Int>] {
        var held: [Range<Int>] = []
        var (start, end) = (0, 0)
        while true {
            while end < wordCount, starts[end + 1] - starts[start] <= room { end += 1 }
            held.append(start..<end)
            guard end < wordCount else { return held }
            // The next word must have room, and what is repeated be no longer than the stride.
            let least = max(starts[end] - stride, starts[end + 1] - room)
            while starts[start] < least { start += 1 }
            // A window begins with a word that has tokens.
            while start < end, isEmpty(start) { start += 1 }
        }
    }
}
