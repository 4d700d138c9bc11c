/// The mismatches between a checkpoint and a model, as `from_pretrained` reports them.
public struct LoadReport: Sendable, Equatable {
    /// Parameters of the model that the checkpoint does not have, by the model's names, sorted.
    public let newlyInitialized: [String]
    /// Tensors of the checkpoint that the model does not use, by the checkpoint's names, sorted.
    public let unused: [String]

    public init(newlyInitialized: [String], unused: [String]) {
        self.newlyInitialized = newlyInitialized
        self.unused = unused
    }

    /// True if the classification head starts from random weights, so that its predictions are noise.
    public var headIsNew: Bool { newlyInitialized.contains { $0.hasPrefix("classifier.") } }
}

extension LoadReport: CustomStringConvertible {
    /// The report in one line.
    public var description: String {
        var parts: [String] = []
        if !newlyInitialized.isEmpty {
            parts.append(
                "Some weights were not in the checkpoint and are newly initialized: "
                    + "\(list(newlyInitialized)); train this model before you use its predictions.")
        }
        if !unused.isEmpty {
            parts.append("Some weights of the checkpoint were not used: \(list(unused)).")
        }
        return parts.isEmpty ? "All weights were loaded from the checkpoint." : parts.joined(separator: " ")
    }

    private func list(_ names: [String]) -> String {
        let shown = 6
        let rest = names.count > shown ? " and \(names.count - shown) more" : ""
        return names.prefix(shown).joined(separator: ", ") + rest
    }
}
