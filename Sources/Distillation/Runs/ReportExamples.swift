/// The setting for the number of examples in each list of a report.
enum ReportExamples {
    /// - Throws: ``DistillationError`` for an invalid number of examples.
    static func validate(_ count: Int) throws {
        guard count >= 0 else {
            throw DistillationError(
                "report_examples must be 0 or more, got \(count); 0 keeps all texts out of the report")
        }
    }
}
