@testable import Torch

/// A layer's parameters and input, and the layer composed of plain operations.
struct LayerFixture {
    static let names = [
        "query weight", "query bias", "key weight", "key bias", "value weight", "value bias", "output weight",
        "output bias", "first norm's weight", "first norm's bias", "intermediate weight", "intermediate bias",
        "second weight", "second bias", "second norm's weight", "second norm's bias",
    ]

    let test: PackedLayerTests.Case
    let parameters: [Tensor]
    let input: Tensor
    let offsets: [Int]

    init(_ test: PackedLayerTests.Case) throws {
        self.test = test
        let (h, i) = (test.hidden, test.inner)
        let shapes = [
            [h, h], [h], [h, h], [h], [h, h], [h], [h, h], [h], [h], [h], [i, h], [i], [h, i], [h], [h], [h],
        ]
        parameters = try shapes.enumerated().map { place, shape in
            let isNorm = [8, 14].contains(place)
            let deviation = shape.count == 2 ? 1.5 / Double(shape[1]).squareRoot() : 0.3
            let values = try Tensor.normal(shape, standardDeviation: deviation, seed: UInt64(place + 1))
            let parameter = isNorm ? try values + 1 : values
            try parameter.setRequiresGrad(true)
            return parameter
        }
        offsets = test.lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        input = try Tensor.normal([offsets[offsets.count - 1], h], standardDeviation: 1, seed: 77)
        try input.setRequiresGrad(true)
    }

    /// The gradient of a parameter.
    func gradient(_ place: Int) throws -> Tensor {
        guard let gradient = try parameters[place].gradient else { throw TorchError("no gradient") }
        return gradient
    }

    func layer() throws -> PackedEncoderLayer {
        func linear(_ place: Int) -> Linear { Linear(weight: parameters[place], bias: parameters[place + 1]) }
        func norm(_ place: Int) -> LayerNorm {
            LayerNorm(weight: parameters[place], bias: parameters[place + 1], epsilon: 1e-12)
        }
        guard
            let layer = PackedEncoderLayer(
                query: linear(0), key: linear(2), value: linear(4), attentionOutput: linear(6),
                attentionNorm: norm(8), intermediate: linear(10), output: linear(12), outputNorm: norm(14),
                heads: test.heads, activation: test.activation, hiddenDropout: test.dropout,
                outputDropout: test.dropout, attentionDropout: test.dropout)
        else { throw TorchError("the kernels refuse the layer") }
        return layer
    }

    /// The layer by libtorch's operations, example by example, with the kernels' masks.
    func composed(_ position: DropoutState.Position?) throws -> Tensor {
        let rows = test.firstOnly ? test.lengths.count : offsets[offsets.count - 1]
        let attention = try attentionFactors(position)
        var contexts: [Tensor] = []
        var residuals: [Tensor] = []
        for index in test.lengths.indices {
            let x = try input[offsets[index]..<offsets[index + 1]]
            let asking = test.firstOnly ? try x[0..<1] : x
            residuals.append(asking)
            contexts.append(try context(index, asking, x, attention))
        }
        func drop(_ x: Tensor, _ call: UInt64) throws -> Tensor {
            guard let position, test.dropout > 0 else { return x }
            return try x
                * PackedKernels.dropoutFactors(
                    rows: rows, columns: test.hidden, probability: test.dropout,
                    at: .init(seed: position.seed, offset: position.offset + call))
        }
        let p = parameters
        let attended = try drop(Tensor.concatenated(contexts).linear(p[6], bias: p[7]), 1)
        let y = try (attended + Tensor.concatenated(residuals)).layerNorm(
            weight: p[8], bias: p[9], epsilon: 1e-12)
        let inner = try test.activation(y.linear(p[10], bias: p[11]))
        return try (drop(inner.linear(p[12], bias: p[13]), 2) + y).layerNorm(
            weight: p[14], bias: p[15], epsilon: 1e-12)
    }

    private func context(_ index: Int, _ asking: Tensor, _ x: Tensor, _ factors: [Float]?) throws -> Tensor {
        let p = parameters
        let (heads, width) = (test.heads, test.hidden / test.heads)
        func split(_ y: Tensor) throws -> Tensor {
            try y.reshaped([y.size(0), heads, width]).transposed(0, 1)
        }
        let q = try split(asking.linear(p[0], bias: p[1]))
        let (k, v) = (try split(x.linear(p[2], bias: p[3])), try split(x.linear(p[4], bias: p[5])))
        var weights = try (q * (1 / Double(width).squareRoot())).matmul(k.transposed()).softmax()
        if let factors {
            let (queries, length) = (try asking.size(0), test.lengths[index])
            let stride = (length + 15) / 16
            let words = (queries * stride + 7) / 8 * 8
            var start = 0
            for before in 0..<index {
                let l = test.lengths[before]
                start += ((test.firstOnly ? 1 : l) * ((l + 15) / 16) + 7) / 8 * 8
            }
            var mask: [Float] = []
            for head in 0..<heads {
                let first = (start * heads + head * words) * 16
                for row in 0..<queries {
                    mask += factors[(first + row * stride * 16)..<(first + row * stride * 16 + length)]
                }
            }
            weights = try weights * Tensor(mask, shape: [heads, queries, length])
        }
        return try weights.matmul(v).transposed(0, 1).reshaped([asking.size(0), test.hidden])
    }

    /// What attention's dropout multiplies with, in the order in which the kernels draw.
    private func attentionFactors(_ position: DropoutState.Position?) throws -> [Float]? {
        guard let position, test.dropout > 0 else { return nil }
        let words = test.lengths.reduce(0) {
            $0 + ((test.firstOnly ? 1 : $1) * (($1 + 15) / 16) + 7) / 8 * 8
        }
        return try PackedKernels.dropoutFactors(
            rows: words * test.heads / 8, columns: 128, probability: test.dropout, at: position
        ).array()
    }
}
