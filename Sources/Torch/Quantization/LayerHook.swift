/// A hook on the inputs and weights of a model's linear layers and embedding tables, which may change them: to collect
/// ranges, or to train with the rounding of int8.
///
/// A model with such a hook computes with libtorch's operations, layer by layer.
public protocol LayerHook: AnyObject {
    /// Returns the tensor that a linear layer multiplies instead of its input.
    ///
    /// - Parameters:
    ///   - x: (…, inputs).
    ///   - layer: The layer's full name: `bert.pooler.dense`.
    func input(_ x: Tensor, of layer: String) throws -> Tensor

    /// Returns the tensor that a linear layer or an embedding table uses instead of its weight.
    ///
    /// - Parameters:
    ///   - weight: (outputs, inputs), or (rows, width).
    ///   - layer: The layer's full name.
    func weight(_ weight: Tensor, of layer: String) throws -> Tensor

    /// Returns the tensor that a linear layer gives instead of its output.
    ///
    /// - Parameters:
    ///   - y: (…, outputs).
    ///   - x: The layer's own input, (…, inputs).
    ///   - layer: The layer's full name.
    func output(_ y: Tensor, input x: Tensor, of layer: String) throws -> Tensor
}

extension LayerHook {
    public func output(_ y: Tensor, input x: Tensor, of layer: String) throws -> Tensor { y }
}
