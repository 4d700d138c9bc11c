/// A value of a setting, as its text in a configuration file: `1e-4`, `linear(8,1)`, `[0, 2, 4]`.
public struct SearchValue: Sendable, Hashable, CustomStringConvertible {
    /// The value's text in a configuration file.
    public let text: String

    /// Creates a value from its text.
    ///
    /// - Parameter text: The value's text in a configuration file.
    public init(_ text: String) { self.text = text }

    /// The value as a number, where it is a finite one.
    public var number: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }

    public var description: String { text }

    /// True if the search's grammar reads it as one value: its brackets and quotes close, and no comma is outside them.
    public var isWhole: Bool { SearchText.split(text)?.count == 1 }

    /// Returns true if both mean the same, as `1` and `1.0` do.
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
