/// The parameters of a model by name, in the order in which its layers were made: its state dictionary.
///
/// Names are the path of a layer in the model's tree and the parameter's own name, joined by dots, as in
/// PyTorch: `bert.encoder.layer.0.attention.self.query.weight`.
public final class ParameterStore {
    public struct Entry {
        public init(name: String, tensor: Tensor, isAuxiliary: Bool = false) {
            (self.name, self.tensor, self.isAuxiliary) = (name, tensor, isAuxiliary)
        }

        public let name: String
        public let tensor: Tensor
        /// True if the tensor is only needed to interpret another: a scale.
        public var isAuxiliary = false
    }

    /// A linear layer's weight, for whoever adapts it.
    public struct LinearLayer {
        /// The layer's path: the weight's name without `.weight`.
        public let name: String
        /// (outputs, inputs), or (inputs, outputs) where it is transposed.
        public let weight: Tensor
        public let isTransposed: Bool
    }

    public private(set) var entries: [Entry] = []
    /// The floating-point linear layers, in their order.
    public internal(set) var linearLayers: [LinearLayer] = []
    private var index: [String: Int] = [:]

    public init() {}

    /// - Throws: ``TorchError`` where the name is taken.
    public func add(_ name: String, _ tensor: Tensor, isAuxiliary: Bool = false) throws {
        guard index[name] == nil else { throw TorchError("the model has two parameters named '\(name)'") }
        index[name] = entries.count
        entries.append(Entry(name: name, tensor: tensor, isAuxiliary: isAuxiliary))
    }

    public subscript(name: String) -> Tensor? { index[name].map { entries[$0].tensor } }

    public var names: [String] { entries.map(\.name) }
    public var tensors: [Tensor] { entries.map(\.tensor) }

    /// The number of single numbers in all parameters; scales of int8 weights do not count.
    public var elementCount: Int { entries.reduce(0) { $0 + ($1.isAuxiliary ? 0 : $1.tensor.count) } }

    /// True if some weights are int8, so that the model cannot be trained.
    public var isQuantized: Bool { entries.contains { !$0.tensor.dtype.isFloatingPoint } }

    /// Excludes every parameter from training: no gradient is ever recorded for it.
    public func freeze() throws {
        for entry in entries where entry.tensor.dtype.isFloatingPoint {
            try entry.tensor.setRequiresGrad(false)
        }
    }

    public func clearGradients() throws {
        for entry in entries { try entry.tensor.clearGradient() }
    }

    /// Copies of all parameters, which later training does not change.
    public func snapshot() throws -> [String: Tensor] {
        var copies: [String: Tensor] = [:]
        for entry in entries { copies[entry.name] = try entry.tensor.detached().clone() }
        return copies
    }

    /// Overwrites all parameters with those of a snapshot.
    ///
    /// - Throws: ``TorchError`` where one is missing or has another shape; nothing has changed then.
    public func restore(_ snapshot: [String: Tensor]) throws {
        for entry in entries {
            guard let saved = snapshot[entry.name] else {
                throw TorchError("the snapshot lacks the parameter '\(entry.name)'")
            }
            guard saved.shape == entry.tensor.shape else {
                throw TorchError(
                    "parameter '\(entry.name)' has shape \(entry.tensor.shape), the snapshot's \(saved.shape)"
                )
            }
        }
        for entry in entries {
            if let saved = snapshot[entry.name] { try entry.tensor.copy(from: saved) }
        }
    }
}
