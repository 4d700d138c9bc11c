import Datasets
import Foundation
import Torch
import Transformers

/// The student: a checkpoint, or the teacher's configuration with other sizes.
public struct StudentOptions: Sendable, Equatable, Codable {
    /// The initialization of a student made from sizes.
    public enum Initialization: String, CaseIterable, Sendable, Codable {
        /// Random weights.
        case random
        /// Embeddings, head and a choice of layers from the teacher; needs the teacher's sizes.
        case teacherLayers = "teacher-layers"
        /// The same, but the most important part of each where the student is narrower than the teacher.
        case narrowed = "narrowed-teacher"
        /// Layers that compute the teacher's hidden states, projected to fewer dimensions, as nearly as they can: fitted by least
        /// squares on training texts.
        case projected = "projected-teacher"
        /// The teacher's most important parts by its activations on training texts, corrected for what is gone.
        case pruned
    }

    /// A model directory; excludes all other options.
    public var directory: URL?
    /// Makes it a static student, which starts from the teacher's vectors of tokens; `nil` for a transformer.
    public var table: StaticOptions?
    /// `nil` for 6.
    public var layers: Int?
    /// `nil` for 384.
    public var hiddenSize: Int?
    /// `nil` for the teacher's.
    public var intermediateSize: Int?
    /// `nil` for the teacher's; for ``Initialization/narrowed`` and ``Initialization/projected`` as many as keep the size of a head, where they divide the
    /// hidden size.
    public var attentionHeads: Int?
    /// A decoder's heads of keys and values, for ``Initialization/pruned``; `nil` for as many as its heads of queries leave.
    public var keyValueHeads: Int?
    public var initialization: Initialization {
        get { statedInitialization ?? .random }
        set { statedInitialization = newValue }
    }
    /// The initialization that was asked for; `nil` for the default: random, of a language model the teacher's layers.
    public var statedInitialization: Initialization?
    /// The teacher's layers that the student starts from; `nil` for evenly spaced ones, of a language model for those that change
    /// the hidden states most.
    public var teacherLayers: TeacherLayers?
    /// True for a language model with those of its teacher's tokens alone that the training texts use; `nil` for false.
    public var trimVocabulary: Bool?
    var trimsVocabulary: Bool { trimVocabulary ?? false }
    /// The components of a text's vector, of a model for embeddings; `nil` for the teacher's, or with ``VectorProjection/drop`` as many
    /// as the pooled states have.
    public var embeddingSize: Int?
    /// What becomes of the matrix that leads from a student's width to its teacher's; `nil` for ``VectorProjection/keep``.
    public var projection: VectorProjection?
    /// True to teach the first ``embeddingSize`` principal components of the teacher's vectors; `nil` for false.
    public var pca: Bool?
    var usesPCA: Bool { pca ?? false }
    /// How the states of an encoder's tokens become a text's vector; `nil` for the directory's own modules, or else the teacher's.
    public var pooling: PoolingMode?
    /// The probability of dropout in training, of every part that has it; `nil` for none of a model for embeddings, or else the
    /// configuration's.
    public var dropout: Double?
    /// The function that makes a score of a cross-encoder's logit, where a student is one; `nil` for the logit itself.
    public var scoreActivation: ScoreActivation?

    public init() {}

    /// The initialization for a task: a language model from random weights would need a corpus of its own.
    func initialization(for task: TaskIdentifier) -> Initialization {
        if let statedInitialization { return statedInitialization }
        if task.predictsTokens { return .teacherLayers }
        // A vector is made by all layers together; one that begins at random has all of it to learn.
        return task.embedsTexts ? (hiddenSize == nil ? .teacherLayers : .projected) : .random
    }

    /// The dropout of a student for a task; `nil` for its configuration's.
    ///
    /// A vector has hundreds of numbers to learn from each text, and dropout adds noise to all of them: without it a student of
    /// MiniLM's vectors comes nearer to them (docs/results.md, sentence embeddings).
    func dropout(for task: TaskIdentifier) -> Double? { dropout ?? (task.embedsTexts ? 0 : nil) }

    private enum CodingKeys: String, CodingKey {
        case directory, layers, hiddenSize, intermediateSize, attentionHeads, keyValueHeads, teacherLayers
        case trimVocabulary
        case embeddingSize, projection, pca, pooling, scoreActivation, table, dropout
        case statedInitialization = "initialization"
    }

    /// - Throws: ``DistillationError`` for sizes that no model can have; whether they fit the teacher is checked once both are
    ///   known.
    func validate() throws {
        try table?.validate()
        for (name, size) in [
            ("layers", layers), ("hidden_size", hiddenSize), ("intermediate_size", intermediateSize),
            ("attention_heads", attentionHeads), ("key_value_heads", keyValueHeads),
            ("embedding_size", embeddingSize),
        ] {
            if let size {
                try SettingLimits.require(
                    size, name, from: .min, to: name == "layers" ? 10_000 : SettingLimits.count)
            }
        }
        if let embeddingSize { try SettingLimits.require(embeddingSize, "embedding_size") }
        guard !trimsVocabulary || directory == nil else {
            throw DistillationError(
                "trim_vocabulary makes a student of its teacher's tokens, and student names a model with tokens of its own; leave out one "
                    + "of them")
        }
        if let dropout, !(0..<1).contains(dropout) {
            throw DistillationError("dropout must be from 0 up to, but not including, 1, got \(dropout)")
        }
        try requireSizesOfOwn()
        guard keyValueHeads == nil || statedInitialization == .pruned || table != nil else {
            throw DistillationError(
                "key_value_heads is for a start by pruning; add --init pruned, or leave it out")
        }
        guard table != nil else { return }
        let layered =
            layeredSettings + [
                ("pooling", pooling != nil), ("trim_vocabulary", trimsVocabulary),
                ("dropout", dropout != nil),
            ]
        if let name = layered.first(where: \.1)?.0 {
            throw DistillationError(
                "\(name) has no meaning for a static student, which is a table without layers; leave it out")
        }
        guard reducesTable || embeddingSize == nil else {
            throw DistillationError(
                "embedding_size: without PCA a vector has as many components as the teacher's; leave out one of embedding_size and pca"
            )
        }
    }
}
