/// Finds added tokens in a text.
struct AddedTokenMatcher: Sendable {
    /// A piece of a text: an added token if it has an id, else text between such tokens.
    struct Segment {
        var range: Range<Int>
        var id: Int32?
    }

    private var trie = ByteTrie()
    private var tokens: [(token: AddedToken, id: Int32)] = []

    /// True if special tokens in the text are treated as ordinary text (`split_special_tokens`).
    var skipsSpecialTokens = false

    /// Returns true if the text contains a byte that a token begins with.
    func mayOccur(in text: UnsafeBufferPointer<UInt8>) -> Bool {
        trie.firstCandidate(in: text, from: 0) != nil
    }

    /// Returns true if a token begins with the byte.
    func mayBegin(with byte: UInt8) -> Bool { trie.isFirst[Int(byte)] }

    /// Adds a token, which is looked for as given by the pattern. Of two with the same pattern the first counts.
    mutating func insert(_ token: AddedToken, id: Int32, pattern: [UInt8]) {
        trie.insert(pattern, value: Int32(truncatingIfNeeded: tokens.count))
        tokens.append((token, id))
    }

    /// Appends the segments of a text. Where tokens overlap, the first counts, and of several the longest.
    func split(_ text: UnsafeBufferPointer<UInt8>, into segments: inout [Segment]) {
        var done = 0
        var position = 0
        while let (found, index) = trie.firstMatch(in: text, from: position) {
            position = found.upperBound
            let (token, id) = tokens[Int(index)]
            if token.special, skipsSpecialTokens { continue }
            if token.singleWord, touchesWord(found, in: text) { continue }
            let start =
                token.lstrip
                ? max(startOfWhitespace(before: found.lowerBound, in: text), done) : found.lowerBound
            let end = token.rstrip ? endOfWhitespace(after: found.upperBound, in: text) : found.upperBound
            if done < start { segments.append(Segment(range: done..<start)) }
            segments.append(Segment(range: min(start, end)..<end, id: id))
            done = end
        }
        if done < text.count { segments.append(Segment(range: done..<text.count)) }
    }

    private func touchesWord(_ range: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        range.lowerBound > 0 && isWordCharacter(UTF8Bytes.scalar(in: text, before: range.lowerBound).value)
            || range.upperBound < text.count
                && isWordCharacter(UTF8Bytes.scalar(in: text, at: range.upperBound).value)
    }

    /// `\w` of a regular expression: letters, marks, digits and connectors such as the underscore
    /// (Unicode Technical Standard 18, annex C).
    private func isWordCharacter(_ scalar: UInt32) -> Bool {
        guard let properties = Unicode.Scalar(scalar)?.properties else { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return properties.isAlphabetic || properties.isJoinControl
        }
    }

    private func startOfWhitespace(before position: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
        var start = position
        while start > 0 {
            let scalar = UTF8Bytes.scalar(in: text, before: start)
            guard UnicodeTables.contains(scalar.value, in: UnicodeTables.whitespace) else { break }
            start -= scalar.length
        }
        return start
    }

    private func endOfWhitespace(after position: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
        var end = position
        while end < text.count {
            let scalar = UTF8Bytes.scalar(in: text, at: end)
            guard UnicodeTables.contains(scalar.value, in: UnicodeTables.whitespace) else { break }
            end += scalar.length
        }
        return end
    }
}
