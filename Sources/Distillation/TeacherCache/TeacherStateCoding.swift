import Foundation
import Torch

/// The form in which a language model's teacher is kept for each token that is trained.
///
/// A last hidden state gives the exact distribution again, by the teacher's output layer. Where all logits are within ε of the
/// teacher's own, KL(teacher ‖ kept) ≤ ε² / 2: softmax is the gradient of a function whose second derivative in any direction is
/// a variance of the logits' changes, which lie within ε. The largest change of each token's logits is measured when its state is
/// kept, and kept with it.
///
/// Where states are too wide, the most probable tokens are kept instead, and the mass of all others together.
public enum TeacherStateCoding: Hashable, Sendable {
    /// The hidden state in half precision, two bytes a dimension, and the measured ε.
    case float16
    /// The hidden state bit for bit, four bytes a dimension.
    case float32
    /// The hidden state in whole numbers of a byte, in blocks of 32 with a scale in half precision each, and the measured ε.
    case int8
    /// So many of the most probable tokens with their log-probabilities, and the logarithm of what is left, seven bytes each.
    case topK(Int)
}

extension TeacherStateCoding: LosslessStringConvertible, Codable {
    /// Those that keep hidden states.
    static let hiddenStates: [TeacherStateCoding] = [.float16, .float32, .int8]
    /// The most tokens that are kept.
    static let mostOutcomes = 4096

    /// Reads "float16", "float32", "int8" or, for 64 tokens, "top-k:64".
    public init?(_ description: String) {
        if let coding = Self.hiddenStates.first(where: { $0.description == description }) {
            self = coding
            return
        }
        let prefix = "top-k:"
        guard description.hasPrefix(prefix), let count = Int(description.dropFirst(prefix.count)),
            1...Self.mostOutcomes ~= count
        else { return nil }
        self = .topK(count)
    }

    public var description: String {
        switch self {
        case .float16: "float16"
        case .float32: "float32"
        case .int8: "int8"
        case .topK(let count): "top-k:\(count)"
        }
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let coding = Self(text) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "'\(text)' is no form of a teacher's states"))
        }
        self = coding
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

// MARK: - Rows

extension TeacherStateCoding {
    /// The dimensions of a hidden state that share a scale in `int8`.
    static let blockSize = 32
    /// Tokens whose logits are computed at a time.
    private static let rowsAtATime = 256

    /// True if rows are hidden states, from which the output layer gives the whole distribution.
    var keepsHiddenStates: Bool { if case .topK = self { false } else { true } }

    /// The numbers of a row: of a state of so many dimensions its own, its scales and the certificate where it is rounded; of
    /// tokens their ids, their log-probabilities and the logarithm of what is left.
    func rowWidth(_ width: Int) -> Int {
        switch self {
        case .float32: width
        case .float16: width + 1
        case .int8: width + Self.blocks(width) + 1
        case .topK(let count): 2 * count + 1
        }
    }

    private static func blocks(_ width: Int) -> Int { (width + blockSize - 1) / blockSize }

    /// The dimensions of the state in a row of `int8` with so many numbers.
    static func stateWidth(ofInt8Row count: Int) -> Int {
        count - 1 - (count - 1 + blockSize) / (blockSize + 1)
    }

    /// The rows that are kept: (R, H) → (R, row width).
    ///
    /// - Parameter head: (V, H) The output layer.
    /// - Throws: ``DistillationError`` for states that the form cannot hold, or a vocabulary that is not larger than the tokens
    ///   that are to be kept.
    func rows(of states: Tensor, head: Tensor) throws -> Tensor {
        let (count, width) = (try states.size(0), try states.size(1))
        guard self != .float32 else { return try states.to(.float32) }
        if case .topK(let kept) = self {
            let vocabulary = try head.size(0)
            guard kept < vocabulary else {
                throw DistillationError(
                    "the teacher's vocabulary has \(vocabulary) tokens, of which top-k:\(kept) leaves none; pass a lower number, or "
                        + "--teacher-states float16")
            }
        }
        guard count > 0 else {
            return try Tensor([Float](), shape: [0, rowWidth(width)], device: states.device)
        }
        if case .topK(let kept) = self {
            return try blocks(of: states) { try $0.to(.float32).linear(head).topOutcomes(kept) }
        }
        let kept = try self == .int8 ? Self.int8(states) : rounded(states)
        let change = try Self.states(in: kept, self, width: width) - states.to(.float32)
        let certificates = try blocks(of: change) {
            try $0.linear(head).absolute().max(1, keepDimensions: true)
        }
        return try Tensor.concatenated([kept, certificates], dimension: 1)
    }

    private func blocks(of rows: Tensor, _ body: (Tensor) throws -> Tensor) throws -> Tensor {
        let count = try rows.size(0)
        return try Tensor.concatenated(
            stride(from: 0, to: count, by: Self.rowsAtATime).map {
                try body(rows[$0..<min($0 + Self.rowsAtATime, count)])
            }, dimension: 0)
    }

    private func rounded(_ states: Tensor) throws -> Tensor {
        try Self.requireRange(of: states, 65_504, "half precision holds")
        return try states.to(.float16).to(.float32)
    }

    /// Whole numbers from −127 to 127, then the scales.
    private static func int8(_ states: Tensor) throws -> Tensor {
        try requireRange(of: states, 65_504 * 127, "int8 holds")
        let (count, width) = (try states.size(0), try states.size(1))
        let values: [Float] = try states.to(.float32, .cpu).array()
        let blocks = blocks(width)
        var rows = [Float](repeating: 0, count: count * (width + blocks))
        for row in 0..<count {
            for block in 0..<blocks {
                let columns = block * blockSize..<min(width, (block + 1) * blockSize)
                let largest = columns.reduce(Float(0)) { max($0, abs(values[row * width + $1])) }
                let scale = Float(Float16(largest / 127))
                rows[row * (width + blocks) + width + block] = largest.isNaN ? .nan : scale
                guard scale > 0 else { continue }
                for column in columns {
                    let number = (values[row * width + column] / scale).rounded(.toNearestOrEven)
                    rows[row * (width + blocks) + column] = min(127, max(-127, number))
                }
            }
        }
        return try Tensor(rows, shape: [count, width + blocks], device: states.device)
    }

    /// - Throws: ``DistillationError`` for states beyond what the form holds. States that are no numbers are found where they are
    ///   read.
    private static func requireRange(of states: Tensor, _ most: Double, _ what: String) throws {
        let largest = try states.absolute().max().item()
        guard largest > most, largest.isFinite else { return }
        throw DistillationError(
            String(format: "the teacher's hidden states reach %.4g, more than ", largest) + what
                + "; pass --teacher-states float32")
    }

    /// (R, H) The hidden states in rows, without certificates.
    ///
    /// - Parameter width: H.
    static func states(in rows: Tensor, _ coding: TeacherStateCoding, width: Int) throws -> Tensor {
        let states = try rows.narrowed(dimension: 1, start: 0, length: width)
        guard coding == .int8 else { return states }
        let (count, blocks) = (try rows.size(0), blocks(width))
        // Each dimension's scale is its block's.
        let columns = try Tensor((0..<width).map { width + $0 / blockSize }, device: rows.device)
        let scales = try rows.narrowed(dimension: 1, start: 0, length: width + blocks)
            .indexSelect(dimension: 1, columns)
        return try states * scales.reshaped([count, width])
    }

    /// The certificate ε of a kept row; 0 where nothing is rounded, or no state is kept.
    func certificate(_ row: ArraySlice<Float>) -> Float {
        self == .float16 || self == .int8 ? row.last ?? 0 : 0
    }
}
