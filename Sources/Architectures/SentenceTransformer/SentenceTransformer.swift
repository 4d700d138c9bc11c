import Storage

/// A sentence-transformers directory, as its files describe it: how texts become vectors of one size.
///
/// `modules.json` lists what a text goes through: an encoder or a table of vectors by token, a pooling, dense layers, a
/// normalization. Both forms of a pooling's file are read, the older with a key for each mode and that of versions from 5.4 on.
public struct SentenceTransformer: Sendable, Equatable {
    /// What gives each token of a text a vector.
    public enum Source: Sendable, Equatable {
        /// An encoder in Hugging Face format, in this directory.
        case encoder(String)
        /// A table of vectors, the mean of which is the text's, in this directory (`StaticEmbedding`).
        case table(String)
    }

    /// What a vector goes through.
    public enum Stage: Sendable, Equatable {
        /// Vectors of tokens become one; those of several modes one after another. `width` is that of a token's vector.
        case pooling([PoolingMode], width: Int, includesPrompt: Bool)
        /// A linear layer with an activation; its weights are in the directory.
        case dense(Dense)
        /// The vector divided by its Euclidean length.
        case normalize
    }

    /// A dense layer.
    public struct Dense: Sendable, Equatable {
        public var inputs: Int
        public var outputs: Int
        public var hasBias: Bool
        /// `nil` for the identity.
        public var activation: ActivationName?
        /// The directory of its weights.
        public var path: String
    }

    /// The directory.
    public var path: String
    public var source: Source
    /// What follows the source, in order.
    public var stages: [Stage]
    /// Longer texts are cut to this many tokens; `nil` where the files do not say.
    public var maxLength: Int?
    /// True if texts are lowercased before all else.
    public var lowercases: Bool
    /// Texts by name that stand before a text, such as `query`.
    public var prompts: [String: String]
    /// The name of the prompt that is used where none is asked for; `nil` for none.
    public var defaultPrompt: String?
    /// How two vectors are compared, such as `cosine` or `dot`; `nil` where the files do not say.
    public var similarityName: String?

    /// The beginning of the names of its layers' parameters in a model.
    package static let layerPrefix = "sentence"

    /// The file that makes a directory one of sentence-transformers.
    public static let fileName = "modules.json"

    /// Returns true if a directory is one of sentence-transformers.
    public static func isDirectory(_ directory: some FileLocation) -> Bool {
        directory.entry(fileName).fileExists
    }

    /// True where a table of vectors by token stands for an encoder.
    public var isTable: Bool { if case .table = source { true } else { false } }

    /// The width of a text's vector; `nil` where only the weights tell.
    public var width: Int? {
        stages.reduce(nil) { width, stage in
            switch stage {
            case .pooling(let modes, let tokens, _): modes.count * tokens
            case .dense(let dense): dense.outputs
            case .normalize: width
            }
        }
    }

    /// The default prompt; empty for none.
    public var defaultPromptText: String { defaultPrompt.flatMap { prompts[$0] } ?? "" }

    /// The prompt of a name, or the default one.
    ///
    /// - Throws: ``ArchitectureError`` for a name that the directory does not have.
    public func prompt(_ name: String?) throws -> String {
        guard let name = name ?? defaultPrompt else { return "" }
        guard let prompt = prompts[name] else {
            let names = prompts.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
            throw ArchitectureError(
                "\(path): has no prompt '\(name)'; "
                    + (prompts.isEmpty ? "it has none" : "it has \(names)")
                    + " (config_sentence_transformers.json)")
        }
        return prompt
    }
}
