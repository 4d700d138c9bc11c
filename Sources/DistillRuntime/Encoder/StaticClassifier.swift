import Architectures
import Safetensors
import Tokenizers

/// A classifier upon a static table: a text's vector divided by its length, a dense layer with ReLU where there is one, the classifier.
final class StaticClassifier: Sendable {
    private let table: TokenTable
    private let dense: HeadLinear?
    private let classifier: HeadLinear
    private let path: String

    /// - Throws: ``RuntimeError`` for a tensor that is missing or does not fit; the errors of the weights' file.
    init(_ path: String, _ configuration: ModelConfiguration) throws {
        self.path = path
        table = try TokenTable(path)
        let width = configuration.hiddenSize
        guard table.width == width, table.count == configuration.vocabSize else {
            throw RuntimeError(
                "\(path): the table has \(table.count) tokens of \(table.width) components, config.json says \(configuration.vocabSize) "
                    + "of \(width); use the files that belong together")
        }
        let store = try WeightStore(SafetensorsCheckpoint(directory: path), path: path, configuration)
        dense = try configuration.classifierHiddenSize.map {
            try HeadLinear(store, StaticNames.dense, inputs: width, outputs: $0)
        }
        classifier = try HeadLinear(
            store, StaticNames.classifier, inputs: configuration.classifierHiddenSize ?? width,
            outputs: configuration.labelNames.count)
    }

    /// The logits of texts, (B, C), row after row.
    ///
    /// - Throws: ``RuntimeError`` for an id outside of the vocabulary.
    func logits(_ encoding: FlatEncoding) throws -> [Float] {
        guard encoding.count > 0 else { return [] }
        var vectors = try table.vectors(encoding)
        TextEmbedder.normalize(&vectors, width: table.width)
        var hidden = try AlignedBuffer<Float>(count: vectors.count)
        for index in vectors.indices { hidden.pointer[index] = vectors[index] }
        if let dense {
            hidden = try dense(hidden, rows: encoding.count)
            ActivationName.relu.apply(to: hidden)
        }
        let logits = try classifier(hidden, rows: encoding.count)
        return withExtendedLifetime(logits) {
            Array(UnsafeBufferPointer(start: logits.pointer, count: logits.count))
        }
    }
}
