import TestSupport
import Torch

/// A small classifier of token sequences with everything that a transformer has: embeddings, attention, layer
/// normalization, a feed-forward block, residual connections and dropout.
struct TinyModel {
    static let vocabulary = 12
    static let length = 6
    static let width = 8
    static let heads = 2
    static let classes = 3

    let store = ParameterStore()
    let words: Embedding
    let norm: LayerNorm
    let projections: [Linear]
    let feedForward: [Linear]
    let classifier: Linear
    let dropout = Dropout(0.1)

    init(seed: UInt64) throws {
        let root = ParameterScope(store: store, source: nil, seed: seed)
        let normal = ParameterInitializer.normal(standardDeviation: 0.2)
        words = try Embedding(
            root["words"], count: Self.vocabulary, width: Self.width, paddingIndex: 0, initializer: normal)
        norm = try LayerNorm(root["LayerNorm"], width: Self.width, epsilon: 1e-12)
        projections = try ["query", "key", "value"].map {
            try Linear(root["attention"][$0], inputs: Self.width, outputs: Self.width, initializer: normal)
        }
        feedForward = [
            try Linear(root["mlp"][0], inputs: Self.width, outputs: 16, initializer: normal),
            try Linear(root["mlp"][1], inputs: 16, outputs: Self.width, initializer: normal),
        ]
        classifier = try Linear(
            root["classifier"], inputs: Self.width, outputs: Self.classes, initializer: normal)
    }

    /// (batch, length) token ids → (batch, classes) logits
    func callAsFunction(_ tokens: Tensor, _ state: DropoutState?) throws -> Tensor {
        let batch = try tokens.size(0)
        let x = try dropout(norm(words(tokens)), state)
        let parts = try projections.map {
            try $0(x).reshaped([batch, Self.length, Self.heads, Self.width / Self.heads]).transposed(1, 2)
        }
        let mask = try tokens.notEqual(0).reshaped([batch, 1, 1, Self.length])
        let attended = try Tensor.attention(query: parts[0], key: parts[1], value: parts[2], mask: mask)
            .transposed(1, 2).reshaped([batch, Self.length, Self.width])
        let y = try x + dropout(attended, state)
        let z = try y + dropout(feedForward[1](feedForward[0](y).gelu()), state)
        return try classifier(z.mean(1))
    }
}

/// Trains a ``TinyModel`` on random batches that depend on the step alone. The label of a sequence is its
/// first token modulo the number of classes.
struct TinyTraining {
    let model: TinyModel
    let optimizer: AdamW
    let dropout: DropoutState
    let schedule = LearningRateSchedule(peak: 0.01, warmupSteps: 10, totalSteps: 2000, decay: .linear)

    init(seed: UInt64) throws {
        model = try TinyModel(seed: seed)
        optimizer = try AdamW(model.store, weightDecay: 0.01)
        dropout = DropoutState(seed: seed)
    }

    func batch(_ step: Int) throws -> (tokens: Tensor, labels: Tensor) {
        var generator = SeededGenerator(seed: UInt64(step))
        var tokens: [Int] = []
        var labels: [Int] = []
        for _ in 0..<4 {
            let first = Int.random(in: 1..<TinyModel.vocabulary, using: &generator)
            labels.append(first % TinyModel.classes)
            // The rest repeats it or is padding.
            tokens.append(first)
            tokens += (1..<TinyModel.length).map { _ in Bool.random(using: &generator) ? 0 : first }
        }
        return (try Tensor(tokens, shape: [4, TinyModel.length]), try Tensor(labels))
    }

    @discardableResult
    func train(_ step: Int) throws -> Double {
        let (tokens, labels) = try batch(step)
        let loss = try model(tokens, dropout).crossEntropy(labels)
        try loss.backward()
        try optimizer.clipGradients(maxNorm: 1)
        try optimizer.step(learningRate: schedule.learningRate(atStep: step))
        try optimizer.clearGradients()
        return try loss.item()
    }

    func bytes() throws -> [[UInt8]] { try model.store.tensors.map { try $0.bytes() } }
}
