import Datasets
import Foundation

/// A teacher of whom files of scores tell: the outputs of a model, a language model or people for the run's texts.
public struct ScoresRequest: Sendable, Equatable {
    /// The files; none where the data files hold the scores themselves, in a column of theirs.
    public var files: [URL]
    /// The key or column of the scores, or the beginning of the columns' names; `nil` finds it.
    public var column: String?
    /// The weight among several teachers, in any proportion.
    public var weight: Double

    /// - Parameters:
    ///   - files: The files; none where the data files hold the scores themselves.
    ///   - column: The key or column of the scores; `nil` finds it.
    ///   - weight: The weight among several teachers.
    public init(_ files: [URL], column: String? = nil, weight: Double = 1) {
        (self.files, self.column, self.weight) = (files, column, weight)
    }

    /// The teacher's name in messages and reports.
    public var name: String {
        files.isEmpty
            ? "the data's column \(column ?? "of scores")"
            : files.map { $0.path(percentEncoded: false) }.joined(separator: ", ")
    }

    /// The options for reading the files.
    func options(_ columns: DataColumns) -> ScoreStream.Options {
        var options = ScoreStream.Options()
        options.scoresColumn = column
        (options.textColumn, options.pairColumn) = (columns.text, columns.pair)
        options.delimited = columns.delimited
        return options
    }
}

extension DistillRequest {
    /// The data files in the order in which files of scores without texts belong to them.
    var filesWithScores: [URL] {
        [data.train] + data.unlabelled + [data.validation, test].compactMap(\.self)
    }
}

extension DistillRequest {
    /// - Throws: ``DistillationError`` for settings that do not go with scores.
    func requireScoresFit() throws {
        for teacher in scores {
            guard teacher.weight > 0, teacher.weight.isFinite else {
                throw DistillationError(
                    "\(teacher.name): a teacher's weight must be above 0, got \(teacher.weight)")
            }
            guard !teacher.files.isEmpty || teacher.column != nil else {
                throw DistillationError(
                    "teacher_scores: neither a file of scores is named, nor with scores_column the data's column of them"
                )
            }
        }
        guard scores.isEmpty || teacherLogprobs.isEmpty else {
            throw DistillationError(
                "teacher_scores are of text classifiers, teacher_logprobs of language models; give one of both"
            )
        }
        guard !teachers.isEmpty || scores.isEmpty || student.directory != nil else {
            throw DistillationError(
                "the student is missing: scores have no model whose sizes or layers it could take; name a pretrained encoder with "
                    + "--student")
        }
    }
}
