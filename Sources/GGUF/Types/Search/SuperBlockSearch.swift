/// Blocks of 256 weights with the scales of the least error: of each run by ``ScaleSearch``, then rounded to the steps that the
/// block shares, of which the neighbors are tried too, and the steps solved for again.
///
/// The layouts are those of ``SuperBlocks``.
enum SuperBlockSearch {
    private static let mostRefits = 3

    /// The steps that all runs share, and each run's scale and minimum as multiples of them.
    private struct Fit {
        var scale: (pattern: UInt16, value: Float)
        var minimum: (pattern: UInt16, value: Float)
        var multiples: [(scale: Int, minimum: Int)]
        var error: Float
    }

    /// A step that a half can hold: of tiny weights the smallest that there is, not 0.
    private static func step(_ value: Float) -> Float {
        value == 0 ? 0 : max(abs(value), 0x1p-24) * (value < 0 ? -1 : 1)
    }

    /// The block's runs, which are of the same length.
    private static func runs(
        of source: UnsafePointer<Float>, _ importance: UnsafePointer<Float>?, count: Int
    ) -> [WeightedSums] {
        let length = 256 / count
        return (0..<count).map { run in
            WeightedSums(source + length * run, importance.map { $0 + length * run }, count: length)
        }
    }

    // MARK: - Scale and minimum (Q4_K, Q5_K)

    /// Scale of the scales and of the minima (halves), 8 of each of 6 bits in 12 bytes, for five bits 32 bytes of fifth bits,
    /// 128 bytes of 4 bits.
    static func affine(
        _ source: UnsafePointer<Float>, _ importance: UnsafePointer<Float>?,
        _ block: UnsafeMutableRawPointer, bits: Int
    ) {
        let highest = Float((1 << bits) - 1)
        let runs = runs(of: source, importance, count: 8)
        let wanted = runs.map { ScaleSearch.affine($0, highest: highest, isOffsetNegative: true) }
        var fit = affineFit(
            runs, wanted, highest, scale: step((wanted.map(\.scale).max() ?? 0) / 63),
            minimum: step((wanted.map { -$0.offset }.max() ?? 0) / 63))
        for _ in 0..<mostRefits {
            guard let (scale, minimum) = solved(runs, fit, highest) else { break }
            let next = affineFit(runs, wanted, highest, scale: scale, minimum: minimum)
            guard next.error < fit.error else { break }
            fit = next
        }
        writeAffine(fit, source, block, bits: bits, highest)
    }

    private static func affineFit(
        _ runs: [WeightedSums], _ wanted: [(scale: Float, offset: Float)], _ highest: Float, scale: Float,
        minimum: Float
    ) -> Fit {
        let (scale, minimum) = (SmallBlockSearch.rounded(scale), SmallBlockSearch.rounded(minimum))
        var fit = Fit(scale: scale, minimum: minimum, multiples: [], error: 0)
        func around(_ value: Float, _ step: Float) -> ClosedRange<Int> {
            guard step > 0 else { return 0...0 }
            let nearest = Int(min(max(value / step, 0), 63).rounded())
            return max(nearest - 1, 0)...min(nearest + 1, 63)
        }
        for (run, own) in zip(runs, wanted) {
            var best = (error: Float.infinity, scale: 0, minimum: 0)
            for multiple in around(own.scale, scale.value) {
                for lowest in around(-own.offset, minimum.value) {
                    let error = run.error(
                        scale: scale.value * Float(multiple), offset: -(minimum.value * Float(lowest)),
                        0...highest)
                    if error < best.error { best = (error, multiple, lowest) }
                }
            }
            fit.multiples.append((best.scale, best.minimum))
            fit.error += best.error
        }
        return fit
    }

    /// The steps of the least error for the numbers and multiples of a fit; `nil` where they are not determined.
    private static func solved(
        _ runs: [WeightedSums], _ fit: Fit, _ highest: Float
    ) -> (scale: Float, minimum: Float)? {
        // x ≈ scale · (multiple · q) - minimum · lowest
        var (squares, crossed, minima, right, rightOfMinima) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (run, own) in zip(runs, fit.multiples) {
            let factor = fit.scale.value * Float(own.scale)
            guard factor > 0 else { continue }
            let offset = -(fit.minimum.value * Float(own.minimum))
            let found = run.products(inverse: 1 / factor, shift: -offset / factor, 0...highest)
            let (multiple, lowest) = (Double(own.scale), Double(own.minimum))
            squares += multiple * multiple * Double(found.square)
            crossed += multiple * lowest * Double(found.number)
            minima += lowest * lowest * Double(run.total)
            right += multiple * Double(found.product)
            rightOfMinima += lowest * Double(run.first)
        }
        guard squares > 0 else { return nil }
        let determinant = crossed * crossed - squares * minima
        guard minima > 0, determinant < 0 else { return (Float(right / squares), fit.minimum.value) }
        let scale = (rightOfMinima * crossed - right * minima) / determinant
        let minimum = (squares * rightOfMinima - crossed * right) / determinant
        guard scale > 0, minimum >= 0 else { return nil }
        return (Float(scale), Float(minimum))
    }

    private static func writeAffine(
        _ fit: Fit, _ source: UnsafePointer<Float>, _ block: UnsafeMutableRawPointer, bits: Int,
        _ highest: Float
    ) {
        block.store(fit.scale.pattern, at: 0)
        block.store(fit.minimum.pattern, at: 2)
        var packed = [UInt8](repeating: 0, count: 12)
        for (run, own) in fit.multiples.enumerated() {
            let (scale, minimum) = (UInt8(own.scale), UInt8(own.minimum))
            if run < 4 {
                packed[run] = scale
                packed[run + 4] = minimum
            } else {
                packed[run + 4] = (scale & 0x0F) | (minimum & 0x0F) << 4
                packed[run - 4] |= (scale >> 4) << 6
                packed[run] |= (minimum >> 4) << 6
            }
        }
        for (place, byte) in packed.enumerated() { block.store(byte, at: 4 + place) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { numbers in
            guard let start = numbers.baseAddress else { return }
            for (run, own) in fit.multiples.enumerated() {
                let factor = fit.scale.value * Float(own.scale)
                Numbers.fill(
                    start + 32 * run, source + 32 * run, count: 32, inverse: factor == 0 ? 0 : 1 / factor,
                    offset: -(fit.minimum.value * Float(own.minimum)), 0...highest)
            }
            let low = block + (bits == 5 ? 48 : 16)
            for pair in 0..<4 {
                for index in 0..<32 {
                    let (first, second) = (numbers[64 * pair + index], numbers[64 * pair + 32 + index])
                    low.store((first & 0x0F) | second << 4, at: 32 * pair + index)
                }
            }
            guard bits == 5 else { return }
            for index in 0..<32 {
                let fifth = (0..<8).reduce(UInt8(0)) { $0 | (numbers[32 * $1 + index] >> 4) << UInt8($1) }
                block.store(fifth, at: 16 + index)
            }
        }
    }
}

// MARK: - Scale alone (Q6_K)

extension SuperBlockSearch {
    private static let six: ClosedRange<Float> = -32...31

    /// 128 bytes of 4 bits, 64 bytes of two more, 16 scales (signed bytes), scale (half).
    static func q6K(
        _ source: UnsafePointer<Float>, _ importance: UnsafePointer<Float>?,
        _ block: UnsafeMutableRawPointer
    ) {
        let runs = runs(of: source, importance, count: 16)
        let wanted = runs.map { ScaleSearch.symmetric($0, six, reach: 2, step: 0.25) }
        let extreme = wanted.max { abs($0) < abs($1) } ?? 0
        // The largest scale is the lowest number.
        var fit = symmetricFit(runs, wanted, scale: step(extreme / -128))
        for _ in 0..<mostRefits {
            guard let scale = solvedScale(runs, fit) else { break }
            let next = symmetricFit(runs, wanted, scale: scale)
            guard next.error < fit.error else { break }
            fit = next
        }
        writeQ6K(fit, source, block)
    }

    private static func symmetricFit(_ runs: [WeightedSums], _ wanted: [Float], scale: Float) -> Fit {
        let scale = SmallBlockSearch.rounded(scale)
        var fit = Fit(scale: scale, minimum: (0, 0), multiples: [], error: 0)
        for (run, own) in zip(runs, wanted) {
            let nearest = scale.value == 0 ? 0 : Int(min(max(own / scale.value, -128), 127).rounded())
            var best = (error: Float.infinity, multiple: 0)
            for multiple in max(nearest - 1, -128)...min(nearest + 1, 127) {
                let error = run.error(scale: scale.value * Float(multiple), offset: 0, six)
                if error < best.error { best = (error, multiple) }
            }
            fit.multiples.append((best.multiple, 0))
            fit.error += best.error
        }
        return fit
    }

    private static func solvedScale(_ runs: [WeightedSums], _ fit: Fit) -> Float? {
        var (squares, right) = (0.0, 0.0)
        for (run, own) in zip(runs, fit.multiples) {
            let factor = fit.scale.value * Float(own.scale)
            guard factor != 0 else { continue }
            let found = run.products(inverse: 1 / factor, shift: 0, six)
            let multiple = Double(own.scale)
            squares += multiple * multiple * Double(found.square)
            right += multiple * Double(found.product)
        }
        return squares > 0 ? Float(right / squares) : nil
    }

    private static func writeQ6K(
        _ fit: Fit, _ source: UnsafePointer<Float>, _ block: UnsafeMutableRawPointer
    ) {
        for (run, own) in fit.multiples.enumerated() { block.store(Int8(own.scale), at: 192 + run) }
        block.store(fit.scale.pattern, at: 208)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { numbers in
            guard let start = numbers.baseAddress else { return }
            for (run, own) in fit.multiples.enumerated() {
                let factor = fit.scale.value * Float(own.scale)
                Numbers.fill(
                    start + 16 * run, source + 16 * run, count: 16, inverse: factor == 0 ? 0 : 1 / factor,
                    offset: 0, six)
            }
            // Each half of the block: four runs of 32, of which two share the bytes of 4 bits and all those of 2.
            for part in 0..<2 {
                let own = start + 128 * part
                for index in 0..<64 {
                    block.store((own[index] & 0x0F) | own[64 + index] << 4, at: 64 * part + index)
                }
                for index in 0..<32 {
                    let two = (0..<4).reduce(UInt8(0)) {
                        $0 | (own[32 * $1 + index] >> 4) << UInt8(2 * $1)
                    }
                    block.store(two, at: 128 + 32 * part + index)
                }
            }
        }
    }
}
