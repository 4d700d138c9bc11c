import Architectures
import Torch

/// The head of a model for embeddings, from texts' pooled states (B, modes · H) to their vectors (B, D): dense layers and a
/// normalization, as sentence-transformers' modules have them.
struct EmbeddingHead: Head {
    /// A module behind the pooling.
    enum Stage {
        case dense(Linear, Activation?)
        case normalize
    }

    let rows: RowSelection
    let stages: [Stage]

    /// - Parameter root: The root of the parameters; a dense layer's are `sentence.<place>.linear`, with its place among the modules
    ///   behind the encoder.
    /// - Throws: ``TransformersError`` for modules that cannot be trained.
    init(_ root: ParameterScope, _ configuration: ModelConfiguration) throws {
        guard let embedding = configuration.embedding else {
            throw TransformersError("\(configuration.source): is no model for embeddings")
        }
        stages = try Self.stages(root, configuration, embedding)
        if configuration.isTable {
            rows = .mean
            return
        }
        guard case .pooling(let modes, _, let includesPrompt)? = embedding.stages.first else {
            throw TransformersError("\(configuration.source): an embedding model begins with a pooling")
        }
        guard includesPrompt || embedding.defaultPrompt == nil else {
            throw TransformersError(
                "\(embedding.path): its pooling leaves out the prompt (include_prompt false), which is computed by predict and serve "
                    + "alone; set default_prompt_name to null for a model that reads texts without one")
        }
        rows = modes == [.cls] ? .firstToken : .pooled(modes)
    }

    /// The modules behind the pooling, or behind a table.
    private static func stages(
        _ root: ParameterScope, _ configuration: ModelConfiguration, _ embedding: SentenceTransformer
    ) throws -> [Stage] {
        try embedding.stages.enumerated().compactMap { place, stage in
            switch stage {
            case .pooling: return nil
            case .dense(let dense):
                let layer = try Linear(
                    root[EmbeddingHead.layerName(place)], inputs: dense.inputs, outputs: dense.outputs,
                    bias: dense.hasBias, initializer: configuration.initializer)
                return .dense(layer, dense.activation.map(Activation.init))
            case .normalize: return .normalize
            }
        }
    }

    /// The name of the dense layer at a place among the modules, without that of its tensors.
    static func layerName(_ place: Int) -> String { "\(SentenceTransformer.layerPrefix).\(place).linear" }

    func callAsFunction(_ hidden: Tensor, _ state: DropoutState?) throws -> Tensor {
        try stages.reduce(hidden) { vectors, stage in
            switch stage {
            case .dense(let layer, let activation):
                let outputs = try layer.rows(vectors)
                return try activation?(outputs) ?? outputs
            // As torch.nn.functional.normalize: a vector of zeros stays one.
            case .normalize: return try vectors / vectors.norm(-1, keepDimensions: true).clampedBelow(1e-12)
            }
        }
    }
}

extension Tensor {
    /// Each text's vector of its tokens' (T, H): (B, modes · H), as sentence-transformers' `Pooling`.
    ///
    /// - Parameter offsets: B + 1 numbers: where each text begins, and T.
    func pooled(_ modes: [PoolingMode], offsets: [Int]) throws -> Tensor {
        let parts = try modes.map { mode in
            switch mode {
            case .cls: try indexSelect(dimension: 0, Tensor(Array(offsets.dropLast()), device: device))
            case .lastToken:
                try indexSelect(dimension: 0, Tensor(offsets.dropFirst().map { $0 - 1 }, device: device))
            case .max: try maximum(offsets: offsets)
            case .mean: try pooled(offsets: offsets, weights: Self.weights(offsets) { _, count in 1 / count })
            case .meanSqrtLength:
                try pooled(
                    offsets: offsets, weights: Self.weights(offsets) { _, count in 1 / count.squareRoot() })
            case .weightedMean:
                try pooled(
                    offsets: offsets,
                    weights: Self.weights(offsets) { place, count in place / (count * (count + 1) / 2) })
            }
        }
        return parts.count == 1 ? parts[0] : try Tensor.concatenated(parts, dimension: 1)
    }

    /// The weight of each token of packed texts.
    ///
    /// - Parameter weight: Receives a token's place in its text, from 1, and the number of the text's tokens.
    private static func weights(_ offsets: [Int], _ weight: (_ place: Float, _ count: Float) -> Float)
        -> [Float]
    {
        zip(offsets, offsets.dropFirst()).flatMap { start, end in
            (start..<end).map { weight(Float($0 - start + 1), Float(end - start)) }
        }
    }

    /// The largest of each component over each text's tokens.
    private func maximum(offsets: [Int]) throws -> Tensor {
        let longest = zip(offsets, offsets.dropFirst()).reduce(0) { Swift.max($0, $1.1 - $1.0) }
        let ends = try Tensor(offsets.dropFirst().map { $0 - 1 }, device: device)
        // Padding repeats a text's last token, which changes no maximum.
        let places = zip(offsets, offsets.dropFirst()).flatMap { start, end in
            (0..<longest).map { Swift.min(start + $0, end - 1) }
        }
        let padded = try indexSelect(dimension: 0, Tensor(places, device: device)).reshaped([
            ends.count, longest, shape[1],
        ])
        return try padded.max(1)
    }
}
