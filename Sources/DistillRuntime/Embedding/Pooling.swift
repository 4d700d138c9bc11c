import Architectures

/// Vectors of tokens made one, as sentence-transformers' `Pooling` does.
struct Pooling: Sendable {
    let modes: [PoolingMode]
    /// The width H of a token's vector.
    let width: Int
    /// False where a prompt's tokens do not count.
    let includesPrompt: Bool

    /// The width of the result.
    var outputs: Int { modes.count * width }

    /// True if nothing but each text's first token is read.
    var readsFirstTokens: Bool { modes == [.cls] && includesPrompt }

    /// Appends a text's vector.
    ///
    /// - Parameters:
    ///   - states: (N, H) of the text's tokens.
    ///   - count: N, at least 1.
    ///   - prompt: The tokens of the prompt before the text.
    func append(_ states: UnsafePointer<Float>, count: Int, prompt: Int, to vectors: inout [Float]) {
        var first = includesPrompt ? 0 : prompt
        // Where the prompt is all there is, the first token's is taken; sums are empty.
        let isEmpty = first >= count
        for mode in modes {
            switch mode {
            case .cls:
                if isEmpty { first = 0 }
                vectors += UnsafeBufferPointer(start: states + first * width, count: width)
            case .lastToken:
                vectors += UnsafeBufferPointer(start: states + (count - 1) * width, count: width)
            case .max:
                append(to: &vectors, from: first, to: count, start: -.infinity) { vector, token in
                    let row = states + token * width
                    for index in 0..<width { vector[index] = Swift.max(vector[index], row[index]) }
                } finish: {
                    $0
                }
            case .mean, .meanSqrtLength:
                let tokens = Float(Swift.max(0, count - first))
                let divisor = Swift.max(tokens, 1e-9)
                append(to: &vectors, from: first, to: count, start: 0) { vector, token in
                    let row = states + token * width
                    for index in 0..<width { vector[index] += row[index] }
                } finish: {
                    $0 / (mode == .mean ? divisor : divisor.squareRoot())
                }
            case .weightedMean:
                let weights = first < count ? (first..<count).reduce(0) { $0 + Float($1 + 1) } : 0
                append(to: &vectors, from: first, to: count, start: 0) { vector, token in
                    let (row, weight) = (states + token * width, Float(token + 1))
                    for index in 0..<width { vector[index] += row[index] * weight }
                } finish: {
                    $0 / Swift.max(weights, 1e-9)
                }
            }
        }
    }

    private func append(
        to vectors: inout [Float], from first: Int, to count: Int, start: Float,
        _ add: (UnsafeMutablePointer<Float>, _ token: Int) -> Void, finish: (Float) -> Float
    ) {
        let place = vectors.count
        vectors += repeatElement(start, count: width)
        vectors.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let vector = base + place
            for token in first..<Swift.max(first, count) { add(vector, token) }
            for index in 0..<width { vector[index] = finish(vector[index]) }
        }
    }
}
