import Testing

@testable import Torch

/// Row by row where gradients are sparse, AdamW must leave what it leaves when it updates every row in every step.
@Suite("AdamW on sparse gradients")
struct SparseAdamWTests {
    private struct Table {
        let store = ParameterStore()
        let embeddings: PackedEmbeddings
        let word: Tensor

        init() throws {
            let scope = ParameterScope(store: store, source: nil, seed: 4)
            let initializer = ParameterInitializer.normal(standardDeviation: 1)
            let word = try Embedding(
                scope["word"], count: 40, width: 24, paddingIndex: 0, initializer: initializer)
            self.word = word.weight
            embeddings = try PackedEmbeddings(
                word: word,
                position: try Embedding(scope["position"], count: 8, width: 24, initializer: initializer),
                tokenType: try Embedding(scope["type"], count: 2, width: 24, initializer: initializer),
                norm: try LayerNorm(scope["norm"], width: 24, epsilon: 1e-12), dropout: Dropout(0))
        }

        /// The gradient of a loss that differs from batch to batch.
        func backward(_ ids: [Int32], _ seed: UInt64) throws {
            let output = try embeddings(
                ids, types: ids.map { $0 % 2 }, PackedSequences(offsets: [0, 3, ids.count]), nil
            ).wide
            try (output * Tensor.normal(output.shape, standardDeviation: 1, seed: seed)).sum().backward()
        }
    }

    private static let batches: [[Int32]] = [
        [1, 2, 3, 3, 2, 9], [4, 4, 4, 5, 30, 31, 32], [1, 9, 0, 0, 7], [33, 2, 39, 5, 5], [1, 1, 1, 1],
        [8, 7, 6, 5, 4, 3], [9, 9, 2, 38],
    ]

    @Test("bit for bit as the dense update of every row", arguments: [1, 2], [1, 0.3])
    func dense(passes: Int, layerDecay: Double) throws {
        let (lazy, whole) = (try Table(), try Table())
        func optimizer(_ table: Table, _ sparse: [Tensor]) throws -> AdamW {
            try AdamW(
                [table.store], weightDecay: 0.1, layerDecay: layerDecay,
                depth: { $0.hasPrefix("word") ? 2 : 0 },
                sparseTables: sparse)
        }
        let (ours, reference) = (try optimizer(lazy, [lazy.word]), try optimizer(whole, []))
        for (step, batch) in (Self.batches + Self.batches).enumerated() {
            let rate = 0.01 * Double(step + 1)
            for (table, optimizer) in [(lazy, ours), (whole, reference)] {
                try optimizer.clearGradients()
                for pass in 0..<passes {
                    let ids = pass == 0 ? batch : batch.reversed()
                    try optimizer.prepare(rows: ids)
                    try table.backward(ids, UInt64(step * 2 + pass))
                }
                let norm = try optimizer.clipGradients(maxNorm: 1)
                #expect(norm > 0)
                try optimizer.step(learningRate: rate)
            }
            let untouched = try #require((1..<40).first { !batch.contains(Int32($0)) })
            #expect(try lazy.word[untouched].bytes() != whole.word[untouched].bytes(), "nothing was put off")
        }
        try ours.synchronize()
        for (a, b) in zip(lazy.store.entries, whole.store.entries) {
            #expect(try a.tensor.bytes() == b.tensor.bytes(), "\(a.name)")
        }
        let (a, b) = (try ours.state(), try reference.state())
        for name in a.firstMoments.keys {
            #expect(try a.firstMoments[name]?.bytes() == b.firstMoments[name]?.bytes())
            #expect(try a.secondMoments[name]?.bytes() == b.secondMoments[name]?.bytes())
        }
    }

    @Test("averages of a table that is whole when they are taken are those of dense updates")
    func averages() throws {
        let (lazy, whole) = (try Table(), try Table())
        let optimizers = [
            try AdamW(lazy.store, weightDecay: 0.1, sparseTables: [lazy.word]),
            try AdamW(whole.store, weightDecay: 0.1),
        ]
        let averages = try [lazy, whole].map {
            try ExponentialMovingAverage($0.store, decay: 0.7, updateAfter: 2)
        }
        for (step, batch) in Self.batches.enumerated() {
            for (table, (optimizer, average)) in zip([lazy, whole], zip(optimizers, averages)) {
                try optimizer.clearGradients()
                try optimizer.prepare(rows: batch)
                try table.backward(batch, UInt64(step))
                try optimizer.step(learningRate: 0.02)
                if average.isDue { try optimizer.synchronize() }
                try average.update()
            }
        }
        // Swapped in while rows are behind, and out again: they must still catch up to the same bits.
        let raw = try lazy.word.bytes()
        try averages[0].withAverages { () throws in #expect(try lazy.word.bytes() != raw) }
        try optimizers[0].synchronize()
        for (a, b) in zip(lazy.store.entries, whole.store.entries) {
            #expect(try a.tensor.bytes() == b.tensor.bytes(), "\(a.name)")
        }
        let (ours, reference) = (try averages[0].state().averages, try averages[1].state().averages)
        #expect(ours.count == 5)
        for (name, average) in ours { #expect(try average.bytes() == reference[name]?.bytes(), "\(name)") }
    }

    @Test("a restored state goes on bit for bit")
    func restored() throws {
        func run(interrupted: Bool) throws -> [UInt8] {
            let table = try Table()
            var optimizer = try AdamW(table.store, weightDecay: 0.1, sparseTables: [table.word])
            for (step, batch) in Self.batches.enumerated() {
                if interrupted, step == 4 {
                    let state = try optimizer.state()
                    optimizer = try AdamW(table.store, weightDecay: 0.1, sparseTables: [table.word])
                    try optimizer.restore(state)
                }
                try optimizer.clearGradients()
                try optimizer.prepare(rows: batch)
                try table.backward(batch, UInt64(step))
                try optimizer.step(learningRate: 0.02)
            }
            try optimizer.synchronize()
            return try table.word.bytes()
        }
        #expect(try run(interrupted: true) == run(interrupted: false))
    }

    @Test("the gradient equals that of separate operations, and the padding row has none")
    func gradients() throws {
        let (packed, plain) = (try Table(), try Table())
        let ids: [Int32] = [1, 2, 0, 3, 2, 9, 2]
        try packed.backward(ids, 5)
        let store = plain.store
        func parameter(_ name: String) throws -> Tensor { try #require(store[name]) }
        let positions = try Tensor([0, 1, 2, 0, 1, 2, 3] as [Int64])
        let sum =
            try parameter("word.weight").embedding(Tensor(ids.map(Int64.init)), paddingIndex: 0)
            + parameter("type.weight").embedding(Tensor(ids.map { Int64($0 % 2) }))
            + parameter("position.weight").embedding(positions)
        let output = try sum.layerNorm(
            weight: parameter("norm.weight"), bias: parameter("norm.bias"), epsilon: 1e-12)
        try (output * Tensor.normal(output.shape, standardDeviation: 1, seed: 5)).sum().backward()
        for (a, b) in zip(packed.store.entries, store.entries) {
            try expectNear(#require(try a.tensor.gradient), #require(try b.tensor.gradient), a.name)
        }
        #expect(try packed.word.gradient?[0].largest() == 0)
    }

    @Test("a row that is not there is refused")
    func refusal() throws {
        let table = try Table()
        let optimizer = try AdamW(table.store, weightDecay: 0, sparseTables: [table.word])
        try table.backward([1, 2, 3, 4], 1)
        try optimizer.step(learningRate: 0.1)
        expectTorchError("index out of range", kind: .index) { try optimizer.prepare(rows: [40]) }
        expectTorchError("input_ids", "token 1 has 40", kind: .index) {
            try table.backward([1, 40, 3, 4], 1)
        }
    }
}
