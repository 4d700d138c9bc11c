/// The initial value of a parameter that no checkpoint supplies.
public enum ParameterInitializer: Sendable, Equatable {
    case zeros
    case ones
    case normal(standardDeviation: Double)
    /// From −bound up to bound.
    case uniform(bound: Double)

    /// Makes a parameter's first values.
    ///
    /// - Parameters:
    ///   - shape: The size of each dimension.
    ///   - name: The parameter's full name: with the seed it decides the numbers, so that they do not depend
    ///     on which other parameters there are.
    ///   - seed: See `name`.
    ///   - dtype: The type of the elements.
    ///   - device: The tensor's device.
    public func tensor(
        shape: [Int], name: String, seed: UInt64, dtype: DType = .float32, device: Device
    ) throws -> Tensor {
        switch self {
        case .zeros: try .zeros(shape, dtype: dtype, device: device)
        case .ones: try .ones(shape, dtype: dtype, device: device)
        case .normal(let deviation):
            try .normal(
                shape, standardDeviation: deviation, seed: seed ^ stableHash(name), dtype: dtype,
                device: device)
        case .uniform(let bound):
            try .uniform(
                shape, low: -bound, high: bound, seed: seed ^ stableHash(name), dtype: dtype, device: device)
        }
    }
}

/// FNV-1a, 64 bits: the same number on every platform and in every run.
func stableHash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
