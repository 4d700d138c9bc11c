import Architectures
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The rotations of queries and keys by their positions, for as many positions as texts have had so far: a model may have many more.
final class RotaryCache: Sendable {
    /// Cosines and sines, (positions, D / 2) each.
    struct Tables: Sendable {
        let positions: Int
        let cosine: AlignedBuffer<Float>
        let sine: AlignedBuffer<Float>
    }

    private let settings: RotarySettings
    private let known = Mutex<Tables?>(nil)

    init(_ settings: RotarySettings) { self.settings = settings }

    /// The tables for at least so many positions.
    ///
    /// - Throws: ``RuntimeError`` where there is no memory.
    func tables(_ positions: Int) throws -> Tables {
        try known.withLock { known in
            if let known, known.positions >= positions { return known }
            // A text that grows asks for one more each time.
            let rows = max(positions, 2 * (known?.positions ?? 32))
            let frequencies = settings.frequencies
            let (cosine, sine) = (
                try AlignedBuffer<Float>(count: rows * frequencies.count),
                try AlignedBuffer<Float>(count: rows * frequencies.count)
            )
            var place = 0
            for position in 0..<rows {
                for frequency in frequencies {
                    // In float32, as PyTorch computes them.
                    let angle = Float(position) * frequency
                    cosine.pointer[place] = cosf(angle) * settings.attentionFactor
                    sine.pointer[place] = sinf(angle) * settings.attentionFactor
                    place += 1
                }
            }
            let made = Tables(positions: rows, cosine: cosine, sine: sine)
            known = made
            return made
        }
    }

    /// The tables of several layers, each made once.
    static func shared(_ settings: [RotarySettings]) -> [RotaryCache] {
        var made: [(RotarySettings, RotaryCache)] = []
        return settings.map { own in
            if let found = made.first(where: { $0.0 == own }) { return found.1 }
            let cache = RotaryCache(own)
            made.append((own, cache))
            return cache
        }
    }
}
