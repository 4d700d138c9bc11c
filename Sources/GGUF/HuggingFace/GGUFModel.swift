import JSON
import Storage

/// A language model in a GGUF file, as a Hugging Face checkpoint: `config.json`, tensors by their names there, and the
/// values in the form that they have there.
public struct GGUFModel: Sendable {
    /// The file's contents.
    public let checkpoint: GGUFCheckpoint
    /// The family, by `general.architecture`.
    public let family: GGUFFamily
    /// The contents of `config.json`.
    public let configuration: JSONObject
    /// The tensors, in the order of the file.
    public let tensors: [GGUFModelTensor]
    /// The factors by which the wavelengths of rotary positions grow, one for each pair of a head's elements, which the
    /// file has instead of Llama 3's parameters; ``configuration`` has those parameters again.
    public let ropeFactors: [Float]?

    private let positions: [ExactName: Int]

    static let architectureKey = "general.architecture"

    /// Opens a model.
    ///
    /// - Parameter file: the file, or any one of a split model's files.
    /// - Throws: ``GGUFError`` if the file is damaged, the architecture is not known, or the file says or holds what may
    ///   change what the model computes and is not understood; `FileError` if there is no such file.
    public init(file: some FileLocation) throws { try self.init(GGUFCheckpoint(file: file)) }

    /// Makes a model of an open file; see ``init(file:)``.
    public init(_ checkpoint: GGUFCheckpoint) throws {
        self.checkpoint = checkpoint
        guard let architecture = checkpoint[Self.architectureKey]?.stringValue else {
            throw GGUFError(
                checkpoint.path, key: Self.architectureKey, "is missing; this is not a language model")
        }
        guard let family = GGUFFamily.named(architecture) else {
            let known = GGUFFamily.all.map(\.architecture).joined(separator: ", ")
            throw GGUFError(
                checkpoint.path, key: Self.architectureKey,
                "\(quoted(architecture)) is not supported; use a model of one of \(known)")
        }
        self.family = family
        var keys = GGUFKeys(checkpoint, architecture: architecture)
        let sizes = try GGUFSizes(&keys)
        ropeFactors = try Self.ropeFactors(checkpoint, family, headSize: sizes.headSize)
        var builder = GGUFConfiguration(keys: keys, sizes: sizes, family: family, ropeFactors: ropeFactors)
        configuration = try builder.fields()
        try builder.keys.checkAllKnown()
        tensors = try GGUFTensorList(checkpoint: checkpoint, family: family, sizes: sizes).tensors()
        positions = Dictionary(
            tensors.enumerated().map { (ExactName($1.name), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Returns a tensor by its name in a Hugging Face checkpoint, or `nil` if the model has none of that name.
    public func tensor(named name: String) -> GGUFModelTensor? {
        positions[ExactName(name)].map { tensors[$0] }
    }

    static let ropeFactorsName = "rope_freqs.weight"

    private static func ropeFactors(
        _ checkpoint: GGUFCheckpoint, _ family: GGUFFamily, headSize: Int
    ) throws -> [Float]? {
        guard family.architecture == "llama", let info = checkpoint.info(ropeFactorsName) else { return nil }
        guard info.shape == [headSize / 2] else {
            throw GGUFError(
                checkpoint.path, tensor: ropeFactorsName,
                "its shape \(info.shape) does not fit heads of \(headSize) elements")
        }
        try info.checkIsWeight(path: checkpoint.path)
        var factors = [Float](repeating: 0, count: headSize / 2)
        try factors.withUnsafeMutableBufferPointer { try checkpoint.decode(ropeFactorsName, into: $0) }
        return factors
    }
}
