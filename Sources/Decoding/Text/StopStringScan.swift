/// Looks for strings at which a text ends, in pieces of it. What may be the beginning of one is held back.
package struct StopStringScan {
    private let strings: [[UInt8]]
    private var held: [UInt8] = []

    /// - Parameter strings: None empty.
    package init(_ strings: [String]) { self.strings = strings.map { Array($0.utf8) } }

    /// Adds a piece.
    ///
    /// - Returns: The text that may be shown, and whether the text ends after it.
    package mutating func append(_ piece: [UInt8]) -> (text: [UInt8], isFound: Bool) {
        guard !strings.isEmpty else { return (piece, false) }
        held += piece
        for place in held.indices where strings.contains(where: { held[place...].starts(with: $0) }) {
            defer { held = [] }
            return (Array(held[..<place]), true)
        }
        // The first place from which a string may begin.
        let place =
            held.indices.first { place in strings.contains { $0.starts(with: held[place...]) } } ?? held.count
        defer { held.removeFirst(place) }
        return (Array(held[..<place]), false)
    }

    /// Returns what is held back, at the text's end.
    package mutating func finish() -> [UInt8] {
        defer { held = [] }
        return held
    }
}
