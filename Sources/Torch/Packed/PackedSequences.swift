import CTorch

/// The offsets of a batch's examples among its tokens, which are stored one after another without padding
/// (`cu_seqlens`).
public final class PackedSequences {
    /// The first token of each example, and the number of all tokens.
    public let offsets: [Int]
    /// The place of each example's first token in its text: 0, or more where the keys and values of earlier tokens are kept.
    public let firstPlaces: [Int]
    /// The device on which the batch is computed.
    public let device: Device
    /// (B + 1) int64 on the CPU, for the kernels.
    let tensor: Tensor
    /// (B + 1) int32 on the device, for libtorch's operations.
    private let starts: Tensor?
    /// (T) int32 on the device: each token's position in its example, from 0.
    private let positions: Tensor?
    private var paddedIndices: Tensor?

    /// - Throws: ``TorchError`` where memory is short.
    public convenience init(offsets: [Int]) throws { try self.init(offsets: offsets, device: .cpu) }

    /// - Parameters:
    ///   - offsets: B + 1 numbers.
    ///   - device: The device on which the batch is computed.
    ///   - firstPlaces: The place of each example's first token in its text; `nil` for all 0.
    /// - Throws: ``TorchError`` where memory is short.
    public init(offsets: [Int], device: Device, firstPlaces: [Int]? = nil) throws {
        self.offsets = offsets
        self.firstPlaces = firstPlaces ?? [Int](repeating: 0, count: max(0, offsets.count - 1))
        self.device = device
        tensor = try Tensor(offsets)
        guard device.kind != .cpu else {
            (starts, positions) = (nil, nil)
            return
        }
        // Both in one transfer.
        let all = try Tensor(Self.numbers(offsets), device: device)
        starts = try all.narrowed(dimension: 0, start: 0, length: offsets.count)
        positions = try all.narrowed(dimension: 0, start: offsets.count, length: offsets.last ?? 0)
    }

    /// The number of examples.
    public var count: Int { offsets.count - 1 }

    /// The tokens of the longest example.
    var longest: Int { (0..<count).reduce(0) { max($0, offsets[$1 + 1] - offsets[$1]) } }

    /// The place after the last token of the text that reaches furthest.
    var furthest: Int {
        (0..<count).reduce(0) { max($0, firstPlaces[$1] + offsets[$1 + 1] - offsets[$1]) }
    }

    /// Calls a body with what libtorch's operations need of them.
    ///
    /// - Parameter padded: True if they read padded batches.
    func withDeviceSequences<Result>(
        padded: Bool, _ body: (ct_device_sequences) throws -> Result
    ) throws -> Result {
        let starts = try self.starts ?? Tensor(offsets.map { Int32($0) }, device: device)
        let indices = padded ? try tokenIndices() : nil
        return try withExtendedLifetime((starts, indices)) {
            try body(
                ct_device_sequences(
                    starts: starts.handle, padded_indices: indices?.handle, longest: Int64(longest)))
        }
    }

    /// (T) int32: each token's position in its example, from 0.
    func tokenPositions() throws -> Tensor {
        try positions
            ?? Tensor(Array(Self.numbers(offsets).dropFirst(offsets.count)), device: device)
    }

    /// Returns the index of each token in the padded batch, counted row by row: (T) int64.
    private func tokenIndices() throws -> Tensor {
        if let paddedIndices { return paddedIndices }
        let made = try Tensor(Self.paddedPlaces(offsets), device: device)
        paddedIndices = made
        return made
    }

    /// Returns the index of each token of packed examples in the padded batch, counted row by row.
    public static func paddedPlaces(_ offsets: [Int]) -> [Int] {
        let rows = 0..<offsets.count - 1
        let longest = rows.reduce(0) { max($0, offsets[$1 + 1] - offsets[$1]) }
        var indices: [Int] = []
        indices.reserveCapacity(offsets.last ?? 0)
        for row in rows {
            for token in 0..<offsets[row + 1] - offsets[row] { indices.append(row * longest + token) }
        }
        return indices
    }

    /// The offsets, then each token's position in its example.
    private static func numbers(_ offsets: [Int]) -> [Int32] {
        var numbers = offsets.map { Int32($0) }
        numbers.reserveCapacity(offsets.count + (offsets.last ?? 0))
        for row in 0..<max(0, offsets.count - 1) {
            numbers += (0..<Int32(max(0, offsets[row + 1] - offsets[row])))
        }
        return numbers
    }
}
