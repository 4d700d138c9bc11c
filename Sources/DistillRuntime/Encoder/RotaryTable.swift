#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The rotations of queries and keys by their positions (Su et al., "RoFormer", arXiv 2104.09864): cosines and sines, (positions, D / 2)
/// each of a head of width D.
final class RotaryTable: Sendable {
    private let cosines: AlignedBuffer<Float>
    private let sines: AlignedBuffer<Float>

    var cosine: UnsafePointer<Float> { UnsafePointer(cosines.pointer) }
    var sine: UnsafePointer<Float> { UnsafePointer(sines.pointer) }

    /// - Parameter theta: The base of the frequencies.
    init(positions: Int, headSize: Int, theta: Double) throws {
        let half = headSize / 2
        cosines = try AlignedBuffer(count: positions * half)
        sines = try AlignedBuffer(count: positions * half)
        // In float32, as PyTorch computes them.
        let rates = (0..<half).map { 1 / powf(Float(theta), Float(2 * $0) / Float(headSize)) }
        for position in 0..<positions {
            for (pair, rate) in rates.enumerated() {
                let angle = Float(position) * rate
                cosines.pointer[position * half + pair] = cosf(angle)
                sines.pointer[position * half + pair] = sinf(angle)
            }
        }
    }
}
