/// The results on the test data, by which nothing was chosen.
public struct TestResults: Sendable, Equatable, Codable {
    public var data: DataRecord
    public var teacher: ModelEvaluation?
    public var student: ModelEvaluation
    public var comparison: Comparison?
    /// The baseline: the same student trained without the teacher.
    public var baseline: ModelEvaluation?
    public var gain: BaselineComparison?
}
