/// A number for every Unicode scalar value, in pages of 256 of which equal ones are stored once.
struct ScalarTable: Sendable {
    private var pageOfBlock = [UInt16](repeating: 0, count: 0x1100)
    private var entries = [UInt32](repeating: 0, count: 256)
    /// The pages that hold a single value throughout; many blocks may share one.
    private var uniformPages: [UInt32: UInt16] = [0: 0]

    /// The number of a character; 0 unless set.
    @inline(__always)
    subscript(scalar: UInt32) -> UInt32 {
        entries[Int(pageOfBlock[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)]
    }

    /// Sets the number of one character.
    mutating func set(_ value: UInt32, for scalar: UInt32) {
        let block = Int(scalar >> 8)
        var page = pageOfBlock[block]
        if uniformPages.values.contains(page) {
            let start = Int(page) << 8
            page = appendPage(Array(entries[start..<start + 256]))
            pageOfBlock[block] = page
        }
        entries[Int(page) << 8 | Int(scalar & 0xFF)] = value
    }

    /// Sets the number of the characters from the first to the last.
    mutating func fill(_ value: UInt32, from first: UInt32, through last: UInt32) {
        var scalar = first
        while scalar <= last {
            if scalar & 0xFF == 0, last - scalar >= 0xFF {
                pageOfBlock[Int(scalar >> 8)] = uniformPage(of: value)
                scalar += 0x100
            } else {
                set(value, for: scalar)
                scalar += 1
            }
        }
    }

    private mutating func uniformPage(of value: UInt32) -> UInt16 {
        if let page = uniformPages[value] { return page }
        let page = appendPage([UInt32](repeating: value, count: 256))
        uniformPages[value] = page
        return page
    }

    private mutating func appendPage(_ page: [UInt32]) -> UInt16 {
        entries.append(contentsOf: page)
        return UInt16(truncatingIfNeeded: entries.count / 256 - 1)  // at most 0x1100 pages are ever needed
    }
}
