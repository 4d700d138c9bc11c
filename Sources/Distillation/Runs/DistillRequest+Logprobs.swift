import Foundation

extension DistillRequest {
    /// The tokens that servers list at most, where nothing else is said.
    static let usualOutcomes = 20

    /// The form in which a language model's teacher is known: as it is kept, or as files of log-probabilities tell of it.
    var teacherForm: TeacherStateCoding {
        guard !teacherLogprobs.isEmpty, teacherStates.keepsHiddenStates else { return teacherStates }
        return .topK(Self.usualOutcomes)
    }

    /// The data files for which there are log-probabilities.
    var filesWithLogprobs: [URL] { [data.train] + [data.validation, test].compactMap(\.self) }

    /// - Throws: ``DistillationError`` where there is not a file of log-probabilities for each data file.
    func requireLogprobsFit() throws {
        guard !teacherLogprobs.isEmpty else { return }
        let files = filesWithLogprobs
        guard teacherLogprobs.count == files.count else {
            throw DistillationError(
                "teacher_logprobs: there are \(teacherLogprobs.count) files for the \(files.count) data files ("
                    + files.map(\.lastPathComponent).joined(separator: ", ")
                    + "); give --teacher-logprobs once for each, in this order")
        }
        guard teachers.count == 1 else {
            throw DistillationError(
                "teacher_logprobs: log-probabilities take the place of one teacher, got \(teachers.count); give one --teacher"
            )
        }
    }
}
