import Torch

/// A batch of token ids without padding: the examples are concatenated. It consists of plain arrays, so that
/// any thread can make it.
public struct PackedInput: Sendable, Equatable {
    /// The token ids of all examples.
    public var inputIDs: [Int32]
    /// The token type of each token; `nil` for all 0.
    public var tokenTypeIDs: [Int32]?
    /// The start of each example, then the total number of tokens: one more entry than there are examples.
    public var offsets: [Int]
    /// The indices, among all tokens of the batch, of those for which a token-level head computes outputs;
    /// `nil` for all.
    public var rows: [Int]?

    public init(inputIDs: [Int32], tokenTypeIDs: [Int32]? = nil, offsets: [Int], rows: [Int]? = nil) {
        self.inputIDs = inputIDs
        self.tokenTypeIDs = tokenTypeIDs
        self.offsets = offsets
        self.rows = rows
    }

    /// The number of examples.
    public var count: Int { offsets.count - 1 }

    /// - Throws: ``TransformersError`` unless there are examples, of 1 to `maxLength` tokens each.
    func validate(maxLength: Int) throws {
        guard count > 0, offsets.first == 0, offsets.last == inputIDs.count,
            tokenTypeIDs == nil || tokenTypeIDs?.count == inputIDs.count
        else {
            throw TransformersError(
                "the offsets \(offsets.prefix(4))… do not divide \(inputIDs.count) input_ids and "
                    + "\(tokenTypeIDs?.count ?? 0) token_type_ids into examples")
        }
        for index in 0..<count {
            let length = offsets[index + 1] - offsets[index]
            guard length > 0 else {
                throw TransformersError(
                    "example \(index) of the batch has no token; give a batch (B, L) of at least one token")
            }
            guard length <= maxLength else { throw TransformersError.tooLong(length, maxLength) }
        }
        if let wrong = rows?.first(where: { !inputIDs.indices.contains($0) }) {
            throw TransformersError("the row \(wrong) is none of the batch's \(inputIDs.count) tokens")
        }
    }
}

extension PackedInput {
    /// Returns each token's index in the padded batch, counted row by row: (T) int64.
    func places(device: Device) throws -> Tensor {
        try Tensor(PackedSequences.paddedPlaces(offsets), device: device)
    }

    /// Returns the selected rows (R, H) of all tokens' (T, H).
    func selected(of tokens: Tensor) throws -> Tensor {
        guard let rows else { return tokens }
        return try tokens.indexSelect(dimension: 0, Tensor(rows, device: tokens.device))
    }
}

extension ModelInput {
    /// Pads packed examples to their longest, or to so many tokens where that is more.
    ///
    /// - Throws: `TorchError` where memory is short.
    init(_ packed: PackedInput, paddingID: Int, device: Device, least: Int = 0) throws {
        let offsets = packed.offsets
        let longest = (0..<packed.count).reduce(least) { max($0, offsets[$1 + 1] - offsets[$1]) }
        let shape = [packed.count, longest]
        var ids = [Int64](repeating: Int64(paddingID), count: packed.count * longest)
        var types = [Int64](repeating: 0, count: ids.count)
        var mask = [Int64](repeating: 0, count: ids.count)
        for row in 0..<packed.count {
            var place = row * longest
            for token in offsets[row]..<offsets[row + 1] {
                ids[place] = Int64(packed.inputIDs[token])
                if let given = packed.tokenTypeIDs { types[place] = Int64(given[token]) }
                mask[place] = 1
                place += 1
            }
        }
        self.init(
            inputIDs: try Tensor(ids, shape: shape, device: device),
            attentionMask: try Tensor(mask, shape: shape, device: device),
            tokenTypeIDs: try packed.tokenTypeIDs.map { _ in try Tensor(types, shape: shape, device: device) }
        )
    }

    /// The same examples without their padding; `nil` where padding is not all on the right, or an example has no
    /// token.
    func packed() throws -> PackedInput? {
        let (rows, columns) = (try inputIDs.size(0), try inputIDs.size(1))
        let mask: [Int64] = try attentionMask.to(.int64, .cpu).array()
        let ids: [Int64] = try inputIDs.to(.int64, .cpu).array()
        let types: [Int64]? = try tokenTypeIDs.map { try $0.to(.int64, .cpu).array() }
        var packed = PackedInput(inputIDs: [], tokenTypeIDs: types == nil ? nil : [], offsets: [0])
        packed.inputIDs.reserveCapacity(ids.count)
        for row in 0..<rows {
            let start = row * columns
            let length = mask[start..<start + columns].firstIndex(of: 0).map { $0 - start } ?? columns
            guard length > 0, mask[start + length..<start + columns].allSatisfy({ $0 == 0 }) else {
                return nil
            }
            for place in start..<start + length {
                packed.inputIDs.append(Int32(clamping: ids[place]))
                if let types { packed.tokenTypeIDs?.append(Int32(clamping: types[place])) }
            }
            packed.offsets.append(packed.inputIDs.count)
        }
        return packed
    }
}
