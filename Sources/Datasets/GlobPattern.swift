/// A pattern for a name: `*`, `?` and `[…]`, where a backslash takes their meaning away.
///
/// A name is compared in a time of its length times the pattern's at most, whatever both are.
struct GlobPattern {
    private enum Part {
        case literal(Unicode.Scalar)
        case one
        case any
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)

        func fits(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .literal(let own): own == scalar
            case .one, .any: true
            case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
            }
        }
    }

    private var parts: [Part] = []

    init(_ text: String) {
        let scalars = Array(text.unicodeScalars)
        var place = 0
        while place < scalars.count {
            let scalar = scalars[place]
            place += 1
            switch scalar {
            case "*":
                if case .any? = parts.last { break }
                parts.append(.any)
            case "?": parts.append(.one)
            case "[":
                if let (set, end) = Self.set(scalars, place) {
                    parts.append(set)
                    place = end
                } else {
                    parts.append(.literal(scalar))
                }
            case "\\" where place < scalars.count:
                parts.append(.literal(scalars[place]))
                place += 1
            default: parts.append(.literal(scalar))
            }
        }
    }

    /// Returns true if a name matches. A leading dot is only matched by a literal dot.
    func fits(_ name: String) -> Bool {
        let name = Array(name.unicodeScalars)
        if name.first == ".", case .literal? = parts.first {} else if name.first == "." { return false }
        var (part, place) = (0, 0)
        // Behind the last star: where to go on if what follows does not fit.
        var retry: (part: Int, place: Int)?
        while place < name.count {
            if part < parts.count {
                if case .any = parts[part] {
                    part += 1
                    retry = (part, place)
                    continue
                }
                if parts[part].fits(name[place]) {
                    part += 1
                    place += 1
                    continue
                }
            }
            guard let last = retry else { return false }
            retry = (last.part, last.place + 1)
            (part, place) = (last.part, last.place + 1)
        }
        return parts[part...].allSatisfy { if case .any = $0 { true } else { false } }
    }

    /// The set whose opening bracket precedes an index; `nil` if it is never closed.
    private static func set(_ scalars: [Unicode.Scalar], _ start: Int) -> (Part, end: Int)? {
        var place = start
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        let isNegated = place < scalars.count && (scalars[place] == "!" || scalars[place] == "^")
        if isNegated { place += 1 }
        let first = place
        func scalar() -> Unicode.Scalar? {
            if place + 1 < scalars.count, scalars[place] == "\\" { place += 1 }
            guard place < scalars.count else { return nil }
            defer { place += 1 }
            return scalars[place]
        }
        while place < scalars.count {
            if scalars[place] == "]", place > first { return (.set(ranges, isNegated: isNegated), place + 1) }
            if let (named, end) = namedSet(scalars, place) {
                ranges += named
                place = end
                continue
            }
            guard let low = scalar() else { return nil }
            if place + 1 < scalars.count, scalars[place] == "-", scalars[place + 1] != "]" {
                place += 1
                guard let high = scalar() else { return nil }
                if low <= high { ranges.append(low...high) }
            } else {
                ranges.append(low...low)
            }
        }
        return nil
    }

    /// A set such as `[:digit:]` within a set, of ASCII.
    private static func namedSet(
        _ scalars: [Unicode.Scalar], _ start: Int
    ) -> ([ClosedRange<Unicode.Scalar>], end: Int)? {
        for (name, ranges) in namedSets {
            let text = Array("[:\(name):]".unicodeScalars)
            guard scalars[start...].starts(with: text) else { continue }
            return (ranges, start + text.count)
        }
        return nil
    }

    private static let namedSets: [(String, [ClosedRange<Unicode.Scalar>])] = [
        ("alpha", ["a"..."z", "A"..."Z"]), ("digit", ["0"..."9"]),
        ("alnum", ["a"..."z", "A"..."Z", "0"..."9"]), ("lower", ["a"..."z"]), ("upper", ["A"..."Z"]),
        ("xdigit", ["a"..."f", "A"..."F", "0"..."9"]), ("space", ["\t"..."\r", " "..." "]),
        ("punct", ["!"..."/", ":"..."@", "["..."`", "{"..."~"]),
    ]
}
