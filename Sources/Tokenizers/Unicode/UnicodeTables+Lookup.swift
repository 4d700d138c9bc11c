extension UnicodeTables {
    /// Returns true if one of the ranges contains the character.
    static func contains(_ scalar: UInt32, in ranges: [UInt32]) -> Bool {
        var (low, high) = (0, ranges.count / 2)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle * 2 + 1] < scalar { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count / 2 && ranges[low * 2] <= scalar
    }

    /// Calls the body with each range, as its first and last character.
    static func forEachRange(in ranges: [UInt32], _ body: (_ first: UInt32, _ last: UInt32) -> Void) {
        for index in stride(from: 0, to: ranges.count - 1, by: 2) { body(ranges[index], ranges[index + 1]) }
    }

    /// The lower case of the characters that have one. İ (U+0130) is not among them: its lower case is two
    /// characters, see ``lowercased(_:)``.
    private static let lowercaseOfScalar: [UInt32: UInt32] = {
        var mapping: [UInt32: UInt32] = [:]
        for index in stride(from: 0, to: lowercase.count - 3, by: 4) {
            let (first, last) = (lowercase[index], lowercase[index + 1])
            for scalar in stride(from: first, through: last, by: Int(lowercase[index + 2])) {
                mapping[scalar] = lowercase[index + 3] + (scalar - first)
            }
        }
        return mapping
    }()

    /// The characters that have a lower case.
    static var uppercase: some Sequence<UInt32> { lowercaseOfScalar.keys }

    /// The lower case of a character, as Rust's `char::to_lowercase` gives it: without regard to its neighbors.
    static func lowercased(_ scalar: UInt32) -> [UInt32] {
        scalar == 0x130 ? [0x69, 0x307] : [lowercaseOfScalar[scalar] ?? scalar]
    }
}
