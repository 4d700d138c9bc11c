/// What did not fit between a checkpoint and a model, as `from_pretrained` reports it.
public struct LoadReport: Sendable, Equatable, CustomStringConvertible {
    /// Parameters of the model that the checkpoint does not have.
    public let newlyInitialized: [String]
    /// Tensors of the checkpoint that the model does not use.
    public let unused: [String]

    public init(newlyInitialized: [String], unused: [String]) {
        self.newlyInitialized = newlyInitialized
        self.unused = unused
    }

    /// Whether the classification head starts from random weights.
    public var headIsNew: Bool { newlyInitialized.contains { $0.hasPrefix("classifier.") } }

    public var description: String {
        var parts: [String] = []
        if !newlyInitialized.isEmpty {
            parts.append("newly initialized (not in the checkpoint): " + list(newlyInitialized))
        }
        if !unused.isEmpty { parts.append("unused (not in the model): " + list(unused)) }
        return parts.isEmpty ? "all weights were loaded" : parts.joined(separator: "; ")
    }

    private func list(_ names: [String]) -> String {
        names.count <= 8
            ? names.joined(separator: ", ")
            : names.prefix(6).joined(separator: ", ") + " and \(names.count - 6) more"
    }
}
