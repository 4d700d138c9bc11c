import Datasets

/// Entities as a scheme allows them, by the patterns of `seqeval.scheme`.
struct StrictEntities {
    /// Prefixes of tags.
    private struct Prefixes: OptionSet {
        let rawValue: UInt8
        static let i = Prefixes(rawValue: 1)
        static let o = Prefixes(rawValue: 2)
        static let b = Prefixes(rawValue: 4)
        static let e = Prefixes(rawValue: 8)
        static let s = Prefixes(rawValue: 16)
        static let u = Prefixes(rawValue: 32)
        static let l = Prefixes(rawValue: 64)
        static let any: Prefixes = [.i, .o, .b, .e, .s, .u, .l]

        init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The prefix that a tag's first character is.
        init?(_ scalar: Unicode.Scalar?) {
            switch scalar {
            case "I": self = .i
            case "O": self = .o
            case "B": self = .b
            case "E": self = .e
            case "S": self = .s
            case "U": self = .u
            case "L": self = .l
            default: return nil
            }
        }
    }

    private enum Types { case same, different, any }

    /// Two tags one after the other.
    private struct Pattern {
        let previous: Prefixes
        let current: Prefixes
        let types: Types

        init(_ previous: Prefixes, _ current: Prefixes, _ types: Types) {
            (self.previous, self.current, self.types) = (previous, current, types)
        }
    }

    private struct Tag {
        let prefix: Prefixes
        let type: String

        func fits(_ patterns: [Pattern], after previous: Tag) -> Bool {
            patterns.contains { pattern in
                guard pattern.previous.isSuperset(of: previous.prefix), pattern.current.isSuperset(of: prefix)
                else { return false }
                let isSame = type.utf8.elementsEqual(previous.type.utf8)
                return pattern.types == .any || (pattern.types == .same) == isSame
            }
        }
    }

    private let scheme: TagScheme
    private let allowed: Prefixes
    private let starts: [Pattern]
    private let insides: [Pattern]
    private let ends: [Pattern]

    init(_ scheme: TagScheme) {
        self.scheme = scheme
        switch scheme {
        case .iob1:
            allowed = [.i, .o, .b]
            starts = [
                Pattern(.o, .i, .any), Pattern(.i, .i, .different), Pattern(.b, .i, .any),
                Pattern(.i, .b, .same), Pattern(.b, .b, .same),
            ]
            insides = [Pattern([.b, .i], .i, .same)]
            ends = [
                Pattern(.i, .i, .different), Pattern(.i, [.o, .b], .any), Pattern(.b, .o, .any),
                Pattern(.b, .i, .different), Pattern(.b, .b, .same),
            ]
        case .iob2:
            allowed = [.i, .o, .b]
            starts = [Pattern(.any, .b, .any)]
            insides = [Pattern([.b, .i], .i, .same)]
            ends = [Pattern([.i, .b], [.o, .b], .any), Pattern([.i, .b], .i, .different)]
        case .ioe2:
            allowed = [.i, .o, .e]
            starts = [Pattern([.o, .e], [.i, .e], .any), Pattern(.i, [.i, .e], .different)]
            insides = [Pattern(.i, [.e, .i], .same)]
            ends = [Pattern(.e, .any, .any)]
        case .iobes:
            allowed = [.i, .o, .b, .e, .s]
            starts = [Pattern(.any, [.b, .s], .any)]
            insides = [Pattern([.b, .i], [.i, .e], .same)]
            ends = [Pattern([.s, .e], .any, .any)]
        case .bilou:
            allowed = [.b, .i, .l, .o, .u]
            starts = [Pattern(.any, [.b, .u], .any)]
            insides = [Pattern([.b, .i], [.i, .l], .same)]
            ends = [Pattern([.u, .l], .any, .any)]
        }
    }

    /// - Throws: ``EntityMetricsError`` for a tag whose prefix the scheme does not have.
    func entities(_ texts: [String]) throws -> [TaggedEntity] {
        let outside = Tag(prefix: .o, type: "_")
        let tags = try texts.map(tag) + [outside]
        var entities: [TaggedEntity] = []
        var word = 0
        var previous = outside
        while word < tags.count {
            let start = word
            word += 1
            if tags[start].fits(starts, after: previous) {
                while word < tags.count, tags[word].fits(insides, after: tags[word - 1]) { word += 1 }
                if word < tags.count, tags[word].fits(ends, after: tags[word - 1]) {
                    entities.append(TaggedEntity(type: tags[start].type, words: start..<word))
                }
            }
            previous = tags[word - 1]
        }
        return entities
    }

    private func tag(_ text: String) throws -> Tag {
        let scalars = text.unicodeScalars
        guard let prefix = Prefixes(scalars.first), allowed.contains(prefix) else {
            throw EntityMetricsError(
                "the tag '\(text)' does not belong to the scheme \(scheme.rawValue.uppercased()); choose the scheme of "
                    + "the tags, or lenient reading")
        }
        // Python's `strip("-")`.
        let type = scalars.dropFirst().drop { $0 == "-" }.reversed().drop { $0 == "-" }.reversed()
        return Tag(prefix: prefix, type: type.isEmpty ? "_" : String(String.UnicodeScalarView(type)))
    }
}
