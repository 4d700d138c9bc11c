/// An option with its value, which stands behind `=` or is the next argument.
struct Option {
    let name: String
    private let attached: String?
    private let next: String?

    /// - Parameter rest: The arguments after it, of which the first is taken where it is the value.
    init(_ argument: String, _ rest: inout ArraySlice<String>) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0])
        attached = parts.count == 2 ? String(parts[1]) : nil
        let takesValue =
            [
                "--max-length", "--threads", "--threshold", "--aggregation", "--prompt", "--output",
            ].contains(name) || GenerationArguments.valued.contains(name)
        next = takesValue && attached == nil ? rest.popFirst() : nil
    }

    func flag() throws -> Bool {
        if let attached { throw UsageError("\(name) takes no value, got '\(attached)'") }
        return true
    }

    func value() throws -> String {
        guard let value = attached ?? next else { throw UsageError("\(name) needs a value") }
        return value
    }

    func number(_ range: ClosedRange<Int>) throws -> Int {
        let text = try value()
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                "\(name) must be a number from \(range.lowerBound) to \(range.upperBound), got '\(text)'")
        }
        return number
    }

    func decimal(_ range: String, where holds: (Double) -> Bool) throws -> Double {
        let text = try value()
        guard let number = Double(text), number.isFinite, holds(number) else {
            throw UsageError("\(name) must be \(range), got '\(text)'")
        }
        return number
    }
}
