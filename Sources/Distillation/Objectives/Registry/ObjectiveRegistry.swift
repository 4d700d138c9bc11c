/// Makes objectives by name.
///
/// A custom loss is added under its name:
///
/// ```swift
/// let registry = ObjectiveRegistry.standard.adding("logits_l1") { _ in LogitsL1() }
/// let objective = try registry.make(ObjectiveSpecification("logits_l1"))
/// ```
public struct ObjectiveRegistry: Sendable {
    /// A kind of objective.
    public struct Entry: Sendable {
        /// In snake case.
        public let name: String
        /// The comparison it makes, in one line.
        public let summary: String
        /// Its options besides the weight.
        public let options: [ObjectiveOption]
        /// Makes it, or refuses its options.
        public let make: @Sendable (ObjectiveSpecification) throws -> any Objective
    }

    /// In the order in which they were added.
    public private(set) var entries: [Entry] = []

    /// A registry without any objective.
    public init() {}

    public var names: [String] { entries.map(\.name) }

    /// The kind of this name, if there is one.
    public subscript(name: String) -> Entry? { entries.first { $0.name == name } }

    /// This registry with one objective more, or with another one of this name.
    ///
    /// - Parameters:
    ///   - name: In snake case.
    ///   - summary: What it compares, in one line, for help.
    ///   - options: Its options, for help; ``ObjectiveOptions`` reads and checks them.
    ///   - make: Makes it from what was configured.
    public func adding(
        _ name: String, summary: String = "", options: [ObjectiveOption] = [],
        make: @escaping @Sendable (ObjectiveSpecification) throws -> any Objective
    ) -> ObjectiveRegistry {
        var registry = self
        let entry = Entry(name: name, summary: summary, options: options, make: make)
        if let index = entries.firstIndex(where: { $0.name == name }) {
            registry.entries[index] = entry
        } else {
            registry.entries.append(entry)
        }
        return registry
    }

    /// Makes an objective.
    ///
    /// - Throws: ``DistillationError`` where there is none of this name, or it refuses an option.
    public func make(_ specification: ObjectiveSpecification) throws -> any Objective {
        guard let entry = self[specification.name] else {
            let hint =
                Suggestion.nearest(to: specification.name, among: names).map { "did you mean \($0)? " } ?? ""
            throw DistillationError(
                "there is no objective '\(specification.name)'; \(hint)there are \(names.joined(separator: ", "))"
            )
        }
        return try entry.make(specification)
    }
}
