import Testing
import Torch

extension Engine {
    @Suite("Operations against PyTorch's values")
    struct GoldenOperationTests {
        private let fixture: Fixture

        init() throws { fixture = try Fixture("ops") }

        @Test("value and gradients equal PyTorch's", arguments: OperationCase.all)
        func matchesPyTorch(_ operation: OperationCase) throws {
            let name = operation.name
            var inputs: [Tensor] = []
            while let input = try fixture.optional("\(name).input\(inputs.count)") {
                if input.dtype.isFloatingPoint { try input.setRequiresGrad(true) }
                inputs.append(input)
            }
            if name == "max_dim_indices" { inputs = [try fixture("max_dim.input0")] }
            try #require(!inputs.isEmpty)

            let output = try operation.apply(inputs)
            let expected = try fixture("\(name).output")
            #expect(output.dtype == expected.dtype)
            try expectClose(output, expected, name)

            guard let outputGrad = try fixture.optional("\(name).output_grad") else {
                #expect(!output.requiresGrad, "the fixture has no gradient")
                return
            }
            try (output * outputGrad).sum().backward()
            for (index, input) in inputs.enumerated() where input.dtype.isFloatingPoint {
                let gradient = try #require(try input.gradient, "gradient \(index)")
                try expectClose(gradient, try fixture("\(name).grad\(index)"), "\(name).grad\(index)")
            }
        }

        @Test("every case of the fixture is checked")
        func coversTheFixture() {
            let suffix = ".output"
            let stored = fixture.names.filter { $0.hasSuffix(suffix) }.map {
                String($0.dropLast(suffix.count))
            }
            #expect(stored.count > 50)
            #expect(Set(stored) == Set(OperationCase.all.map(\.name)))
        }
    }
}
