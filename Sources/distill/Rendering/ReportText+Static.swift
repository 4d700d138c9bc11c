import Distillation
import Foundation

extension ReportText {
    /// What a static student is, in two lines.
    static func staticStudent(_ report: StaticStudentReport) -> String {
        let variance = report.explainedVariance.map {
            ", \(Format.percent($0)) of the variance of the teacher's \(report.teacherSize)"
        }
        let seconds = report.phases.reduce(0) { $0 + $1.seconds }
        return "\(report.tokens) tokens with \(report.embeddingSize) components\(variance ?? "")\n"
            + "Saved in \(report.output) (\(Format.bytes(report.bytesOnDisk)), \(Format.duration(seconds)))"
    }
}
