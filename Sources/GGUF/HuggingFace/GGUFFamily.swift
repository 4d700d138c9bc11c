/// A family of language models: what llama.cpp calls it, and the names of its tensors in both worlds.
public struct GGUFFamily: Sendable {
    /// llama.cpp's name, `general.architecture`.
    public let architecture: String
    /// Hugging Face's name, `model_type`.
    public let modelType: String
    /// The class of transformers, `architectures`.
    public let className: String
    /// The tensors.
    public let tensors: [GGUFTensorName]

    private let byFile: [ExactName: Int]
    private let byCheckpoint: [ExactName: Int]

    init(architecture: String, modelType: String, className: String, tensors: [GGUFTensorName]) {
        self.architecture = architecture
        self.modelType = modelType
        self.className = className
        self.tensors = tensors
        byFile = Dictionary(
            tensors.enumerated().map { (ExactName($1.file), $0) }, uniquingKeysWith: { first, _ in first })
        byCheckpoint = Dictionary(
            tensors.enumerated().map { (ExactName($1.checkpoint), $0) },
            uniquingKeysWith: { first, _ in first })
    }

    /// The family of an architecture, or `nil` if it is not known.
    public static func named(_ architecture: String) -> GGUFFamily? {
        all.first { $0.architecture.utf8.elementsEqual(architecture.utf8) }
    }

    /// The families that are known.
    public static let all: [GGUFFamily] = [llama, qwen2, qwen3, gpt2, gemma3]

    /// Returns the name in a Hugging Face checkpoint of a tensor of a GGUF file, or `nil` if the family has none of that
    /// name.
    public func checkpointName(of name: String) -> String? {
        let (pattern, layer) = GGUFTensorName.pattern(of: name)
        guard let place = byFile[ExactName(pattern)] else { return nil }
        return GGUFTensorName.name(tensors[place].checkpoint, layer: layer ?? 0)
    }

    /// Returns the name in a GGUF file of a tensor of a Hugging Face checkpoint, or `nil` if the family has none of that
    /// name.
    public func fileName(of name: String) -> String? {
        let (pattern, layer) = GGUFTensorName.pattern(of: name)
        guard let place = byCheckpoint[ExactName(pattern)] else { return nil }
        return GGUFTensorName.name(tensors[place].file, layer: layer ?? 0)
    }

    /// The entry of a tensor by its name in a Hugging Face checkpoint.
    package func entry(ofCheckpoint name: String) -> GGUFTensorName? {
        byCheckpoint[ExactName(GGUFTensorName.pattern(of: name).pattern)].map { tensors[$0] }
    }

    /// The entry of a tensor by its name in a GGUF file.
    func entry(ofFile name: String) -> GGUFTensorName? {
        byFile[ExactName(GGUFTensorName.pattern(of: name).pattern)].map { tensors[$0] }
    }
}
