/// The names of a task's classes; a class's number is its place.
public struct LabelMap: Sendable, Equatable {
    public let names: [String]
    private let ids: [[UInt8]: Int]

    /// - Throws: ``DatasetError`` where a name occurs twice.
    public init(names: [String]) throws {
        var ids: [[UInt8]: Int] = [:]
        for (id, name) in names.enumerated() {
            guard ids.updateValue(id, forKey: Array(name.utf8)) == nil else {
                throw DatasetError("the label '\(name)' occurs twice among the labels")
            }
        }
        self.names = names
        self.ids = ids
    }

    public var count: Int { names.count }

    /// The class of a name, compared byte by byte.
    public func id(of name: String) -> Int? { ids[Array(name.utf8)] }

    /// The class that a data file's label means: a name, or else a number in range.
    func id(ofLabel label: String) -> Int? {
        if let id = id(of: label) { return id }
        guard let number = canonicalInteger(label), number < names.count else { return nil }
        return number
    }

    /// What sets this map apart from another: `nil` where they are equal.
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
    init(inferredFrom labels: some Sequence<String>) throws {
        let distinct = Set(labels.map { Array($0.utf8) }).map { String(decoding: $0, as: UTF8.self) }
        let numbers = distinct.compactMap(canonicalInteger)
        if numbers.count == distinct.count, numbers.max() == numbers.count - 1 {
            try self.init(names: (0..<numbers.count).map { "LABEL_\($0)" })
        } else {
            try self.init(names: distinct.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        }
    }
}

func list(_ names: [String]) -> String {
    names.count <= 12
        ? names.joined(separator: ", ")
        : names.prefix(10).joined(separator: ", ") + " and \(names.count - 10) more"
}

/// A whole number from 0 on, written without sign, leading zeros or spaces.
func canonicalInteger(_ text: String) -> Int? {
    guard let number = Int(text), number >= 0, String(number) == text else { return nil }
    return number
}
