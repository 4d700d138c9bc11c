/// The models on examples that nothing was chosen by.
public struct TestResults: Sendable, Equatable, Codable {
    public var data: DataRecord
    public var teacher: ModelEvaluation?
    public var student: ModelEvaluation
    public var comparison: Comparison?
    /// The same student trained without the teacher.
    public var baseline: ModelEvaluation?
    public var gain: Gain?
}
