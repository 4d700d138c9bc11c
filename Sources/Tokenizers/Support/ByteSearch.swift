// `_StringProcessing` has searches like these, and brings a parser of regular expressions with it: 1 MB of a program that is to be small.
extension [UInt8] {
    /// The first place of `part` at or after `start`, or nil; an empty `part` is nowhere.
    func firstPlace(of part: [UInt8], from start: Int = 0) -> Int? {
        guard let first = part.first, part.count <= count else { return nil }
        var place = start
        while place <= count - part.count {
            if self[place] == first, self[place..<place + part.count].elementsEqual(part) { return place }
            place += 1
        }
        return nil
    }

    /// The bytes with `new` instead of every `old`, from the left, without overlaps.
    func replacingBytes(_ old: [UInt8], with new: [UInt8]) -> [UInt8] {
        guard var place = firstPlace(of: old) else { return self }
        var replaced: [UInt8] = []
        var end = 0
        while true {
            replaced += self[end..<place] + new
            end = place + old.count
            guard let next = firstPlace(of: old, from: end) else { return replaced + self[end...] }
            place = next
        }
    }
}
