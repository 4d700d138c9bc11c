/// The character classes that the scanners distinguish: letters, numbers, white space and all others.
struct CharacterKinds: Sendable {
    static let shared = CharacterKinds()

    static let other: UInt8 = 0
    static let letter: UInt8 = 1
    static let number: UInt8 = 2
    static let space: UInt8 = 3

    private let table: ScalarTable
    private let ascii: ConstantTable<UInt8>

    private init() {
        var table = ScalarTable()
        for (ranges, kind) in [
            (UnicodeTables.letters, Self.letter), (UnicodeTables.numbers, Self.number),
            (UnicodeTables.spaces, Self.space),
        ] {
            UnicodeTables.forEachRange(in: ranges) { table.fill(UInt32(kind), from: $0, through: $1) }
        }
        self.table = table
        ascii = ConstantTable((0..<128).map { UInt8(table[$0]) })
    }

    /// The class of the character at an index, and its length in bytes.
    @inline(__always)
    func kind(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> (kind: UInt8, length: Int) {
        let byte = text[place]
        if byte < 0x80 { return (ascii[Int(byte)], 1) }
        return kindBeyondASCII(text, place)
    }

    @inline(never)
    private func kindBeyondASCII(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> (
        kind: UInt8, length: Int
    ) {
        let scalar = UTF8Bytes.scalar(in: text, at: place)
        return (UInt8(truncatingIfNeeded: table[scalar.value]), scalar.length)
    }

    /// The end of a run of one kind.
    @inline(__always)
    func endOfRun(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ kind: UInt8) -> Int {
        var place = start
        while place < text.count {
            let next = self.kind(text, place)
            if next.kind != kind { break }
            place &+= next.length
        }
        return place
    }
}
