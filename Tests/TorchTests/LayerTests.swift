import Testing
import Torch

extension Engine {
    @Suite("Layers")
    struct LayerTests {
        private let fixture: Fixture

        init() throws { fixture = try Fixture("ops") }

        /// Supplies a case's inputs as parameters.
        private struct CaseSource: ParameterSource {
            let fixture: Fixture
            let inputs: [String: String]

            func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
                guard let input = inputs[name] else { return nil }
                let tensor = try fixture(input)
                guard tensor.shape == shape else { throw FixtureError(description: "\(name): \(shape)") }
                return tensor
            }
        }

        private func root(_ inputs: [String: String]) -> ParameterScope {
            ParameterScope(
                store: ParameterStore(), source: CaseSource(fixture: fixture, inputs: inputs), seed: 0)
        }

        private let zeros = ParameterInitializer.zeros

        @Test("Linear")
        func linear() throws {
            let inputs = ["dense.weight": "linear.input1", "dense.bias": "linear.input2"]
            let layer = try Linear(root(inputs)["dense"], inputs: 4, outputs: 5, initializer: zeros)
            try expectClose(try layer(try fixture("linear.input0")), try fixture("linear.output"))
            let bare = try Linear(
                root(["weight": "linear_no_bias.input1"]), inputs: 4, outputs: 5, bias: false,
                initializer: zeros)
            #expect(bare.bias == nil)
            try expectClose(
                try bare(try fixture("linear_no_bias.input0")), try fixture("linear_no_bias.output"))
        }

        @Test("LayerNorm")
        func layerNorm() throws {
            let inputs = ["weight": "layer_norm_eps.input1", "bias": "layer_norm_eps.input2"]
            let layer = try LayerNorm(root(inputs), width: 6, epsilon: 0.1)
            try expectClose(
                try layer(try fixture("layer_norm_eps.input0")), try fixture("layer_norm_eps.output"))
            let fresh = try LayerNorm(root([:]), width: 6, epsilon: 0.1)
            #expect(try fresh.weight.array(of: Float.self) == [1, 1, 1, 1, 1, 1])
            #expect(try fresh.bias.array(of: Float.self) == [0, 0, 0, 0, 0, 0])
        }

        @Test("Embedding, whose padding row gets no gradient")
        func embedding() throws {
            let layer = try Embedding(
                root(["weight": "embedding_padding.input1"]), count: 7, width: 4, paddingIndex: 0,
                initializer: zeros)
            let output = try layer(try fixture("embedding_padding.input0"))
            try expectClose(output, try fixture("embedding_padding.output"))
            try (output * (try fixture("embedding_padding.output_grad"))).sum().backward()
            try expectClose(
                try #require(try layer.weight.gradient), try fixture("embedding_padding.grad1"))
        }

        @Test("activations by Hugging Face's names", arguments: Activation.allCases)
        func activations(_ activation: Activation) throws {
            let name =
                switch activation {
                case .gelu: "gelu"
                case .geluNew, .geluTanh: "gelu_tanh"
                case .relu: "relu"
                case .silu, .swish: "silu"
                case .tanh: "tanh"
                case .sigmoid: "sigmoid"
                }
            try expectClose(try activation(try fixture("\(name).input0")), try fixture("\(name).output"))
        }

        @Test("the names are those of configuration files")
        func activationNames() {
            #expect(
                Set(Activation.allCases.map(\.rawValue)) == [
                    "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "swish", "tanh", "sigmoid",
                ])
        }
    }
}
