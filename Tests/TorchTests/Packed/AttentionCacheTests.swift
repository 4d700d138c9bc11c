import Testing

@testable import Torch

/// Attention to kept keys and values against attention over whole texts, and libtorch's operations.
@Suite("Attention to kept keys and values")
struct AttentionCacheTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var heads: Int
        var keyValueHeads: Int
        var size: Int
        var window: Int?
        var rotates = true

        var testDescription: String { "\(heads)/\(keyValueHeads) × \(size), window \(window ?? 0)" }
    }

    static let cases = [
        Case(heads: 4, keyValueHeads: 2, size: 16),
        Case(heads: 3, keyValueHeads: 3, size: 10, rotates: false),
        Case(heads: 9, keyValueHeads: 3, size: 64), Case(heads: 4, keyValueHeads: 1, size: 36, window: 40),
        Case(heads: 2, keyValueHeads: 2, size: 7, window: 1, rotates: false),
        Case(heads: 34, keyValueHeads: 1, size: 32, window: 33), Case(heads: 2, keyValueHeads: 1, size: 80),
    ]

    /// The tokens that each pass takes of each text: within and across panels of 32 keys, after even and odd numbers of them.
    static let passes = [
        [33, 1, 0], [1, 30, 0], [1, 1, 65], [1, 1, 1], [29, 2, 31], [64, 1, 1], [1, 64, 5], [3, 3, 33],
        [1, 1, 1],
    ]

    private struct Texts {
        let test: Case
        let attention: CausalAttention
        let rotation: RotaryTable?
        /// Queries, keys and values of each text.
        let texts: [[Tensor]]
        let dtype: DType

        init(_ test: Case, _ dtype: DType) throws {
            (self.test, self.dtype) = (test, dtype)
            attention = CausalAttention(
                heads: test.heads, keyValueHeads: test.keyValueHeads, headSize: test.size,
                scale: 1 / Double(test.size).squareRoot(), window: test.window)
            let rates = (0..<test.size / 2).map { 1 / Float(1 + 3 * $0) }
            rotation = test.rotates ? RotaryTable(frequencies: rates, factor: 1.1) : nil
            texts = try (0..<3).map { text in
                let length = passes.reduce(0) { $0 + $1[text] }
                return try [test.heads, test.keyValueHeads, test.keyValueHeads].enumerated().map {
                    place, heads in
                    try Tensor.normal(
                        [length, heads * test.size], standardDeviation: 1, seed: UInt64(3 * text + place)
                    ).to(dtype)
                }
            }
        }

        func cache(usesKernels: Bool) throws -> AttentionCache {
            try AttentionCache(
                keyValueHeads: test.keyValueHeads, headSize: test.size, dtype: dtype, usesKernels: usesKernels
            )
        }

        /// Each text's context, computed in parts.
        func inParts(usesKernels: Bool) throws -> [Tensor] {
            let caches = try texts.map { _ in try cache(usesKernels: usesKernels) }
            var (held, parts) = ([0, 0, 0], [[Tensor]](repeating: [], count: 3))
            for pass in passes {
                let members = pass.indices.filter { pass[$0] > 0 }
                let offsets = members.reduce(into: [0]) { $0.append($0[$0.count - 1] + pass[$1]) }
                let inputs = try (0..<3).map { part in
                    try Tensor.concatenated(
                        members.map {
                            try texts[$0][part].narrowed(dimension: 0, start: held[$0], length: pass[$0])
                        })
                }
                let context = try attention(
                    query: inputs[0], key: inputs[1], value: inputs[2],
                    PackedSequences(offsets: offsets, device: .cpu, firstPlaces: members.map { held[$0] }),
                    rotation: rotation, caches: members.map { caches[$0] })
                for (place, text) in members.enumerated() {
                    parts[text].append(
                        try context.narrowed(dimension: 0, start: offsets[place], length: pass[text]))
                    held[text] += pass[text]
                }
            }
            return try parts.map { try Tensor.concatenated($0) }
        }

        func whole(_ text: Int, kernels: Bool) throws -> Tensor {
            let sequences = try PackedSequences(offsets: [0, try texts[text][0].size(0)])
            let (q, k, v) = (texts[text][0], texts[text][1], texts[text][2])
            return kernels
                ? try attention.byKernels(query: q, key: k, value: v, sequences, rotation: rotation)
                : try attention.byOperations(query: q, key: k, value: v, sequences, rotation: rotation)
        }
    }

    @Test("has the bits of attention over the whole text", arguments: cases, [DType.float32, .bfloat16])
    func bits(_ test: Case, _ dtype: DType) throws {
        let texts = try Texts(test, dtype)
        let parts = try texts.inParts(usesKernels: true)
        for text in 0..<3 {
            #expect(try parts[text].bytes() == texts.whole(text, kernels: true).bytes(), "text \(text)")
        }
    }

    @Test("agrees with libtorch's operations, whole and in parts", arguments: cases)
    func operations(_ test: Case) throws {
        let texts = try Texts(test, .float32)
        let (ours, theirs) = (
            try texts.inParts(usesKernels: true), try texts.inParts(usesKernels: false)
        )
        for text in 0..<3 {
            let whole = try texts.whole(text, kernels: false)
            let size = try whole.absolute().max().item()
            #expect(try (ours[text] - whole).absolute().max().item() < 2e-5 * size, "text \(text)")
            #expect(try (theirs[text] - whole).absolute().max().item() < 2e-5 * size, "text \(text)")
        }
    }

    @Test("caches that do not fit are refused")
    func refusals() throws {
        let texts = try Texts(Self.cases[0], .float32)
        let inputs = try texts.texts[0].map { try $0.narrowed(dimension: 0, start: 0, length: 2) }
        func run(_ caches: [AttentionCache], past: Int) throws {
            _ = try texts.attention(
                query: inputs[0], key: inputs[1], value: inputs[2],
                PackedSequences(offsets: [0, 2], device: .cpu, firstPlaces: [past]), rotation: nil,
                caches: caches)
        }
        #expect(throws: TorchError.self) { try run([], past: 0) }
        for usesKernels in [true, false] {
            let cache = try texts.cache(usesKernels: usesKernels)
            #expect(throws: TorchError.self) { try run([cache], past: 1) }
            try run([cache], past: 0)
            try run([cache], past: 1)
            #expect(throws: TorchError.self) { try run([cache], past: 4) }
            #expect(cache.byteCount > 0)
        }
        let other = try AttentionCache(keyValueHeads: 2, headSize: 8, dtype: .float32, usesKernels: true)
        #expect(throws: TorchError.self) { try run([other], past: 0) }
        let half = try AttentionCache(keyValueHeads: 2, headSize: 16, dtype: .bfloat16, usesKernels: true)
        #expect(throws: TorchError.self) { try run([half], past: 0) }
    }

    @Test("several layers at once, and in float32, give what each gives", arguments: [1, 3, 40, 500])
    func layers(_ rows: Int) throws {
        let x = try Tensor.normal([rows, 70], standardDeviation: 1, seed: 1)
        let layers = try [(33, true), (1, false), (130, true)].enumerated().map { place, layer in
            let weight = try Tensor.normal([layer.0, 70], standardDeviation: 1, seed: UInt64(10 + place))
            return Linear(
                weight: weight,
                bias: layer.1
                    ? try Tensor.normal([layer.0], standardDeviation: 1, seed: UInt64(20 + place)) : nil)
        }
        for dtype in [DType.float32, .bfloat16] {
            let input = try x.to(dtype)
            let outputs = try Linear.tokens(input, layers)
            for (output, layer) in zip(outputs, layers) {
                #expect(try output.bytes() == layer.tokens(input).bytes())
                let wide = try layer.float32Tokens(input)
                #expect(wide.dtype == .float32)
                let difference = try (wide - output.to(.float32)).absolute().max().item()
                let size = try wide.absolute().max().item()
                #expect(difference <= (dtype == .float32 ? 0 : 0.02) * size)
            }
            // Each row by itself has the same bits.
            if PackedKernels.arePreferred(for: dtype, on: .cpu) {
                let last = try Linear.tokens(input.narrowed(dimension: 0, start: rows - 1, length: 1), layers)
                for (own, all) in zip(last, outputs) {
                    #expect(try own.bytes() == all.narrowed(dimension: 0, start: rows - 1, length: 1).bytes())
                }
            }
        }
    }

    /// Contexts of the largest case, computed in parts by the kernels.
    static func inParts(_ dtype: DType) throws -> [Tensor] {
        try Texts(cases[2], dtype).inParts(usesKernels: true)
    }

    /// The product of few rows with a weight that is large enough for several threads.
    static func fewRows(_ dtype: DType) throws -> [Tensor] {
        let x = try Tensor.normal([2, 600], standardDeviation: 1, seed: 1).to(dtype)
        let weight = try Tensor.normal([1030, 600], standardDeviation: 1, seed: 2)
        return [try PackedWeight(weight, bias: nil)(x)]
    }

    @Test("an activation's rows do not depend on the others", arguments: Activation.allCases)
    func activation(_ activation: Activation) throws {
        let x = try Tensor.normal([7, 37], standardDeviation: 2, seed: 1)
        let all = try activation.tokens(x)
        let expected = try activation(x)
        #expect(
            try (all - expected).absolute().max().item() < 2e-6 * max(1, expected.absolute().max().item()))
        let own = try activation.tokens(x.narrowed(dimension: 0, start: 6, length: 1))
        if PackedKernels.arePreferred(for: .float32, on: .cpu), activation != .tanh, activation != .sigmoid {
            #expect(try own.bytes() == all.narrowed(dimension: 0, start: 6, length: 1).bytes())
        }
    }
}
