import Torch

/// The form in which a teacher's last hidden states are kept, from which its output layer gives its exact distribution again.
///
/// Where all logits are within ε of the teacher's own, KL(teacher ‖ kept) ≤ ε² / 2: softmax is the gradient of a function whose
/// second derivative in any direction is a variance of the logits' changes, which lie within ε. The largest change of each
/// token's logits is measured when its state is kept, and kept with it.
public enum HiddenStateCoding: String, CaseIterable, Sendable, Codable {
    /// Half precision, two bytes a dimension, and the measured ε.
    case float16
    /// Bit for bit, four bytes a dimension.
    case float32

    /// The numbers of a row: the state's, and the certificate where it is rounded.
    func rowWidth(_ width: Int) -> Int { self == .float16 ? width + 1 : width }

    /// The bytes of a row in a file.
    func rowBytes(_ rowWidth: Int) -> Int { self == .float16 ? 2 * (rowWidth - 1) + 4 : 4 * rowWidth }

    private static let largestHalf = 65_504.0
    /// Tokens whose logits are compared at a time.
    private static let block = 256

    /// The rows that are kept: (R, H) → (R, row width).
    ///
    /// - Parameter head: (V, H) The output layer.
    /// - Throws: ``DistillationError`` for states that half precision cannot hold.
    func rows(of states: Tensor, head: Tensor) throws -> Tensor {
        guard self == .float16 else { return try states.to(.float32) }
        guard try states.size(0) > 0 else {
            return try Tensor([Float](), shape: [0, try states.size(1) + 1], device: states.device)
        }
        let largest = try states.absolute().max().item()
        // States that are no numbers are found where they are read.
        guard !(largest > Self.largestHalf) || !largest.isFinite else {
            throw DistillationError(
                String(
                    format: "the teacher's hidden states reach %.4g, more than half precision holds", largest)
                    + "; pass --teacher-states float32")
        }
        let kept = try states.to(.float16).to(.float32)
        let change = try kept - states.to(.float32)
        let count = try states.size(0)
        let certificates = try stride(from: 0, to: count, by: Self.block).map { start in
            try change[start..<min(start + Self.block, count)].linear(head).absolute()
                .max(1, keepDimensions: true)
        }
        return try Tensor.concatenated([kept, Tensor.concatenated(certificates, dimension: 0)], dimension: 1)
    }

    /// The certificate ε of a kept row; 0 where nothing is rounded.
    func certificate(_ row: ArraySlice<Float>) -> Float { self == .float16 ? row.last ?? 0 : 0 }
}
