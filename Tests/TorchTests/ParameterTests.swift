import Testing
import Torch

extension Engine {
    @Suite("Parameters")
    struct ParameterTests {
        /// A source that has one parameter.
        private struct OneParameter: ParameterSource {
            let name: String
            let value: Float

            func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
                name == self.name ? try .full(shape, Double(value), device: device) : nil
            }
        }

        private let normal = ParameterInitializer.normal(standardDeviation: 0.02)

        @Test("scopes join names with dots, and the store keeps their order")
        func names() throws {
            let store = ParameterStore()
            let root = ParameterScope(store: store, source: nil, seed: 1)
            #expect(root.path == "")
            #expect(root["a"]["b"][3]["c"].path == "a.b.3.c")
            _ = try root.parameter("top", shape: [1], initializer: .zeros)
            _ = try Linear(root["layer"][0], inputs: 2, outputs: 3, initializer: normal)
            _ = try LayerNorm(root["norm"], width: 4, epsilon: 1e-5)
            _ = try Embedding(root["words"], count: 5, width: 2, initializer: normal)
            _ = try Linear(root["head"], inputs: 2, outputs: 1, bias: false, initializer: normal)
            #expect(
                store.names == [
                    "top", "layer.0.weight", "layer.0.bias", "norm.weight", "norm.bias", "words.weight",
                    "head.weight",
                ])
            #expect(store.tensors.map(\.shape) == [[1], [3, 2], [3], [4], [4], [5, 2], [1, 2]])
            #expect(store.elementCount == 1 + 6 + 3 + 4 + 4 + 10 + 2)
            #expect(store.tensors.allSatisfy { $0.requiresGrad })
            #expect(root.initialisedNames == store.names)
            #expect(store["layer.0.bias"]?.shape == [3])
            #expect(store["layer.0"] == nil)
        }

        @Test("a name can be taken once")
        func duplicates() throws {
            let store = ParameterStore()
            let scope = ParameterScope(store: store, source: nil, seed: 1)["layer"]
            _ = try scope.parameter("weight", shape: [1], initializer: .zeros)
            expectTorchError("two parameters named 'layer.weight'") {
                _ = try scope.parameter("weight", shape: [2], initializer: .ones)
            }
            expectTorchError("'layer.weight'") { try store.add("layer.weight", try .zeros([1])) }
            #expect(store.names == ["layer.weight"])
        }

        @Test("a source's parameters are used, the others initialized and reported")
        func sources() throws {
            let store = ParameterStore()
            let source = OneParameter(name: "layer.weight", value: 7)
            let root = ParameterScope(store: store, source: source, seed: 1)
            let layer = try Linear(root["layer"], inputs: 2, outputs: 2, initializer: normal)
            #expect(try layer.weight.array(of: Float.self) == [7, 7, 7, 7])
            #expect(layer.weight.requiresGrad)
            #expect(root.initialisedNames == ["layer.bias"])
        }

        @Test("an initializer depends on seed and name alone")
        func initializers() throws {
            func weight(_ name: String, seed: UInt64, after others: [String] = []) throws -> [UInt8] {
                let root = ParameterScope(store: ParameterStore(), source: nil, seed: seed)
                for other in others {
                    _ = try root.parameter(other, shape: [3], initializer: normal)
                }
                return try root.parameter(name, shape: [4, 5], initializer: normal).bytes()
            }
            let base = try weight("a", seed: 1)
            #expect(try weight("a", seed: 1, after: ["b", "c"]) == base)
            #expect(try weight("b", seed: 1) != base)
            #expect(try weight("a", seed: 2) != base)
            // FNV-1a's published value of "a": the seed is mixed with it.
            let hashed = try Tensor.normal([4, 5], standardDeviation: 0.02, seed: 1 ^ 0xaf63_dc4c_8601_ec8c)
            #expect(try hashed.bytes() == base)
        }

        @Test("initializers give what they say")
        func distributions() throws {
            func tensor(_ initializer: ParameterInitializer) throws -> Tensor {
                try initializer.tensor(shape: [100, 100], name: "x", seed: 9, device: .cpu).to(.float64)
            }
            #expect(try tensor(.zeros).absolute().max().item() == 0)
            #expect(try (tensor(.ones) - 1).absolute().max().item() == 0)
            let drawn = try tensor(normal)
            #expect(abs(try drawn.mean().item()) < 5 * 0.02 / 100)
            #expect(abs(try drawn.square().mean().item() - 4e-4) < 5 * 4e-4 * (2 / 10_000.0).squareRoot())
        }

        @Test("a snapshot is a copy, and restoring brings it back bit for bit")
        func snapshots() throws {
            let store = ParameterStore()
            let root = ParameterScope(store: store, source: nil, seed: 1)
            let layer = try Linear(root["layer"], inputs: 3, outputs: 2, initializer: normal)
            let bytes = try layer.weight.bytes()
            let snapshot = try store.snapshot()
            #expect(Set(snapshot.keys) == ["layer.weight", "layer.bias"])
            #expect(snapshot.values.allSatisfy { !$0.requiresGrad })
            try layer.weight.fill(5)
            #expect(try snapshot["layer.weight"]?.bytes() == bytes)
            try store.restore(snapshot)
            #expect(try layer.weight.bytes() == bytes)
            #expect(layer.weight.requiresGrad)
        }

        @Test("a snapshot that does not fit is refused, and nothing changes")
        func badSnapshots() throws {
            let store = ParameterStore()
            try store.add("a", try .zeros([2]))
            try store.add("b", try .zeros([3]))
            let ones = try Tensor.ones([2])
            expectTorchError("lacks the parameter 'b'") { try store.restore(["a": ones]) }
            expectTorchError("'b' has shape [3]", "[2]") { try store.restore(["a": ones, "b": ones]) }
            #expect(try store["a"]?.max().item() == 0)
        }

        @Test("frozen parameters get no gradient; clearing forgets what there was")
        func freezing() throws {
            let store = ParameterStore()
            let root = ParameterScope(store: store, source: nil, seed: 1)
            let layer = try Linear(root["layer"], inputs: 2, outputs: 2, initializer: normal)
            let x = try Tensor.ones([1, 2])
            try layer(x).sum().backward()
            #expect(try store.tensors.allSatisfy { try $0.gradient != nil })
            try store.clearGradients()
            #expect(try store.tensors.allSatisfy { try $0.gradient == nil })
            try store.freeze()
            #expect(store.tensors.allSatisfy { !$0.requiresGrad })
            #expect(try !layer(x).requiresGrad)
        }
    }
}
