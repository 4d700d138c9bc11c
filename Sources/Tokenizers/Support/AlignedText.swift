/// A text on its way through the stages: its bytes, its words, and where each byte came from.
///
/// Origins follow Hugging Face's `NormalizedString`: each byte has the range of the original text, in bytes, that it
/// represents. They are only kept if offsets are requested.
struct AlignedText {
    /// A range of the original text, in bytes.
    struct Origin: Equatable, BitwiseCopyable {
        var start: Int32
        var end: Int32
    }

    var bytes: [UInt8] = []
    /// As many as ``bytes``; none unless ``tracksOrigins``.
    var origins: [Origin] = []
    /// The words, in order.
    var words: [Range<Int>] = []
    var tracksOrigins = false
    /// True if the piece begins at the first byte of the text.
    var isAtStart = true
    /// The limits on the stages' work for this text.
    private(set) var budget = TextBudget(bytes: 0)

    var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

    /// Resets to a piece of a text.
    ///
    /// - Parameter start: the position of the piece in the text, in bytes.
    mutating func reset(_ text: UnsafeBufferPointer<UInt8>, start: Int, tracksOrigins: Bool) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: text)
        budget = TextBudget(bytes: text.count)
        origins.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        self.tracksOrigins = tracksOrigins
        isAtStart = start == 0
        guard tracksOrigins else { return }
        origins.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            let length = UTF8Bytes.scalar(in: text, at: position).length
            let origin = Origin(start: Int32(start + position), end: Int32(start + position + length))
            for _ in 0..<length { origins.append(origin) }
            position += length
        }
    }

    /// A text of its own.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        budget = TextBudget(bytes: bytes.count)
    }

    init() {}

    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` where a stage makes, or has made, the text too long.
    func checkSize(_ size: Int? = nil, stage: @autoclosure () -> String) throws {
        try budget.check(size: size ?? bytes.count, stage: stage())
    }

    /// The characters.
    var scalars: [UInt32] { bytes.withUnsafeBufferPointer { UTF8Bytes.scalars(in: $0) } }

    /// A character of a new text, and its origin: 0 replaces the next old character, 1 is inserted
    /// beside it, and -n replaces the next old character and n more.
    typealias Change = (scalar: UInt32, change: Int)

    /// Replaces the text by another, character by character.
    ///
    /// - Parameter skipping: the number of characters of the old text that are dropped before.
    mutating func transform(_ changes: [Change], skipping: Int = 0) {
        var newBytes: [UInt8] = []
        newBytes.reserveCapacity(bytes.count + 8)
        guard tracksOrigins else {
            for change in changes { newBytes.append(scalar: change.scalar) }
            bytes = newBytes
            return
        }
        var newOrigins: [Origin] = []
        newOrigins.reserveCapacity(origins.count + 8)
        var place = 0
        func skip(_ count: Int) {
            for _ in 0..<count where place < bytes.count { place += UTF8Bytes.length(ofFirst: bytes[place]) }
        }
        skip(skipping)
        for (scalar, change) in changes {
            let origin: Origin =
                if change > 0 { place < 1 ? Origin(start: 0, end: 0) : origins[place - 1] } else {
                    place < origins.count ? origins[place] : origins.last ?? Origin(start: 0, end: 0)
                }
            if change <= 0 { skip(1 - change) }
            let before = newBytes.count
            newBytes.append(scalar: scalar)
            for _ in before..<newBytes.count { newOrigins.append(origin) }
        }
        bytes = newBytes
        origins = newOrigins
    }

    /// Keeps the characters that fulfil a condition.
    mutating func filter(_ isKept: (UInt32) -> Bool) {
        let scalars = scalars
        guard !scalars.allSatisfy(isKept) else { return }
        var changes: [Change] = []
        var (removed, leading) = (0, 0)
        for scalar in scalars {
            if isKept(scalar) {
                if changes.isEmpty { leading = removed } else { changes[changes.count - 1].change = -removed }
                removed = 0
                changes.append((scalar, 0))
            } else {
                removed += 1
            }
        }
        if !changes.isEmpty { changes[changes.count - 1].change = -removed }
        transform(changes, skipping: leading)
    }

    /// Puts text before the first character, whose origin it shares; an empty text stays empty.
    mutating func prepend(_ text: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if tracksOrigins {
            origins.insert(contentsOf: repeatElement(origins[0], count: text.count), at: 0)
        }
        bytes.insert(contentsOf: text, at: 0)
    }

    /// Replaces ranges, which ascend and do not overlap, by a text.
    ///
    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` where the text would become too long.
    mutating func replace(
        _ ranges: [Range<Int>], with content: [UInt8], stage: @autoclosure () -> String
    ) throws {
        guard !ranges.isEmpty else { return }
        let (added, overflow) = ranges.count.multipliedReportingOverflow(by: content.count)
        let removed = ranges.reduce(0) { $0 + $1.count }
        let (size, isTooLarge) = (bytes.count - removed).addingReportingOverflow(added)
        try checkSize(overflow || isTooLarge ? .max : size, stage: stage())
        var newBytes: [UInt8] = []
        newBytes.reserveCapacity(size)
        var newOrigins: [Origin] = []
        var done = 0
        for range in ranges {
            newBytes += bytes[done..<range.lowerBound]
            newBytes += content
            if tracksOrigins {
                newOrigins += origins[done..<range.lowerBound]
                let origin = range.upperBound < 1 ? Origin(start: 0, end: 0) : origins[range.upperBound - 1]
                newOrigins += repeatElement(origin, count: content.count)
            }
            done = range.upperBound
        }
        newBytes += bytes[done...]
        if tracksOrigins { newOrigins += origins[done...] }
        bytes = newBytes
        origins = newOrigins
    }

    /// The range of the original text that some bytes represent.
    func origin(of range: Range<Int>) -> Origin {
        guard tracksOrigins, let last = origins.last else { return Origin(start: 0, end: 0) }
        if range.isEmpty {
            let place = range.lowerBound < origins.count ? origins[range.lowerBound].start : last.end
            return Origin(start: place, end: place)
        }
        return Origin(
            start: origins[range.lowerBound].start, end: origins[min(range.upperBound, origins.count) - 1].end
        )
    }
}

extension [UInt8] {
    /// Appends a character as UTF-8.
    mutating func append(scalar: UInt32) {
        if scalar < 0x80 { return append(UInt8(truncatingIfNeeded: scalar)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4) { room in
            guard let start = room.baseAddress else { return }
            append(contentsOf: room.prefix(UTF8Bytes.write(scalar, to: start)))
        }
    }
}

extension UTF8Bytes {
    /// Returns the number of bytes of a character, given its first byte.
    static func length(ofFirst byte: UInt8) -> Int {
        byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    }

    /// The characters of a text.
    static func scalars(in text: UnsafeBufferPointer<UInt8>) -> [UInt32] {
        var scalars: [UInt32] = []
        scalars.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            let scalar = scalar(in: text, at: position)
            scalars.append(scalar.value)
            position += scalar.length
        }
        return scalars
    }
}

extension AlignedText {
    /// Changes each word as a text of its own.
    mutating func rewriteWords(_ body: (inout AlignedText) throws -> Void) rethrows {
        if words.count == 1, words[0] == 0..<bytes.count {
            try body(&self)
            words[0] = 0..<bytes.count
            return
        }
        var result = AlignedText()
        var word = AlignedText()
        word.budget = budget
        word.tracksOrigins = tracksOrigins
        for range in words {
            word.bytes.removeAll(keepingCapacity: true)
            word.bytes += bytes[range]
            if tracksOrigins { word.origins = Array(origins[range]) }
            try body(&word)
            let start = result.bytes.count
            result.bytes += word.bytes
            result.origins += word.origins
            result.words.append(start..<result.bytes.count)
        }
        (bytes, origins, words) = (result.bytes, result.origins, result.words)
    }
}
