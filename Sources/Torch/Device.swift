import CTorch

/// The device that a tensor is stored on, written as in PyTorch: `cpu`, `cuda`, `cuda:1`, `mps`.
public struct Device: Equatable, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, CaseIterable, Sendable { case cpu, cuda, mps }

    public let kind: Kind
    /// The index among devices of that kind; `nil` for the current one.
    public let index: Int?

    public static let cpu = Device(kind: .cpu, index: nil)

    public init(kind: Kind, index: Int? = nil) {
        self.kind = kind
        self.index = index
    }

    /// Reads a device's name and makes sure that this libtorch can use it.
    ///
    /// - Throws: ``TorchError`` where the name is unknown or the device is not there.
    public init(_ name: String) throws(TorchError) {
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let kind = Kind(rawValue: String(parts[0])) else {
            throw TorchError("unknown device '\(name)'; use cpu, cuda, cuda:N or mps")
        }
        var index: Int?
        if parts.count == 2 {
            // `Int` alone would also read a sign.
            guard let number = Int(parts[1]), parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
                kind != .cpu
            else {
                throw TorchError("unknown device '\(name)'; use cpu, cuda, cuda:N or mps")
            }
            index = number
        }
        let count = Int(ct_device_count(kind.code))
        guard count > (index ?? 0) else {
            throw TorchError(
                "device '\(name)' is not available: this libtorch sees \(count) \(kind.rawValue) device(s); "
                    + "use --device cpu, or point LIBTORCH to a build with \(kind.rawValue) support")
        }
        self.init(kind: kind, index: index)
    }

    public var description: String { index.map { "\(kind.rawValue):\($0)" } ?? kind.rawValue }

    var code: ct_device { ct_device(type: kind.code, index: Int32(clamping: index ?? -1)) }

    init?(code: ct_device) {
        guard let kind = Kind.allCases.first(where: { $0.code == code.type }) else { return nil }
        self.init(kind: kind, index: code.index < 0 ? nil : Int(code.index))
    }
}

extension Device.Kind {
    var code: ct_device_type {
        switch self {
        case .cpu: CT_CPU
        case .cuda: CT_CUDA
        case .mps: CT_MPS
        }
    }
}
