/// Splits at white space, and makes each punctuation mark a word of its own.
struct BertPreTokenizer: SplittingPreTokenizer {
    /// The character classes that splitting distinguishes.
    enum Class {
        static let letter: UInt32 = 0
        static let whitespace: UInt32 = 1
        static let punctuation: UInt32 = 2
    }

    private static let classes: ScalarTable = {
        var table = ScalarTable()
        UnicodeTables.forEachRange(in: UnicodeTables.whitespace) {
            table.fill(Class.whitespace, from: $0, through: $1)
        }
        UnicodeTables.forEachRange(in: UnicodeTables.punctuation) {
            table.fill(Class.punctuation, from: $0, through: $1)
        }
        return table
    }()

    private let classes = Self.classes
    private let asciiClasses = (0..<128).map { UInt8(truncatingIfNeeded: Self.classes[$0]) }

    /// The ``Class`` of a character.
    @inline(__always)
    func kind(of scalar: UInt32) -> UInt32 { classes[scalar] }

    func split(
        _ text: UnsafeBufferPointer<UInt8>, into words: inout [Range<Int>], _ budget: TextBudget
    ) {
        asciiClasses.withUnsafeBufferPointer { asciiClasses in
            var wordStart = 0
            var position = 0
            while position < text.count {
                let byte = text[position]
                let kind: UInt32
                let length: Int
                if byte < 0x80 {
                    (kind, length) = (UInt32(asciiClasses[Int(byte)]), 1)
                } else {
                    let scalar = UTF8Bytes.scalar(in: text, at: position)
                    (kind, length) = (classes[scalar.value], scalar.length)
                }
                if kind != Class.letter {
                    if wordStart < position { words.append(wordStart..<position) }
                    wordStart = position &+ length
                    if kind == Class.punctuation { words.append(position..<wordStart) }
                }
                position &+= length
            }
            if wordStart < text.count { words.append(wordStart..<text.count) }
        }
    }
}
