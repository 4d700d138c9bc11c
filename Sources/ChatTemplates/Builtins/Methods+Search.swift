/// Searching and splitting strings.
extension Methods {
    static func split(_ receiver: Value, _ text: String, fromEnd: Bool, _ arguments: Arguments) throws
        -> Value
    {
        let bound = try arguments.bound(fromEnd ? "rsplit" : "split", ["sep", "maxsplit"])
        let count = try bound[1].integer("split's maxsplit", default: -1)
        let limit = count < 0 ? Int.max : count
        if case .undefined(let undefined)? = bound[0] { throw undefined.failure }
        guard let separator = try bound[0].optionalText("split's separator") else {
            return try .list(words(text, limit: limit, fromEnd: fromEnd).map(receiver.sameKind))
        }
        guard !separator.isEmpty else { throw TemplateFailure.rendering("split's separator is empty") }
        let ranges =
            fromEnd ? rangesFromEnd(text, separator, limit) : text.ranges(of: separator, limit: limit)
        return try .list(text.pieces(between: ranges).map(receiver.sameKind))
    }

    /// Where a text is found, looking from the end.
    private static func rangesFromEnd(_ text: String, _ part: String, _ limit: Int) -> [Range<Int>] {
        let (bytes, pattern) = (Array(text.utf8), Array(part.utf8))
        var found: [Range<Int>] = []
        var end = bytes.count
        while end >= pattern.count, found.count < limit {
            if bytes[end - pattern.count..<end].elementsEqual(pattern) {
                found.append(end - pattern.count..<end)
                end -= pattern.count
            } else {
                end -= 1
            }
        }
        return found.reversed()
    }

    /// The words between white space; what is left once the limit is reached keeps its own.
    private static func words(_ text: String, limit: Int, fromEnd: Bool) -> [String] {
        var scalars = Array(text.unicodeScalars)
        if fromEnd { scalars.reverse() }
        var words: [[Unicode.Scalar]] = []
        var rest = scalars[...].drop(while: \.isPythonSpace)
        while !rest.isEmpty {
            if words.count == limit {
                words.append(Array(rest))
                break
            }
            let word = rest.prefix { !$0.isPythonSpace }
            words.append(Array(word))
            rest = rest.dropFirst(word.count).drop(while: \.isPythonSpace)
        }
        return fromEnd
            ? words.reversed().map { String(scalars: $0.reversed()) } : words.map { String(scalars: $0) }
    }

    static func search(_ text: String, _ name: String, _ arguments: Arguments) throws -> Value {
        let given = try arguments.unnamed(name, atLeast: 1, atMost: 3)
        let part = try given[0].required(name)
        let scalars = Array(text.unicodeScalars)
        let bounds = Bounds(
            given[1]?.isNone == true ? 0 : try given[1].integer("\(name)'s start", default: 0),
            given[2]?.isNone == true
                ? scalars.count : try given[2].integer("\(name)'s end", default: scalars.count),
            scalars.count)
        let within = String(scalars: scalars[bounds.range])
        if name == "count" {
            if part.isEmpty { return .int(bounds.isValid ? bounds.range.count + 1 : 0) }
            return .int(within.ranges(of: part).count)
        }
        let isFromEnd = name.hasPrefix("r")
        var found: Int?
        if part.isEmpty {
            found = bounds.isValid ? (isFromEnd ? bounds.end : bounds.start) : nil
        } else if let range = (isFromEnd ? rangesFromEnd(within, part, 1) : within.ranges(of: part, limit: 1))
            .first
        {
            let before = within.utf8.prefix(range.lowerBound)
            found = bounds.start + String(decoding: before, as: UTF8.self).unicodeScalars.count
        }
        if found == nil, name.hasSuffix("index") {
            throw TemplateFailure.rendering("the text that \(name) looks for is not there")
        }
        return .int(found ?? -1)
    }

    static func partition(
        _ receiver: Value, _ text: String, _ name: String, _ arguments: Arguments
    ) throws -> Value {
        let separator = try arguments.unnamed(name, atLeast: 1, atMost: 1)[0].required(name)
        guard !separator.isEmpty else { throw TemplateFailure.rendering("\(name)'s separator is empty") }
        let isFromEnd = name == "rpartition"
        let ranges = isFromEnd ? rangesFromEnd(text, separator, 1) : text.ranges(of: separator, limit: 1)
        var parts = isFromEnd ? ["", "", text] : [text, "", ""]
        if !ranges.isEmpty {
            let pieces = text.pieces(between: ranges)
            parts = [pieces[0], separator, pieces[1]]
        }
        return try .tuple(parts.map(receiver.sameKind))
    }
}

extension String {
    /// Full case folding of what lower case leaves different, as far as it is common.
    var pythonCasefolded: String {
        unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "ß": result += "ss"
            case "\u{3C2}": result += "\u{3C3}"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    /// True if upper case letters follow what has no case and lower case ones follow letters, as `str.istitle` asks.
    var isPythonTitle: Bool {
        var (found, follows) = (false, false)
        for scalar in unicodeScalars {
            let properties = scalar.properties
            let startsWord = properties.isUppercase || properties.generalCategory == .titlecaseLetter
            if startsWord && follows || properties.isLowercase && !startsWord && !follows { return false }
            follows = startsWord || properties.isLowercase
            found = found || follows
        }
        return found
    }
}
