import Architectures
import GGUF

/// The rounding of a language model's weights in a GGUF file, for training with it.
public struct WeightRounding: Sendable {
    /// The file's type, such as `q4_k_m`.
    public let name: String
    /// The weights that are rounded, by their parameters' names.
    public let weights: [String: Weight]

    /// A weight that is rounded.
    public struct Weight: Sendable {
        /// The type of its blocks, which run along the layer's inputs.
        public let type: GGUFTensorType
        /// True if the parameter is stored as (inputs, outputs).
        public let isTransposed: Bool

        public init(type: GGUFTensorType, isTransposed: Bool) {
            (self.type, self.isTransposed) = (type, isTransposed)
        }
    }

    public init(name: String, weights: [String: Weight]) { (self.name, self.weights) = (name, weights) }

    /// The field of `config.json` that says for which type a model was trained.
    static let field = "quantize_aware_type"
}

extension ModelConfiguration {
    /// What is told where a model that was trained with the rounding of a GGUF file is used without it; `nil` for other models.
    public var roundingNote: String? {
        original[WeightRounding.field]?.stringValue.map {
            "\(source): was trained with the rounding of \($0), which its weights here do not have yet; distill export --format gguf --outtype "
                + "\($0) writes the model that was trained."
        }
    }
}
