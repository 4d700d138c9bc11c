/// The values that a call, a filter or a test is given.
struct Arguments {
    var positional: [Value] = []
    var named: [(name: String, value: Value)] = []

    /// The values of parameters, in their order; nil for one that is not given.
    ///
    /// - Parameters:
    ///   - callee: What is called, for errors.
    ///   - parameters: The parameters' names.
    ///   - required: How many of them must be given.
    /// - Throws: `TemplateFailure` for an argument too many, or too few.
    func bound(_ callee: String, _ parameters: [String], required: Int = 0) throws -> [Value?] {
        guard positional.count <= parameters.count else {
            throw TemplateFailure.rendering(
                "\(callee) takes at most \(parameters.count) arguments, but got \(positional.count)")
        }
        var values: [Value?] = positional + Array(repeating: nil, count: parameters.count - positional.count)
        for argument in named {
            guard let index = parameters.firstIndex(where: { $0.hasSameCharacters(as: argument.name) }) else {
                throw TemplateFailure.rendering("\(callee) has no argument '\(argument.name)'")
            }
            guard values[index] == nil else {
                throw TemplateFailure.rendering("\(callee) is given '\(argument.name)' twice")
            }
            values[index] = argument.value
        }
        for index in 0..<required where values[index] == nil {
            throw TemplateFailure.rendering("\(callee) lacks the argument '\(parameters[index])'")
        }
        return values
    }

    /// The values of parameters that cannot be named.
    func unnamed(_ callee: String, atLeast: Int = 0, atMost: Int) throws -> [Value?] {
        guard named.isEmpty else { throw TemplateFailure.rendering("\(callee) takes no named arguments") }
        guard positional.count >= atLeast, positional.count <= atMost else {
            throw TemplateFailure.rendering("\(callee) cannot take \(positional.count) arguments")
        }
        return positional + Array(repeating: nil, count: atMost - positional.count)
    }
}

extension Value? {
    /// A whole number that was given, or a default.
    func integer(_ what: String, default number: Int) throws -> Int {
        guard let self else { return number }
        guard let integer = self.integer else {
            throw TemplateFailure.rendering("\(what) must be a whole number, not '\(self.typeName)'")
        }
        return integer
    }

    /// A string that was given; nil where none was, or `none`.
    func optionalText(_ what: String) throws -> String? {
        guard let self, !self.isNone else { return nil }
        guard let text = self.text else {
            throw TemplateFailure.rendering("\(what) must be a string, not '\(self.typeName)'")
        }
        return text
    }
}

extension Array {
    /// The elements in order, equal ones as they were.
    func stableSorted(reversed: Bool = false, _ precedes: (Element, Element) throws -> Bool) throws
        -> [Element]
    {
        try enumerated().sorted { left, right in
            let (first, second) = reversed ? (right.element, left.element) : (left.element, right.element)
            if try precedes(first, second) { return true }
            if try precedes(second, first) { return false }
            return left.offset < right.offset
        }.map(\.element)
    }
}
