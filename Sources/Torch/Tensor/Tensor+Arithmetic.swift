import CTorch

/// Element-wise arithmetic with PyTorch's broadcasting and type promotion.
extension Tensor {
    private func binary(_ operation: ct_binary_op, _ other: Tensor) throws -> Tensor {
        try .make { ct_binary(operation, handle, other.handle, $0) }
    }

    private func binary(_ operation: ct_binary_op, _ other: Double) throws -> Tensor {
        try .make { ct_binary_scalar(operation, handle, other, $0) }
    }

    private func unary(_ operation: ct_unary_op) throws -> Tensor {
        try .make { ct_unary(operation, handle, $0) }
    }

    public static func + (a: Tensor, b: Tensor) throws -> Tensor { try a.binary(CT_ADD, b) }
    public static func - (a: Tensor, b: Tensor) throws -> Tensor { try a.binary(CT_SUBTRACT, b) }
    public static func * (a: Tensor, b: Tensor) throws -> Tensor { try a.binary(CT_MULTIPLY, b) }
    public static func / (a: Tensor, b: Tensor) throws -> Tensor { try a.binary(CT_DIVIDE, b) }
    public static func + (a: Tensor, b: Double) throws -> Tensor { try a.binary(CT_ADD, b) }
    public static func - (a: Tensor, b: Double) throws -> Tensor { try a.binary(CT_SUBTRACT, b) }
    public static func * (a: Tensor, b: Double) throws -> Tensor { try a.binary(CT_MULTIPLY, b) }
    public static func / (a: Tensor, b: Double) throws -> Tensor { try a.binary(CT_DIVIDE, b) }
    public static func * (a: Double, b: Tensor) throws -> Tensor { try b * a }
    public static func + (a: Double, b: Tensor) throws -> Tensor { try b + a }
    public static func - (a: Double, b: Tensor) throws -> Tensor { try b.negated() + a }
    public static prefix func - (a: Tensor) throws -> Tensor { try a.negated() }

    public func power(_ exponent: Double) throws -> Tensor { try binary(CT_POWER, exponent) }
    public func power(_ exponent: Tensor) throws -> Tensor { try binary(CT_POWER, exponent) }
    public func maximum(_ other: Tensor) throws -> Tensor { try binary(CT_MAXIMUM, other) }
    public func minimum(_ other: Tensor) throws -> Tensor { try binary(CT_MINIMUM, other) }
    public func clampedBelow(_ bound: Double) throws -> Tensor { try binary(CT_MAXIMUM, bound) }
    public func clampedAbove(_ bound: Double) throws -> Tensor { try binary(CT_MINIMUM, bound) }

    public func equal(_ other: Tensor) throws -> Tensor { try binary(CT_EQUAL, other) }
    public func equal(_ other: Double) throws -> Tensor { try binary(CT_EQUAL, other) }
    public func notEqual(_ other: Tensor) throws -> Tensor { try binary(CT_NOT_EQUAL, other) }
    public func notEqual(_ other: Double) throws -> Tensor { try binary(CT_NOT_EQUAL, other) }
    public func less(_ other: Tensor) throws -> Tensor { try binary(CT_LESS, other) }
    public func less(_ other: Double) throws -> Tensor { try binary(CT_LESS, other) }
    public func lessOrEqual(_ other: Double) throws -> Tensor { try binary(CT_LESS_EQUAL, other) }
    public func greater(_ other: Tensor) throws -> Tensor { try binary(CT_GREATER, other) }
    public func greater(_ other: Double) throws -> Tensor { try binary(CT_GREATER, other) }
    public func greaterOrEqual(_ other: Double) throws -> Tensor { try binary(CT_GREATER_EQUAL, other) }
    public func logicalAnd(_ other: Tensor) throws -> Tensor { try binary(CT_LOGICAL_AND, other) }
    public func logicalOr(_ other: Tensor) throws -> Tensor { try binary(CT_LOGICAL_OR, other) }
    public func logicalNot() throws -> Tensor { try unary(CT_LOGICAL_NOT) }

    public func negated() throws -> Tensor { try unary(CT_NEGATE) }
    public func absolute() throws -> Tensor { try unary(CT_ABS) }
    public func exp() throws -> Tensor { try unary(CT_EXP) }
    public func log() throws -> Tensor { try unary(CT_LOG) }
    public func squareRoot() throws -> Tensor { try unary(CT_SQRT) }
    public func reciprocalSquareRoot() throws -> Tensor { try unary(CT_RSQRT) }
    public func square() throws -> Tensor { try unary(CT_SQUARE) }
    public func tanh() throws -> Tensor { try unary(CT_TANH) }
    public func sigmoid() throws -> Tensor { try unary(CT_SIGMOID) }
    public func relu() throws -> Tensor { try unary(CT_RELU) }
    public func silu() throws -> Tensor { try unary(CT_SILU) }
    public func erf() throws -> Tensor { try unary(CT_ERF) }
    public func isFinite() throws -> Tensor { try unary(CT_IS_FINITE) }

    /// The Gaussian error linear unit (Hendrycks and Gimpel, arXiv 1606.08415): exact, by the error function.
    public func gelu() throws -> Tensor { try unary(CT_GELU) }

    /// The same by the tanh approximation, `gelu_new` at Hugging Face.
    public func geluTanh() throws -> Tensor { try unary(CT_GELU_TANH) }

    /// The matrix product, over the last two dimensions and broadcast over the others.
    public func matmul(_ other: Tensor) throws -> Tensor {
        try .make { ct_matmul(handle, other.handle, $0) }
    }

    /// The running sum along a dimension.
    public func cumulativeSum(dimension: Int) throws -> Tensor {
        try .make { ct_cumsum(handle, Int64(dimension), $0) }
    }
}
