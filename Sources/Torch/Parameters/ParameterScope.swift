/// A source of parameters: a checkpoint, another model, or initializers.
public protocol ParameterSource {
    /// The parameter with this full name.
    ///
    /// - Returns: A leaf tensor that the model may own and train; `nil` where this source has none, so that the
    ///   initializer is used.
    /// - Throws: If its tensor of this name does not match the shape.
    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor?

    /// The parameter with this full name in int8, where this source has it so.
    ///
    /// - Throws: If its tensor of this name does not match the shape.
    func quantizedParameter(named name: String, shape: [Int], device: Device) throws -> QuantizedParameter?
}

extension ParameterSource {
    public func quantizedParameter(named name: String, shape: [Int], device: Device) throws
        -> QuantizedParameter?
    { nil }
}

/// A node in the tree of a model under construction. Layers ask it for their parameters; it finds or makes
/// them, and registers them under their full names.
///
/// The same code so builds a fresh model and one from a checkpoint:
///
/// ```swift
/// let scope = ParameterScope(store: store, source: nil, seed: 42)
/// let dense = try Linear(scope["pooler"]["dense"], inputs: 384, outputs: 384, initializer: .normal(standardDeviation: 0.02))
/// // store now holds pooler.dense.weight and pooler.dense.bias
/// ```
public struct ParameterScope {
    public let path: String
    let context: Context

    final class Context {
        let store: ParameterStore
        let source: (any ParameterSource)?
        let seed: UInt64
        let device: Device
        let instrument: (any LayerHook)?
        var initialized: [String] = []

        init(
            store: ParameterStore, source: (any ParameterSource)?, seed: UInt64, device: Device,
            instrument: (any LayerHook)?
        ) {
            self.instrument = instrument
            self.store = store
            self.source = source
            self.seed = seed
            self.device = device
        }
    }

    /// The root of a model's tree.
    public init(
        store: ParameterStore, source: (any ParameterSource)?, seed: UInt64, device: Device = .cpu,
        instrument: (any LayerHook)? = nil
    ) {
        self.path = ""
        self.context = Context(
            store: store, source: source, seed: seed, device: device, instrument: instrument)
    }

    private init(path: String, context: Context) {
        self.path = path
        self.context = context
    }

    /// The names of parameters that the source did not have: newly initialized ones.
    public var initialisedNames: [String] { context.initialized }

    public var device: Device { context.device }

    /// The hook on the model's layers.
    public var instrument: (any LayerHook)? { context.instrument }

    /// The child of this name.
    public subscript(name: String) -> ParameterScope {
        ParameterScope(path: path.isEmpty ? name : "\(path).\(name)", context: context)
    }

    /// The child with this number, for lists of layers.
    public subscript(index: Int) -> ParameterScope { self[String(index)] }

    /// Finds or makes a parameter, trainable, and registers it.
    public func parameter(_ name: String, shape: [Int], initializer: ParameterInitializer) throws -> Tensor {
        let fullName = self[name].path
        let tensor: Tensor
        if let found = try context.source?.parameter(named: fullName, shape: shape, device: context.device) {
            tensor = found
        } else {
            tensor = try initializer.tensor(
                shape: shape, name: fullName, seed: context.seed, device: context.device)
            context.initialized.append(fullName)
        }
        try tensor.setRequiresGrad(true)
        try context.store.add(fullName, tensor)
        return tensor
    }

    /// Notes that the parameter `weight` here is a linear layer's.
    func registerLinear(_ weight: Tensor, isTransposed: Bool) {
        context.store.linearLayers.append(.init(name: path, weight: weight, isTransposed: isTransposed))
    }

    /// Finds a parameter in int8 where the source has it so, and registers it with its scales; it is not trained.
    ///
    /// - Throws: If the source's tensor does not match the shape.
    public func quantizedParameter(_ name: String, shape: [Int]) throws -> QuantizedParameter? {
        let fullName = self[name].path
        guard
            let found = try context.source?.quantizedParameter(
                named: fullName, shape: shape, device: context.device)
        else { return nil }
        try context.store.add(fullName, found.weight.values)
        for companion in try found.companions() {
            try context.store.add(self[companion.name].path, companion.tensor, isAuxiliary: true)
        }
        return found
    }
}
