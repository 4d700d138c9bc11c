import Foundation
import Torch

/// The input of ``StaticStudentRun``: a table of vectors by token, made from a sentence-transformers teacher without texts.
public struct StaticStudentRequest: Sendable {
    /// The type in which the table is stored.
    public enum TableType: String, CaseIterable, Sendable, Codable {
        case float16, float32

        var dtype: DType { self == .float16 ? .float16 : .float32 }
    }

    /// The directory of the teacher, with `modules.json`.
    public var teacher: URL
    public var output: URL
    public var overwrite = false
    /// The number of components of a vector; `nil` for 256, or the teacher's where it has fewer.
    public var embeddingSize: Int?
    /// False to keep the teacher's components as they are.
    public var appliesPCA = true
    /// a of the weight a / (a + p) of a token with the probability p; `nil` for no weights.
    public var sif: Double? = 1e-4
    /// The type in which the table is stored.
    public var tableType = TableType.float16
    /// The device on which the teacher reads the tokens.
    public var device = Device.cpu
    public var precision = Precision.float32
    /// Where the teacher's vectors of tokens are kept.
    public var cache = CacheOptions()
    public var card = ModelCardOptions()

    /// The number of components where none is asked for.
    public static let usualSize = 256

    public init(teacher: URL, output: URL) {
        self.teacher = teacher
        self.output = output
    }

    /// - Throws: ``DistillationError`` for values that no table can have.
    func validate() throws {
        if let embeddingSize {
            try SettingLimits.require(embeddingSize, "embedding_size", from: 1, to: SettingLimits.count)
            guard appliesPCA else {
                throw DistillationError(
                    "embedding_size: without PCA a vector has as many components as the teacher's; leave out one of "
                        + "embedding_size and pca")
            }
        }
        try StaticOptions.requireWeight(sif)
        try card.validate()
    }
}
