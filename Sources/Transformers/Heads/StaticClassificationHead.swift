import Torch

/// The head for classification by a static table, from texts' vectors (B, H) to logits (B, C): the vector divided by its length, where
/// the configuration has one a dense layer with ReLU, as model2vec's classifiers, and the classifier.
struct StaticClassificationHead: Head {
    let rows = RowSelection.mean
    private let dense: Linear?
    private let dropout: Dropout
    private let classifier: Linear

    /// - Parameter root: The root of the parameters.
    init(_ root: ParameterScope, _ configuration: ModelConfiguration) throws {
        let width = configuration.hiddenSize
        dense = try configuration.classifierHiddenSize.map {
            try Linear(
                root[StaticNames.dense], inputs: width, outputs: $0, initializer: configuration.initializer)
        }
        dropout = Dropout(configuration.classifierDropout ?? configuration.hiddenDropoutProb)
        classifier = try Linear(
            root[StaticNames.classifier], inputs: configuration.classifierHiddenSize ?? width,
            outputs: configuration.labelNames.count, initializer: configuration.initializer)
    }

    func callAsFunction(_ hidden: Tensor, _ state: DropoutState?) throws -> Tensor {
        var hidden = try hidden / hidden.norm(-1, keepDimensions: true).clampedBelow(1e-12)
        if let dense { hidden = try Activation.relu(dense.rows(hidden)) }
        return try classifier.rows(dropout(hidden, state))
    }
}
