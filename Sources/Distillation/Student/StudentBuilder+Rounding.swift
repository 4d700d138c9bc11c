import Exporters
import Transformers

extension StudentBuilder {
    /// Checks that what the student is rounded to is of its kind.
    ///
    /// - Throws: ``DistillationError``, which names the option.
    func requireFittingRounding() throws {
        guard !quantizeAware || !predictsTokens else {
            throw DistillationError(
                "--quantize-aware trains for int8, in which language models are not saved; name the type of their GGUF file, such as "
                    + "--quantize-aware-type q4_k_m")
        }
        guard let type = quantizeAwareType else { return }
        guard predictsTokens else {
            throw DistillationError(
                "--quantize-aware-type rounds to the blocks of GGUF files, which only language models are written as; for int8 give "
                    + "--quantize-aware")
        }
        guard GGUFOutputType.trained.contains(type) else {
            throw DistillationError(
                "--quantize-aware-type: \(type.rawValue) is not quantized; name one of "
                    + GGUFOutputType.trained.map(\.rawValue).joined(separator: ", "))
        }
        guard lora == nil else {
            throw DistillationError(
                "--quantize-aware-type rounds weights that are trained whole, and --lora-rank trains adapters of them; leave one out"
            )
        }
    }

    /// Rounds a student's weights as its GGUF file will hold them.
    func round(_ model: TransformerModel) throws {
        guard let type = quantizeAwareType else { return }
        let types = try GGUFParameterTypes(configuration: model.configuration, output: type)
        try model.roundWeights(Self.rounding(model, types))
    }

    /// The rounding of a model's parameters by their types in the file.
    static func rounding(_ model: TransformerModel, _ types: GGUFParameterTypes) -> WeightRounding {
        var weights: [String: WeightRounding.Weight] = [:]
        for entry in model.parameters.entries {
            guard let own = types.type(of: entry.name, shape: entry.tensor.shape) else { continue }
            weights[entry.name] = .init(type: own.type, isTransposed: own.isTransposed)
        }
        return WeightRounding(name: types.output.rawValue, weights: weights)
    }
}
