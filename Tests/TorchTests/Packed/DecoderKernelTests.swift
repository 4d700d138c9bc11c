import Testing

@testable import Torch

/// The kernels of decoders' layers against libtorch's operations.
@Suite("Decoders' kernels")
struct DecoderKernelTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var heads = 4
        var keyValueHeads = 2
        var size = 16
        var lengths: [Int]
        var window: Int?
        var rotates = true

        var offsets: [Int] { lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) } }
        var testDescription: String {
            "\(heads)/\(keyValueHeads) × \(size), \(lengths), window \(window ?? 0)"
        }
    }

    static let cases = [
        Case(lengths: [1]), Case(lengths: [33, 1, 7]), Case(lengths: [150, 32]),
        Case(heads: 3, keyValueHeads: 3, size: 10, lengths: [65, 300], rotates: false),
        Case(heads: 9, keyValueHeads: 3, size: 64, lengths: [257, 64]),
        Case(heads: 4, keyValueHeads: 1, size: 36, lengths: [200], window: 40),
        Case(heads: 2, keyValueHeads: 2, size: 8, lengths: [100, 31], window: 1),
        Case(heads: 8, keyValueHeads: 2, size: 32, lengths: [130, 129, 128], window: 64),
    ]

    private func inputs(_ test: Case, _ dtype: DType) throws -> [Tensor] {
        let tokens = test.lengths.reduce(0, +)
        let widths = [test.heads, test.keyValueHeads, test.keyValueHeads].map { $0 * test.size }
        return try widths.enumerated().map { place, width in
            // Both sides read what bfloat16 can hold.
            let values = try Tensor.normal([tokens, width], standardDeviation: 1, seed: UInt64(place + 1))
            let input = try values.to(dtype).to(.float32).to(dtype)
            try input.setRequiresGrad(true)
            return input
        }
    }

    /// The attention's output and the gradients of queries, keys and values.
    private func attention(_ test: Case, _ dtype: DType, kernels: Bool) throws -> [Tensor] {
        let inputs = try inputs(test, dtype)
        let sequences = try PackedSequences(offsets: test.offsets)
        let attention = CausalAttention(
            heads: test.heads, keyValueHeads: test.keyValueHeads, headSize: test.size,
            scale: 1 / Double(test.size).squareRoot(), window: test.window)
        let rates = (0..<test.size / 2).map { 1 / Float(1 + 3 * $0) }
        let rotation = test.rotates ? RotaryTable(frequencies: rates, factor: 1.1) : nil
        let output: Tensor
        if kernels {
            output = try attention.byKernels(
                query: inputs[0], key: inputs[1], value: inputs[2], sequences, rotation: rotation)
        } else {
            let wide = try inputs.map { try $0.to(.float32) }
            output = try attention.byOperations(
                query: wide[0], key: wide[1], value: wide[2], sequences, rotation: rotation)
        }
        let direction = try Tensor.normal(output.shape, standardDeviation: 1, seed: 99).to(dtype).to(.float32)
        try (output.to(.float32) * direction).sum().backward()
        return try [output.to(.float32).detached()]
            + inputs.map { try #require(try $0.gradient).to(.float32) }
    }

    private static let parts = ["output", "queries' gradient", "keys' gradient", "values' gradient"]

    @Test("causal attention and its gradients", arguments: cases)
    func causal(_ test: Case) throws {
        let (ours, theirs) = (
            try attention(test, .float32, kernels: true), try attention(test, .float32, kernels: false)
        )
        // Where a token sees itself alone, the gradients of queries and keys cancel to nothing.
        let floor = try 0.1 * theirs[3].largest()
        for (place, name) in Self.parts.enumerated() {
            let size = try max(theirs[place].largest(), floor)
            #expect(try (ours[place] - theirs[place]).largest() < 2e-5 * size, "\(name)")
        }
    }

    @Test("causal attention in bfloat16 points where float32 does", arguments: cases)
    func halfPrecision(_ test: Case) throws {
        let (ours, theirs) = (
            try attention(test, .bfloat16, kernels: true), try attention(test, .bfloat16, kernels: false)
        )
        for (place, name) in Self.parts.enumerated() {
            let size = try theirs[place].norm().item()
            #expect(try (ours[place] - theirs[place]).norm().item() < 0.02 * size + 1e-2, "\(name)")
        }
    }

    @Test("a token's context does not depend on what comes after it, nor on other texts")
    func independent() throws {
        let test = Case(heads: 4, keyValueHeads: 2, size: 32, lengths: [90, 45])
        let inputs = try inputs(test, .float32).map { try $0.detached() }
        let attention = CausalAttention(
            heads: 4, keyValueHeads: 2, headSize: 32, scale: 0.2, window: nil)
        func output(_ offsets: [Int], _ rows: Range<Int>) throws -> Tensor {
            let parts = try inputs.map {
                try $0.narrowed(dimension: 0, start: rows.lowerBound, length: rows.count)
            }
            return try attention.byKernels(
                query: parts[0], key: parts[1], value: parts[2], PackedSequences(offsets: offsets),
                rotation: nil)
        }
        let whole = try output(test.offsets, 0..<135)
        let shorter = try output([0, 50], 0..<50)
        #expect(try (whole.narrowed(dimension: 0, start: 0, length: 50) - shorter).largest() < 1e-6)
        #expect(
            try whole.narrowed(dimension: 0, start: 90, length: 45).contiguous().bytes()
                == output([0, 45], 90..<135).bytes())
    }

    @Test("all threads give the same bits", arguments: [DType.float32, .bfloat16])
    func threads(_ dtype: DType) throws {
        let test = Case(heads: 6, keyValueHeads: 2, size: 64, lengths: [120, 77, 300])
        let bits: [[[UInt8]]] = try [1, 2, 3].map { threads in
            try Runtime.withThreadCount(threads) {
                let all =
                    try attention(test, dtype, kernels: true)
                    + projected(rows: 403, 70, 130, dtype, bias: true, transposed: false)
                    + AttentionCacheTests.inParts(dtype) + AttentionCacheTests.fewRows(dtype)
                    + normalized(rows: 300, width: 100, dtype, offset: 0, kernels: true)
                return try all.map { try $0.bytes() }
            }
        }
        #expect(bits[0] == bits[1] && bits[0] == bits[2])
    }

    /// A linear layer's output, and the gradients of input, weight and bias.
    private func projected(
        rows: Int, _ inputs: Int, _ outputs: Int, _ dtype: DType, bias: Bool, transposed: Bool,
        kernels: Bool = true
    ) throws -> [Tensor] {
        func leaf(_ shape: [Int], _ seed: UInt64, _ dtype: DType = .float32) throws -> Tensor {
            let tensor = try Tensor.normal(shape, standardDeviation: 1, seed: seed).to(.bfloat16).to(.float32)
                .to(dtype)
            try tensor.setRequiresGrad(true)
            return tensor
        }
        let x = try leaf([rows, inputs], 1, dtype)
        let weight = try leaf(transposed ? [inputs, outputs] : [outputs, inputs], 2)
        let shift = bias ? try leaf([outputs], 3) : nil
        let output =
            kernels
            ? try PackedWeight(weight, bias: shift, isTransposed: transposed)(x)
            : try x.to(.float32).linear(transposed ? weight.transposed(0, 1) : weight, bias: shift)
        let direction = try Tensor.normal([rows, outputs], standardDeviation: 1, seed: 9).to(.bfloat16).to(
            .float32)
        try (output.to(.float32) * direction).sum().backward()
        return try [output.to(.float32).detached()]
            + [x, weight, shift].compactMap(\.self).map { try #require(try $0.gradient).to(.float32) }
    }

    @Test(
        "linear layers and their gradients",
        arguments: [(1, 5, 3), (7, 64, 33), (100, 37, 130), (515, 96, 200)], [DType.float32, .bfloat16])
    func linear(_ sizes: (Int, Int, Int), _ dtype: DType) throws {
        for (bias, transposed) in [(false, false), (true, false), (true, true)] {
            let ours = try projected(
                rows: sizes.0, sizes.1, sizes.2, dtype, bias: bias, transposed: transposed)
            let theirs = try projected(
                rows: sizes.0, sizes.1, sizes.2, dtype, bias: bias, transposed: transposed, kernels: false)
            #expect(ours.count == theirs.count)
            let limit = dtype == .float32 ? 1e-5 : 1e-2
            for (place, expected) in theirs.enumerated() {
                let size = try expected.largest()
                #expect(
                    try (ours[place] - expected).largest() < limit * size, "\(place), \(bias), \(transposed)")
            }
        }
    }

    @Test("a frozen weight is packed again once it has changed")
    func repacked() throws {
        let weight = try Tensor.normal([4, 3], standardDeviation: 1, seed: 1)
        let x = try Tensor.normal([2, 3], standardDeviation: 1, seed: 2)
        let packed = PackedWeight(weight, bias: nil)
        let first = try packed(x).array(of: Float.self)
        #expect(try packed(x).array(of: Float.self) == first)
        try withNoGrad { try weight.fill(1) }
        let sums = try x.sum(1).array(of: Float.self)
        let second = try packed(x).array(of: Float.self)
        for row in 0..<2 { #expect(abs(second[4 * row] - sums[row]) < 1e-6) }
    }

    /// The norm's output, and the gradients of input and weight.
    private func normalized(
        rows: Int, width: Int, _ dtype: DType, offset: Double, kernels: Bool
    ) throws -> [Tensor] {
        let x = try Tensor.normal([rows, width], standardDeviation: 2, seed: 1)
        let weight = try Tensor.normal([width], standardDeviation: 1, seed: 2)
        for leaf in [x, weight] { try leaf.setRequiresGrad(true) }
        let norm = RMSNorm(weight: weight, epsilon: 1e-5, offset: offset)
        let output = kernels ? try norm.byKernels(x, dtype) : try norm.byOperations(x)
        let direction = try Tensor.normal([rows, width], standardDeviation: 1, seed: 9)
        try (output.to(.float32) * direction).sum().backward()
        return try [output.to(.float32).detached()] + [x, weight].map { try #require(try $0.gradient) }
    }

    @Test(
        "normalization by the root mean square and its gradients",
        arguments: [(1, 1), (3, 17), (200, 64), (1000, 33)], [0.0, 1])
    func norms(_ sizes: (Int, Int), _ offset: Double) throws {
        let theirs = try normalized(rows: sizes.0, width: sizes.1, .float32, offset: offset, kernels: false)
        for (dtype, limit) in [(DType.float32, 1e-5), (.bfloat16, 1e-2)] {
            let ours = try normalized(rows: sizes.0, width: sizes.1, dtype, offset: offset, kernels: true)
            for (place, expected) in theirs.enumerated() {
                let size = try expected.largest()
                #expect(try (ours[place] - expected).largest() < limit * size + 1e-5, "\(place), \(dtype)")
            }
        }
    }

    @Test(
        "gated activations and their gradients", arguments: [Activation.silu, .gelu, .geluTanh, .relu],
        [1, 30, 20_000])
    func gated(_ activation: Activation, _ count: Int) throws {
        func run(kernels: Bool) throws -> [Tensor] {
            let leaves = try [1, 2].map { try Tensor.normal([count], standardDeviation: 2, seed: $0) }
            for leaf in leaves { try leaf.setRequiresGrad(true) }
            let output =
                kernels
                ? try #require(try activation.gatedByKernels(leaves[0], leaves[1]))
                : try activation(leaves[0]) * leaves[1]
            try (output * Tensor.normal([count], standardDeviation: 1, seed: 9)).sum().backward()
            return try [output.detached()] + leaves.map { try #require(try $0.gradient) }
        }
        let (ours, theirs) = (try run(kernels: true), try run(kernels: false))
        for (place, expected) in theirs.enumerated() {
            #expect(try (ours[place] - expected).largest() < 1e-5 * expected.largest() + 1e-6, "\(place)")
        }
    }

    @Test("shapes that do not fit are errors that name them")
    func errors() throws {
        let x = try Tensor.zeros([4, 6])
        let weight = PackedWeight(try .zeros([3, 5]), bias: nil)
        let error = #expect(throws: TorchError.self) { try weight(x) }
        #expect(error?.description.contains("[4, 6]") == true)
        let attention = CausalAttention(heads: 3, keyValueHeads: 2, headSize: 2, scale: 1, window: nil)
        #expect(throws: TorchError.self) {
            try attention.byKernels(
                query: x, key: x, value: x, PackedSequences(offsets: [0, 4]), rotation: nil)
        }
        let plain = CausalAttention(heads: 3, keyValueHeads: 3, headSize: 2, scale: 1, window: nil)
        #expect(throws: TorchError.self) {
            try plain.byKernels(query: x, key: x, value: x, PackedSequences(offsets: [0, 3]), rotation: nil)
        }
    }
}
