import Foundation

/// An objective as a configuration file describes it: its name, its weight, and its options.
///
/// As text: `kl(weight = 0.7, temperature = linear(8, 1))`, or `cross_entropy` alone.
public struct ObjectiveSpecification: Sendable, Equatable, Codable {
    public var name: String
    /// The weight of its loss, over the run or the stage.
    public var weight: Schedule
    /// The texts that it is computed on, where a student writes some; `nil` for all, of an objective on labels the data's.
    public var texts: ObjectiveTexts?
    /// Other options, as text.
    public var options: [String: String]

    public init(_ name: String, weight: Schedule = 1, options: [String: String] = [:]) {
        self.name = name
        self.weight = weight
        self.options = options
    }

    /// Reads an objective's text.
    ///
    /// - Throws: ``DistillationError`` that names the objective and what is wrong with it.
    public init(text: String) throws {
        let text = text.trimmingCharacters(in: .whitespaces)
        guard let open = text.firstIndex(of: "(") else {
            try self.init(name: text, fields: [])
            return
        }
        guard text.hasSuffix(")") else {
            throw DistillationError(
                "objective '\(text)': the last parenthesis is missing; write it as name(option = value, …)")
        }
        let name = String(text[..<open]).trimmingCharacters(in: .whitespaces)
        let fields = try Self.parts(text[text.index(after: open)...].dropLast(), of: name).map { part in
            guard let equal = part.firstIndex(of: "=") else {
                throw DistillationError(
                    "objective \(name): '\(part)' is no option; write it as option = value")
            }
            return (
                part[..<equal].trimmingCharacters(in: .whitespaces),
                part[part.index(after: equal)...].trimmingCharacters(in: .whitespaces)
            )
        }
        try self.init(name: name, fields: fields)
    }

    /// Takes an objective's options, its weight among them.
    ///
    /// - Throws: ``DistillationError`` where one is given twice, or the weight is no schedule.
    public init(name: String, fields: [(String, String)]) throws {
        self.init(name)
        guard !name.isEmpty else { throw DistillationError("an objective has no name") }
        var seen: Set<String> = []
        for (option, value) in fields {
            guard seen.insert(option).inserted else {
                throw DistillationError("objective \(name): \(option) is given twice")
            }
            if option == "texts" {
                guard let texts = ObjectiveTexts(rawValue: value) else {
                    throw DistillationError(
                        "objective \(name): texts must be all, data or student, got '\(value)'")
                }
                self.texts = texts
                continue
            }
            guard option == "weight" else {
                options[option] = value
                continue
            }
            guard let weight = Schedule(value) else {
                throw DistillationError(
                    "objective \(name): weight must be \(Schedule.grammar), got '\(value)'")
            }
            self.weight = weight
        }
    }

    /// Splits at the commas that are in no parentheses.
    ///
    /// - Throws: ``DistillationError`` where parentheses and brackets do not match.
    private static func parts(_ text: Substring, of name: String) throws -> [Substring] {
        var (parts, open, start) = ([Substring](), [Character](), text.startIndex)
        func mismatch(_ character: Character) -> DistillationError {
            DistillationError("objective \(name): '\(character)' in '\(text)' has no counterpart")
        }
        for index in text.indices {
            switch text[index] {
            case "(", "[": open.append(text[index])
            case ")", "]":
                let counterpart: Character = text[index] == ")" ? "(" : "["
                guard open.popLast() == counterpart else { throw mismatch(text[index]) }
            case "," where open.isEmpty:
                parts.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        if let left = open.last { throw mismatch(left) }
        parts.append(text[start...])
        return parts.count == 1 && parts[0].allSatisfy(\.isWhitespace) ? [] : parts
    }
}

extension ObjectiveSpecification: CustomStringConvertible {
    /// The text from which ``init(text:)`` reads this objective; lists are in brackets.
    public var description: String {
        let fields = options.sorted { $0.key < $1.key }.map { name, value in
            // From a file's list the brackets are gone, so that a comma is outside of all parentheses.
            let isList = (try? Self.parts(value[...], of: self.name).count > 1) ?? false
            return "\(name) = \(isList ? "[\(value)]" : value)"
        }
        let texts = texts.map { ["texts = \($0.rawValue)"] } ?? []
        return "\(name)(\((["weight = \(weight)"] + texts + fields).joined(separator: ", ")))"
    }
}
