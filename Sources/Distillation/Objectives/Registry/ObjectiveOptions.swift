/// Reads an objective's options: what is given, else what is declared as the default.
public struct ObjectiveOptions {
    private let objective: String
    private let values: [String: String]

    /// Takes a specification's options.
    ///
    /// - Parameters:
    ///   - specification: What was configured.
    ///   - known: The options that this objective has.
    /// - Throws: ``DistillationError`` where an option is given that is not known; it lists those that are.
    public init(_ specification: ObjectiveSpecification, known: [ObjectiveOption]) throws {
        objective = specification.name
        let names = known.map(\.name)
        if let unknown = specification.options.keys.sorted().first(where: { !names.contains($0) }) {
            let hint = Suggestion.nearest(to: unknown, among: names).map { "did you mean \($0)? " } ?? ""
            let list = (names + ["weight"]).joined(separator: ", ")
            throw DistillationError(
                "objective \(objective): there is no option '\(unknown)'; \(hint)its options are \(list)")
        }
        values = Dictionary(known.map { ($0.name, $0.defaultValue) }) { first, _ in first }
            .merging(specification.options) { _, given in given }
    }

    /// An option's text.
    ///
    /// - Throws: ``DistillationError`` where the objective did not declare it.
    public func text(_ name: String) throws -> String {
        guard let value = values[name] else {
            throw DistillationError("objective \(objective): reads the option '\(name)' without declaring it")
        }
        return value
    }

    /// A number within limits.
    ///
    /// - Parameters:
    ///   - name: The option.
    ///   - range: The limits in words, such as "above 0".
    ///   - isValid: The limits.
    /// - Throws: ``DistillationError`` where it is no number, or out of the limits.
    public func number(_ name: String, _ range: String, where isValid: (Double) -> Bool) throws -> Double {
        let text = try text(name)
        guard let value = Double(text), value.isFinite, isValid(value) else {
            throw wrong(name, "must be a number \(range)", text)
        }
        return value
    }

    /// A whole number within limits.
    ///
    /// - Parameters:
    ///   - name: The option.
    ///   - range: The limits in words, such as "of at least 1".
    ///   - isValid: The limits.
    /// - Throws: ``DistillationError`` where it is no whole number, or out of the limits.
    public func integer(_ name: String, _ range: String, where isValid: (Int) -> Bool) throws -> Int {
        let text = try text(name)
        guard let value = Int(text), isValid(value) else {
            throw wrong(name, "must be a whole number \(range)", text)
        }
        return value
    }

    /// A weight within an objective: a number of at least 0.
    func weight(_ name: String) throws -> Double {
        try number(name, "of at least 0") { $0 >= 0 }
    }

    /// The schedule of the option `temperature`.
    ///
    /// - Throws: ``DistillationError`` where it is no schedule, reaches 0, or is too small or too large to compute with.
    public func temperature() throws -> Schedule {
        let name = "temperature"
        let text = try text(name)
        guard let schedule = Schedule(text) else { throw wrong(name, "must be \(Schedule.grammar)", text) }
        if let rule = schedule.temperatureRule { throw wrong(name, rule, text) }
        return schedule
    }

    /// One of several words.
    ///
    /// - Parameters:
    ///   - name: The option.
    ///   - type: The words.
    /// - Throws: ``DistillationError`` that lists the words.
    public func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, of type: Choice.Type = Choice.self
    ) throws -> Choice where Choice.RawValue == String {
        let text = try text(name)
        guard let value = Choice(rawValue: text) else {
            throw wrong(name, "must be \(Self.alternatives(Choice.allCases.map(\.rawValue)))", text)
        }
        return value
    }

    /// Yes or no.
    ///
    /// - Throws: ``DistillationError`` where it is neither `true` nor `false`.
    public func flag(_ name: String) throws -> Bool {
        let text = try text(name)
        guard let value = Bool(text) else { throw wrong(name, "must be true or false", text) }
        return value
    }

    /// An error about an option's value, in the form of all others.
    ///
    /// - Parameters:
    ///   - name: The option.
    ///   - rule: What it must be.
    ///   - text: What was given.
    public func wrong(_ name: String, _ rule: String, _ text: String) -> DistillationError {
        DistillationError("objective \(objective): \(name) \(rule), got '\(text)'")
    }

    /// The parts of a list: separated by commas or spaces, in brackets or without.
    static func list(_ text: String) -> [String] {
        var text = text[...]
        if let first = text.first, let last = text.last,
            [("[", "]"), ("(", ")")].contains(where: { $0 == (first, last) })
        {
            text = text.dropFirst().dropLast()
        }
        return text.split { $0 == "," || $0.isWhitespace }.map(String.init)
    }

    static func alternatives(_ words: [String]) -> String {
        words.count < 2
            ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
    }
}
