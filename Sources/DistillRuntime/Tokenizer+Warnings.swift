import Architectures
import Tokenizers

extension Tokenizer {
    /// Returns the warnings about tokens that a model has no embedding for.
    package func warnings(for configuration: ModelConfiguration, in path: String) -> [String] {
        let extra = tokens(beyond: configuration.vocabSize)
        guard !extra.isEmpty else { return [] }
        let names = extra.prefix(4).map { "'\($0)'" }.joined(separator: ", ") + (extra.count > 4 ? ", …" : "")
        return [
            "\(path): the model's vocab_size is \(configuration.vocabSize), so that it has no embedding for "
                + "\(extra.count) of the tokenizer's tokens (\(names)); a text with one of them is an error"
        ]
    }
}
