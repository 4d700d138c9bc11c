import Distillation
import Foundation

extension SearchDimension {
    /// Reads a setting's values from text.
    ///
    /// ```
    /// 1, 2, 4, 8               a list; [1, 2, 4, 8] and choice(1, 2, 4, 8) are the same
    /// linear(8,1), 4           commas within brackets or quotes belong to the value
    /// [0,2,4], [1,3,5]         a list of lists
    /// uniform(0.1, 1)          numbers, all equally likely
    /// loguniform(1e-5, 1e-3)   numbers, all orders of magnitude equally likely
    /// int(2, 6)                whole numbers, both ends included
    /// ```
    ///
    /// - Parameters:
    ///   - name: The setting's name; hyphens count as underscores.
    ///   - text: The values, by the grammar above.
    /// - Throws: `DistillationError` that names the setting and what is wrong.
    public init(name: String, parsing text: String) throws {
        let name = name.trimmingCharacters(in: .whitespaces)
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        func error(_ reason: String) -> DistillationError {
            DistillationError("search: \(name): \(reason)")
        }
        guard let parts = SearchText.split(text) else {
            throw error(
                "'\(text)' has brackets or quotes that do not close; put quotes around a value that holds a comma"
            )
        }
        guard parts.count == 1, let (function, inner) = SearchText.call(text),
            let arguments = SearchText.split(inner)
        else {
            try self.init(name: name, domain: .choice(text.isEmpty ? [] : parts.map({ SearchValue($0) })))
            return
        }
        func bounds<Number>(_ convert: (String) -> Number?, _ what: String) throws -> (Number, Number) {
            guard arguments.count == 2, let low = convert(arguments[0]), let high = convert(arguments[1])
            else {
                throw error("\(function.rawValue) needs two \(what), low and high, got '\(text)'")
            }
            return (low, high)
        }
        let domain: SearchDomain
        switch function {
        case .choice:
            let isEmpty = inner.trimmingCharacters(in: .whitespaces).isEmpty
            domain = .choice(isEmpty ? [] : arguments.map({ SearchValue($0) }))
        case .uniform:
            let (low, high) = try bounds({ Double($0) }, "numbers")
            domain = .uniform(low: low, high: high)
        case .loguniform:
            let (low, high) = try bounds({ Double($0) }, "numbers")
            domain = .logUniform(low: low, high: high)
        case .int:
            let (low, high) = try bounds({ Int($0) }, "whole numbers")
            domain = .int(low: low, high: high)
        }
        try self.init(name: name, domain: domain)
    }

    /// Reads `name=values`, as the command line gives it.
    ///
    /// - Parameter option: For example `learning_rate=loguniform(1e-5,1e-3)`.
    /// - Throws: `DistillationError` that names the setting and what is wrong.
    public init(option: String) throws {
        guard let equals = option.firstIndex(of: "=") else {
            throw DistillationError(
                "search: '\(option)' must be written as name=values, such as temperature=1,2,4")
        }
        try self.init(
            name: String(option[..<equals]), parsing: String(option[option.index(after: equals)...]))
    }
}

/// The parts of the grammar.
enum SearchText {
    enum Function: String { case choice, uniform, loguniform, int }

    /// Splits at commas outside brackets and quotes.
    ///
    /// - Returns: `nil` where brackets or quotes do not close.
    static func split(_ text: String) -> [String]? {
        var parts = [""]
        var closing: [Character] = []
        var quote: Character?
        for character in text {
            let isStart = parts[parts.count - 1].allSatisfy(\.isWhitespace)
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'", isStart || !closing.isEmpty {
                quote = character
            } else if let bracket = brackets[character] {
                closing.append(bracket)
            } else if brackets.values.contains(character) {
                guard closing.popLast() == character else { return nil }
            } else if character == ",", closing.isEmpty {
                parts.append("")
                continue
            }
            parts[parts.count - 1].append(character)
        }
        guard closing.isEmpty, quote == nil else { return nil }
        return parts.map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// Parses a text that is one call, or one list in square brackets.
    ///
    /// - Parameter text: A text without commas outside brackets.
    static func call(_ text: String) -> (function: Function, inner: String)? {
        guard let open = text.firstIndex(where: { $0 == "(" || $0 == "[" }),
            text.last == brackets[text[open]], isClosedLast(text[open...])
        else { return nil }
        let inner = String(text[text.index(after: open)...].dropLast())
        if text[open] == "[" { return open == text.startIndex ? (.choice, inner) : nil }
        let name = text[..<open].lowercased().filter { $0 != "_" && $0 != "-" && $0 != " " }
        return Function(rawValue: name).map { ($0, inner) }
    }

    /// Returns true if the bracket that opens a text closes at its very end.
    private static func isClosedLast(_ text: Substring) -> Bool {
        var depth = 0
        for (offset, character) in text.enumerated() {
            if brackets[character] != nil { depth += 1 }
            if brackets.values.contains(character) { depth -= 1 }
            if depth == 0 { return offset == text.count - 1 }
        }
        return false
    }

    private static let brackets: [Character: Character] = ["(": ")", "[": "]", "{": "}"]
}
