import Torch

/// The result of ``StaticStudentRun``, and its record in the output directory.
public struct StaticStudentReport: Sendable, Equatable, Codable {
    /// The kind of the student: `static`.
    public var student: String
    public var teacher: String
    public var output: String
    /// The tokens that have a vector.
    public var tokens: Int
    /// The teacher's tokens that have none.
    public var removedTokens: Int
    /// The components of a vector.
    public var embeddingSize: Int
    /// The components of a hidden state of the teacher.
    public var teacherSize: Int
    /// The part of the variance that PCA left; `nil` without PCA.
    public var explainedVariance: Double?
    /// a of the weights a / (a + p); `nil` without weights.
    public var sif: Double?
    public var tableType: StaticStudentRequest.TableType
    /// The size of the table's file.
    public var bytesOnDisk: Int
    public var device: String
    public var precision: Precision
    public var versions: RunReport.Versions
    public var phases: [RunReport.Phase]

    /// The file's name in the output directory.
    public static let fileName = "distillation.json"
}
