import Foundation

/// The cosines and sines of rotary position embeddings (Su et al., arXiv 2104.09864), by position.
///
/// A dimension of the first half of a head is rotated together with the one half a head later. Shapes: T tokens, N heads of size D.
public final class RotaryTable {
    private let frequencies: [Float]
    private let factor: Float
    private var known: (length: Int, cosine: Tensor, sine: Tensor)?

    /// - Parameters:
    ///   - frequencies: The angles by which position 1 is rotated: D / 2.
    ///   - factor: The factor of cosines and sines.
    public init(frequencies: [Float], factor: Float) {
        (self.frequencies, self.factor) = (frequencies, factor)
    }

    /// (length or more, D / 2) float32 each.
    func tables(length: Int, device: Device) throws -> (cosine: Tensor, sine: Tensor) {
        if let known, known.length >= length { return (known.cosine, known.sine) }
        // A text that grows asks for one more each time.
        let rows = max(length, 2 * (known?.length ?? 32))
        var (cosines, sines): ([Float], [Float]) = ([], [])
        for place in 0..<rows {
            let angles = frequencies.map { Float(place) * $0 }
            cosines += angles.map { cosf($0) * factor }
            sines += angles.map { sinf($0) * factor }
        }
        let shape = [rows, frequencies.count]
        let made = (
            rows, try Tensor(cosines, shape: shape, device: device),
            try Tensor(sines, shape: shape, device: device)
        )
        known = made
        return (made.1, made.2)
    }

    /// Rotates each token's heads by its position in its text, by libtorch's operations: (T, N, D) → (T, N, D).
    func rotated(_ x: Tensor, _ sequences: PackedSequences) throws -> Tensor {
        let (cosine, sine) = try tables(length: sequences.furthest, device: x.device)
        let places = try sequences.places(device: x.device)
        func rows(_ table: Tensor) throws -> Tensor {
            try table.indexSelect(dimension: 0, places).unsqueezed(1)
        }
        let (c, s) = (try rows(cosine), try rows(sine))
        let half = frequencies.count
        let wide = try x.to(.float32)
        let low = try wide.narrowed(dimension: 2, start: 0, length: half)
        let high = try wide.narrowed(dimension: 2, start: half, length: half)
        return try Tensor.concatenated([low * c - high * s, high * c + low * s], dimension: 2).to(x.dtype)
    }
}

extension PackedSequences {
    /// (T) int64: the place of each token in its text.
    public func places(device: Device) throws -> Tensor {
        var places: [Int64] = []
        places.reserveCapacity(offsets.last ?? 0)
        for text in 0..<count {
            let first = firstPlaces[text]
            places += Int64(first)..<Int64(first + offsets[text + 1] - offsets[text])
        }
        return try Tensor(places, device: device)
    }
}
