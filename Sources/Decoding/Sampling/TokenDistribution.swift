#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The tokens that may come next and their weights, after the filters of ``GenerationOptions``, in transformers' order.
package struct TokenDistribution {
    /// Ids, ascending.
    package private(set) var tokens: [Int32]
    /// Of each token: its probability times a factor that all share; the most probable one's is 1.
    package private(set) var weights: [Double]

    /// - Parameters:
    ///   - logits: (V), after the repetition penalty; none is NaN.
    ///   - options: Whose temperature is above 0.
    package init(_ logits: UnsafeBufferPointer<Float>, _ options: GenerationOptions) {
        let temperature = Float(options.temperature)
        let kept = options.topK.map { Self.most(logits, $0) } ?? -.infinity
        let top = logits.max() ?? 0
        let highest = top / temperature
        // Of a temperature that is almost 0 the quotients have no number.
        let isTiny = !highest.isFinite || temperature < .leastNormalMagnitude
        (tokens, weights) = ([], [])
        if options.topK == nil {
            tokens.reserveCapacity(logits.count)
            weights.reserveCapacity(logits.count)
        }
        for id in logits.indices where logits[id] >= kept {
            tokens.append(Int32(id))
            let exponent =
                isTiny
                ? Double(logits[id] - top) / options.temperature : Double(logits[id] / temperature - highest)
            weights.append(exp(exponent))
        }
        if options.topP < 1 { keepNucleus(options.topP) }
        if options.minP > 0 { keep(tokens.indices.filter { weights[$0] >= options.minP }) }
    }

    /// The token at a fraction, 0 ..< 1, of the whole weight.
    package func token(at fraction: Double) -> Int32 {
        let wanted = fraction * weights.reduce(0, +)
        var sum = 0.0
        for (place, weight) in weights.enumerated() {
            sum += weight
            if sum > wanted { return tokens[place] }
        }
        return tokens[weights.lastIndex { $0 > 0 } ?? 0]
    }

    private mutating func keep(_ places: [Int]) {
        (tokens, weights) = (places.map { tokens[$0] }, places.map { weights[$0] })
    }

    /// Drops the least probable tokens whose probabilities together are at most 1 − p, but never the most probable one.
    private mutating func keepNucleus(_ p: Double) {
        let total = weights.reduce(0, +)
        // Sorting all tokens takes long, and few have most of the weight: those below a limit are dropped at once if they may be.
        var (limit, least) = (0.0, 0.0)
        for candidate in [1e-2, 1e-3, 1e-4, 1e-6] where tokens.count > 1024 {
            least = weights.reduce(0) { $1 < candidate ? $0 + $1 : $0 }
            if least <= (1 - p) * total * (1 - 1e-9) {
                limit = candidate
                break
            }
        }
        if limit == 0 { least = 0 }
        let order = tokens.indices.filter { weights[$0] >= limit }.sorted {
            weights[$0] != weights[$1] ? weights[$0] < weights[$1] : $0 < $1
        }
        var (sum, dropped) = (least, Set<Int>())
        for place in order.dropLast() {
            sum += weights[place]
            guard sum <= (1 - p) * total else { break }
            dropped.insert(place)
        }
        keep(tokens.indices.filter { weights[$0] >= limit && !dropped.contains($0) })
    }

    /// The k-th largest of the logits.
    private static func most(_ logits: UnsafeBufferPointer<Float>, _ k: Int) -> Float {
        guard k < logits.count else { return -.infinity }
        // A heap of the largest so far, the least of them on top.
        var heap = Array(logits[..<k])
        return heap.withUnsafeMutableBufferPointer { heap in
            for place in stride(from: k / 2, through: 0, by: -1) { sink(heap, place) }
            for id in k..<logits.count where logits[id] > heap[0] {
                heap[0] = logits[id]
                sink(heap, 0)
            }
            return heap[0]
        }
    }

    private static func sink(_ heap: UnsafeMutableBufferPointer<Float>, _ start: Int) {
        var place = start
        while 2 * place + 1 < heap.count {
            var child = 2 * place + 1
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < heap[place] else { return }
            heap.swapAt(child, place)
            place = child
        }
    }
}
