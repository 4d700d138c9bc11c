import CTorch

/// A tensor operation that libtorch refused.
///
/// The message names the operation, the element types and shapes of its inputs, and the reason, for example
/// `matmul(float32[2, 3], float32[4, 5]): mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)`.
public struct TorchError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of failure, as far as a caller may want to handle it.
    public enum Kind: Sendable {
        /// Shapes, element types or values do not fit the operation.
        case operation
        /// The device has no memory left.
        case outOfMemory
        /// An index is out of its dimension's range.
        case index
        /// Another process of a group has ended, or does not come.
        case communication
        /// Anything else.
        case `internal`
    }

    public let kind: Kind
    public let description: String

    public init(kind: Kind = .operation, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

/// Throws the error that a shim function returned, if it returned one.
func check(_ error: ct_error?) throws(TorchError) {
    guard let error else { return }
    defer { ct_error_free(error) }
    let kind: TorchError.Kind =
        switch ct_error_kind(error) {
        case CT_ERROR_OPERATION: .operation
        case CT_ERROR_OUT_OF_MEMORY: .outOfMemory
        case CT_ERROR_INDEX: .index
        case CT_ERROR_COMMUNICATION: .communication
        default: .internal
        }
    let message = String(cString: ct_error_message(error))
    throw TorchError(
        kind: kind,
        kind == .outOfMemory ? message + "; use a smaller batch size or maximum length" : message)
}
