import Testing

@testable import Torch

extension Engine {
    /// Means of texts' rows, held to PyTorch's `EmbeddingBag` (`scripts/fixtures/embedding_bag.py`).
    @Suite("Embedding bags")
    struct EmbeddingBagTests {
        private let fixture: Fixture
        private let ids: [Int32]
        private let offsets: [Int]

        init() throws {
            fixture = try Fixture("embedding_bag")
            let numbers: [Int64] = try fixture("ids").array()
            ids = numbers.map(Int32.init)
            let places: [Int64] = try fixture("offsets").array()
            offsets = places.map(Int.init)
        }

        /// The bag of a case with leaves of its own.
        private func bag(_ name: String) throws -> EmbeddingBag {
            let table = try fixture("table").clone()
            try table.setRequiresGrad(true)
            guard name == "weighted" else {
                return EmbeddingBag(table: table, paddingIndex: name == "padding" ? 3 : nil)
            }
            let weights = try fixture("weights").clone()
            try weights.setRequiresGrad(true)
            return EmbeddingBag(table: table, weights: weights, paddingIndex: 3)
        }

        @Test(
            "vectors and gradients are PyTorch's", arguments: ["plain", "padding", "weighted"], [true, false])
        func golden(name: String, byKernel: Bool) throws {
            let bag = try bag(name)
            let vectors = try byKernel ? bag(ids, offsets: offsets) : bag.composed(ids, offsets: offsets)
            try expectClose(vectors.detached(), fixture("\(name).vectors"), name)
            try (vectors * fixture("factors")).sum().backward()
            try expectClose(#require(try bag.table.gradient), fixture("\(name).table"), "\(name), table")
            if let weights = bag.weights {
                try expectClose(#require(try weights.gradient), fixture("\(name).weights"), name)
            }
        }

        @Test("a text's vector has the same bits alone, on any number of threads")
        func alone() throws {
            let bag = try bag("weighted")
            for count in [1, 3] {
                let together: [Float] = try Runtime.withThreadCount(count) {
                    try bag(ids, offsets: offsets).detached().array()
                }
                for (row, (start, end)) in zip(offsets, offsets.dropFirst()).enumerated() {
                    let own: [Float] = try bag(Array(ids[start..<end]), offsets: [0, end - start]).detached()
                        .array()
                    #expect(own == Array(together[row * 37..<(row + 1) * 37]))
                }
            }
        }

        @Test("the optimizer takes the table's gradient by its rows: those that no text has stay as they are")
        func sparse() throws {
            let bag = try bag("padding")
            let store = ParameterStore()
            try store.add("embeddings.weight", bag.table)
            let optimizer = try AdamW(store, weightDecay: 0, sparseTables: [bag.table])
            let before: [Float] = try bag.table.detached().array()
            for step in 0..<3 {
                try optimizer.clearGradients()
                try optimizer.prepare(rows: ids)
                let vectors = try bag(ids, offsets: offsets)
                try (vectors * fixture("factors") * Double(step + 1)).sum().backward()
                try optimizer.step(learningRate: 0.01)
            }
            try optimizer.synchronize()
            let after: [Float] = try bag.table.detached().array()
            let read = Set(ids.filter { $0 != 3 })
            for row in 0..<50 {
                let same = (0..<37).allSatisfy { before[row * 37 + $0] == after[row * 37 + $0] }
                #expect(same == !read.contains(Int32(row)), "row \(row)")
            }
        }

        @Test("ids outside of the table, and offsets that do not fit, are refused")
        func refusals() throws {
            let bag = try bag("plain")
            expectTorchError("embedding_bag", "index out of range", "has 50") {
                _ = try bag([1, 50], offsets: [0, 2])
            }
            expectTorchError("index out of range") { _ = try bag([-1], offsets: [0, 1]) }
            for offsets in [[0, 3], [1, 2], [0, 2, 1, 2], [0]] {
                expectTorchError("offsets") { _ = try bag([1, 2], offsets: offsets) }
                expectTorchError("offsets") { _ = try bag.composed([1, 2], offsets: offsets) }
            }
        }
    }
}
