extension Schedule: CustomStringConvertible {
    /// The grammar of a schedule's text.
    static let grammar = "a number, linear(a, b), cosine(a, b) or step(a, b @ fraction, …)"

    /// Reads a schedule's text; `nil` where it is none.
    public init?(_ text: String) {
        func number(_ part: Substring) -> Double? {
            let value = Double(part.trimmed)
            return value.flatMap { $0.isFinite ? $0 : nil }
        }
        if let value = number(text[...]) {
            self = .constant(value)
            return
        }
        let text = text[...].trimmed
        guard text.hasSuffix(")"), let open = text.firstIndex(of: "(") else { return nil }
        let parts = text[text.index(after: open)...].dropLast().split(
            separator: ",", omittingEmptySubsequences: false)
        switch text[..<open].trimmed {
        case "linear", "cosine":
            guard parts.count == 2, let start = number(parts[0]), let end = number(parts[1]) else {
                return nil
            }
            self = text.hasPrefix("linear") ? .linear(from: start, to: end) : .cosine(from: start, to: end)
        case "step":
            guard parts.count > 1, let first = number(parts[0]) else { return nil }
            var changes: [Change] = []
            for part in parts.dropFirst() {
                let sides = part.split(separator: "@", omittingEmptySubsequences: false)
                guard sides.count == 2, let value = number(sides[0]), let fraction = number(sides[1]),
                    fraction > changes.last?.share ?? 0, fraction < 1
                else { return nil }
                changes.append(Change(value, at: fraction))
            }
            self = .step(first: first, changes: changes)
        default: return nil
        }
    }

    public var description: String {
        func text(_ value: Double) -> String {
            value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
        }
        switch self {
        case .constant(let value): return text(value)
        case .linear(let start, let end): return "linear(\(text(start)), \(text(end)))"
        case .cosine(let start, let end): return "cosine(\(text(start)), \(text(end)))"
        case .step(let first, let changes):
            let parts = [text(first)] + changes.map { "\(text($0.value)) @ \(text($0.share))" }
            return "step(\(parts.joined(separator: ", ")))"
        }
    }
}

extension Schedule: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Double.self) {
            self = .constant(value)
            return
        }
        let text = try container.decode(String.self)
        guard let schedule = Schedule(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is not \(Self.grammar)")
        }
        self = schedule
    }

    /// A number where it is constant, else its text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if case .constant(let value) = self {
            try container.encode(value)
        } else {
            try container.encode(description)
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var part = self
        while part.first?.isWhitespace == true { part.removeFirst() }
        while part.last?.isWhitespace == true { part.removeLast() }
        return part
    }
}
