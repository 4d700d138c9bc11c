import Architectures
import CKernels

/// The sum of token, position and token type embeddings, normalized, and where the family has one its projection to the hidden size.
final class Embeddings: @unchecked Sendable {
    private let kernel: ck_embeddings
    private let tables: [StoredMatrix]
    private let norm: Norm
    private let projection: PackedLinear?
    private let rows: (words: Int, positions: Int, types: Int)
    /// True if token types are told apart; where there is one, a tokenizer's types carry no information.
    private let tellsSegments: Bool

    init(_ store: WeightStore, _ configuration: ModelConfiguration) throws {
        let names = configuration.family.layout.embeddings
        let width = configuration.embeddingSize
        let word = try store.matrix(names.word + ".weight", rows: configuration.vocabSize, columns: width)
        var position: StoredMatrix?
        if let name = names.position, try configuration.addsPositions {
            position = try store.matrix(
                name + ".weight", rows: configuration.maxPositionEmbeddings, columns: width)
        }
        var type: StoredMatrix?
        if let name = names.tokenType, configuration.typeVocabSize > 0 {
            type = try store.matrix(name + ".weight", rows: configuration.typeVocabSize, columns: width)
        }
        let hasBias =
            configuration.family.attentionPositions == .rotary
            ? try ModernBertSettings(configuration).normBias : true
        norm = try Norm(store, names.norm, width: width, hasBias: hasBias)
        var kernel = ck_embeddings()
        kernel.hidden = Int64(width)
        kernel.epsilon = Float(configuration.layerNormEps)
        kernel.word = Self.table(word, width: width)
        if let position {
            kernel.position = Self.table(position, fromRow: configuration.positionOffset, width: width)
        }
        if let type { kernel.type = Self.table(type, width: width) }
        kernel.norm = norm.kernel
        self.kernel = kernel
        tables = [word, position, type].compactMap(\.self)
        rows = (configuration.vocabSize, configuration.maxLength, max(1, configuration.typeVocabSize))
        tellsSegments = configuration.typeVocabSize > 1
        projection =
            configuration.projectsEmbeddings
            ? try names.projection.map {
                try PackedLinear(store, $0, inputs: width, outputs: configuration.hiddenSize)
            } : nil
    }

    /// A table for the kernels, from one of its rows on.
    private static func table(_ matrix: StoredMatrix, fromRow row: Int = 0, width: Int) -> ck_table {
        switch matrix {
        case .float32(let values):
            ck_table(values: values.pointer + row * width, int8_values: nil, scales: nil)
        case .int8(let int8):
            ck_table(values: nil, int8_values: int8.values + row * width, scales: int8.scales.pointer + row)
        }
    }

    /// (T) ids → (T, H)
    ///
    /// - Throws: ``RuntimeError`` for an id outside of a table, and for a text that is empty or longer than the model has positions.
    func callAsFunction(_ texts: PackedTexts) throws -> AlignedBuffer<Float> {
        try validate(texts)
        let hidden = try AlignedBuffer<Float>(count: texts.tokens * Int(kernel.hidden))
        let isDone = texts.offsets.withUnsafeBufferPointer { offsets in
            texts.ids.withUnsafeBufferPointer { ids in
                withUnsafePointer(to: kernel) { kernel in
                    let sequences = ck_sequences(offsets: offsets.baseAddress, count: Int64(texts.count))
                    guard tellsSegments, let types = texts.types else {
                        return ck_embeddings_forward(kernel, sequences, ids.baseAddress, nil, hidden.pointer)
                    }
                    return types.withUnsafeBufferPointer {
                        ck_embeddings_forward(
                            kernel, sequences, ids.baseAddress, $0.baseAddress, hidden.pointer)
                    }
                }
            }
        }
        try require(isDone)
        return try withExtendedLifetime(hidden) {
            try projection.map { try $0(hidden.pointer, rows: texts.tokens) } ?? hidden
        }
    }

    private func validate(_ texts: PackedTexts) throws {
        for text in 0..<texts.count {
            let length = Int(texts.offsets[text + 1] - texts.offsets[text])
            guard length > 0 else { throw RuntimeError("text \(text + 1) has no token") }
            guard length <= rows.positions else {
                throw RuntimeError(
                    "text \(text + 1) has \(length) tokens, the model \(rows.positions) positions; cut it to at most as many"
                )
            }
        }
        if let token = texts.ids.firstIndex(where: { $0 < 0 || Int($0) >= rows.words }) {
            throw RuntimeError(
                "token \(token + 1) has the id \(texts.ids[token]), the model's vocabulary \(rows.words) tokens; "
                    + "use the tokenizer that belongs to the model")
        }
        guard tellsSegments, let types = texts.types else { return }
        if let token = types.firstIndex(where: { $0 < 0 || Int($0) >= rows.types }) {
            throw RuntimeError("token \(token + 1) has the type \(types[token]), the model has \(rows.types)")
        }
    }
}

/// A layer normalization's weight and bias.
struct Norm: @unchecked Sendable {
    let kernel: ck_norm
    private let weight: StoredValues
    private let bias: StoredValues

    /// - Parameter hasBias: False for a bias of zeros.
    init(_ store: WeightStore, _ name: String, width: Int, hasBias: Bool = true) throws {
        weight = try store.values(name + ".weight", shape: [width])
        bias =
            hasBias
            ? try store.values(name + ".bias", shape: [width]) : try StoredValues(zeros: width)
        kernel = ck_norm(weight: weight.pointer, bias: bias.pointer)
    }

    /// Normalizes rows in place.
    func apply(to rows: AlignedBuffer<Float>, rows count: Int, epsilon: Double) throws {
        try withExtendedLifetime((self, rows)) {
            try require(
                ck_normalize(Int64(count), Int64(weight.count), Float(epsilon), kernel, rows.pointer))
        }
    }
}

extension ModelConfiguration {
    /// True if position embeddings are added to those of tokens.
    fileprivate var addsPositions: Bool {
        get throws {
            try family.attentionPositions == .disentangled ? DebertaV2Settings(self).addsPositions : true
        }
    }
}

extension PackedLinear {
    /// Reads and packs a linear layer with a bias.
    convenience init(_ store: WeightStore, _ name: String, inputs: Int, outputs: Int) throws {
        try self.init(
            store.matrix(name + ".weight", rows: outputs, columns: inputs),
            bias: store.values(name + ".bias", shape: [outputs]), inputs: inputs, outputs: outputs)
    }
}
