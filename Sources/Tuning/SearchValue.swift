/// One value of a setting, as the text that a configuration file would hold: `1e-4`, `linear(8,1)`, `[0, 2, 4]`.
public struct SearchValue: Sendable, Hashable, CustomStringConvertible {
    /// The value as a configuration file holds it.
    public let text: String

    /// Makes a value of its text.
    ///
    /// - Parameter text: The value as a configuration file holds it.
    public init(_ text: String) { self.text = text }

    /// The value as a number, where it is a finite one.
    public var number: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }

    public var description: String { text }

    /// Whether the search's grammar reads it as one value: its brackets and quotes close, and no comma is outside them.
    public var isWhole: Bool { SearchText.split(text)?.count == 1 }

    /// Whether both mean the same, as `1` and `1.0` do.
    func isSame(as other: SearchValue) -> Bool {
        if let number, let other = other.number { return number == other }
        return text == other.text
    }
}

extension SearchValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    public init(stringLiteral value: String) { self.init(value) }
    public init(integerLiteral value: Int) { self.init(String(value)) }
    public init(floatLiteral value: Double) { self.init(String(value)) }
}
