/// The names of a task's classes; a class's number is its index.
public struct LabelMap: Sendable, Equatable {
    public let names: [String]
    private let ids: [[UInt8]: Int]
    /// The classes whose names are decimal numbers, by their values; -1 for a value that several names have.
    private let classesByValue: [String: Int]
    /// True if one of the names is a number.
    private let hasNumbers: Bool

    /// - Throws: ``DatasetError`` where a name occurs twice.
    public init(names: [String]) throws {
        var ids: [[UInt8]: Int] = [:]
        var classesByValue: [String: Int] = [:]
        for (id, name) in names.enumerated() {
            guard ids.updateValue(id, forKey: Array(name.utf8)) == nil else {
                throw DatasetError("the label '\(shown(name))' occurs twice among the labels")
            }
            guard let value = decimalValue(name) else { continue }
            classesByValue[value] = classesByValue[value] == nil ? id : -1
        }
        self.names = names
        self.ids = ids
        self.classesByValue = classesByValue
        hasNumbers = names.contains(where: isNumber)
    }

    public var count: Int { names.count }

    /// The class of a name, compared byte by byte.
    public func id(of name: String) -> Int? { ids[Array(name.utf8)] }

    /// The class that a data file's label means: a name; or else, where names are numbers, the one of its value, and
    /// where none is, a number in range by its index.
    func id(ofLabel label: String) -> Int? {
        if let id = id(of: label) { return id }
        guard !hasNumbers else {
            return decimalValue(label).flatMap { classesByValue[$0] }.flatMap { $0 < 0 ? nil : $0 }
        }
        guard let number = canonicalInteger(label), number < names.count else { return nil }
        return number
    }

    /// Returns a description of the difference between this map and another; `nil` if they are equal.
    public func difference(from other: LabelMap) -> String? {
        if names.map({ Array($0.utf8) }) == other.names.map({ Array($0.utf8) }) { return nil }
        let missing = other.names.filter { id(of: $0) == nil }
        let added = names.filter { other.id(of: $0) == nil }
        if missing.isEmpty, added.isEmpty {
            return "the same names in another order: \(list(names)) against \(list(other.names))"
        }
        return "\(list(names)) against \(list(other.names))"
    }

    /// The classes of a file's own labels. Integers that count from 0 without a gap are class numbers; anything
    /// else is a name, in byte order.
    package init(inferredFrom labels: some Sequence<String>) throws {
        let distinct = Set(labels.map { Array($0.utf8) }).map { String(decoding: $0, as: UTF8.self) }
        let numbers = distinct.compactMap(canonicalInteger)
        if numbers.count == distinct.count, numbers.max() == numbers.count - 1 {
            try self.init(numbered: numbers.count)
        } else {
            try self.init(names: distinct.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        }
    }

    /// Classes that have numbers alone, by the names that transformers gives them.
    init(numbered count: Int) throws { try self.init(names: (0..<count).map { "LABEL_\($0)" }) }
}

extension LabelMap {
    /// Names that programs write where a value is missing: `nan`, `null` and their like; those that may also be meant,
    /// such as `none`, only among numbers.
    public var missingValueNames: [String] {
        let plain = names.map { $0.lowercased() }
        let certain: Set = ["nan", "-nan", "null", "<na>", "n/a", "#n/a", "#na", "nat"]
        let possible: Set = ["none", "na", "", "nil", "undefined", "missing"]
        let others = zip(names, plain).filter { !certain.contains($1) && !possible.contains($1) }.map(\.0)
        let areNumbers = !others.isEmpty && others.allSatisfy(isNumber)
        return zip(names, plain).filter { certain.contains($1) || areNumbers && possible.contains($1) }.map(
            \.0)
    }
}

/// Names in an error: not many, and each not long.
func list(_ names: [String]) -> String {
    names.count <= 12
        ? names.map { shown($0) }.joined(separator: ", ")
        : names.prefix(10).map { shown($0) }.joined(separator: ", ") + " and \(names.count - 10) more"
}

/// A whole number from 0 on, written without sign, leading zeros or spaces.
func canonicalInteger(_ text: String) -> Int? {
    guard text.utf8.count < 20, let number = Int(text), number >= 0, String(number) == text else {
        return nil
    }
    return number
}

/// Returns true if a text is a decimal number, with or without an exponent.
func isNumber(_ text: String) -> Bool {
    // Swift would also read hexadecimal numbers.
    text.utf8.count < 400 && text.utf8.allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
        && Double(text) != nil
}

/// One text for all ways to write a decimal number: "1", "+1", "01" and "1.0" are "1". Exact, however many digits there
/// are.
///
/// - Returns: `nil` for what is no number, or has an exponent.
func decimalValue(_ text: String) -> String? {
    guard isNumber(text), !text.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) else { return nil }
    let isNegative = text.hasPrefix("-")
    let parts = text.drop { $0 == "-" || $0 == "+" }.split(separator: ".", omittingEmptySubsequences: false)
    let whole = String(parts[0].drop { $0 == "0" })
    let fraction = String((parts.count > 1 ? parts[1] : "").reversed().drop { $0 == "0" }.reversed())
    if whole.isEmpty, fraction.isEmpty { return "0" }
    return (isNegative ? "-" : "") + (whole.isEmpty ? "0" : whole) + (fraction.isEmpty ? "" : "." + fraction)
}
