import Datasets
import Foundation
import Transformers

/// A teacher of queries with documents: its scores of them are in the data files, or a cross-encoder's, which may teach a model for
/// embeddings too.
extension DistillRequest {
    /// The key of a teacher's scores in the data files themselves, of queries with documents; `nil` for other runs.
    var pairScoresColumn: String? {
        guard ranks, let column = scores.first?.column else { return nil }
        return column
    }

    /// True if the request asks for a student of queries with documents.
    private var ranks: Bool {
        data.problemType.map { $0.ranksDocuments || $0.embedsTexts } ?? false
    }

    /// - Throws: ``DistillationError`` for scores that such a student does not learn from.
    func requirePairScoresFit() throws {
        guard ranks, let first = scores.first else { return }
        guard scores.count == 1, first.files.isEmpty, teachers.isEmpty else {
            throw DistillationError(
                "\(first.name): scores of queries with documents stand beside the documents in the data files, and are the only teacher; "
                    + "name their key with --scores-column, without --teacher-scores and --teacher")
        }
    }

    /// How the files of queries with documents are read.
    ///
    /// - Parameter pairsAreGroups: True if a cross-encoder teaches a model for embeddings.
    func rankingColumns(pairsAreGroups: Bool) -> RankingColumns {
        RankingColumns(scores: pairScoresColumn, pairsAreGroups: pairsAreGroups)
    }
}

extension TaskIdentifier {
    /// What a run learns, given its first teacher's task: a teacher of one number can score pairs for a ranker, or a model for embeddings.
    ///
    /// - Parameter asked: The task that was asked for.
    func taught(as asked: TaskIdentifier?) -> TaskIdentifier {
        guard let asked, outputs == .real, asked.ranksDocuments || asked.embedsTexts else { return self }
        return asked
    }
}

extension GroupTargets {
    /// A cross-encoder's scores of pairs as a row for each text: NaN of queries, which have none.
    ///
    /// - Parameters:
    ///   - pairs: The scores, one a row, in the order of the documents.
    ///   - file: The data, for errors.
    /// - Throws: ``DistillationError`` where there are not as many as documents.
    func byText(_ pairs: Logits, of file: URL) throws -> Logits {
        let rows = documents.flatMap { Array($0) }
        guard pairs.count == rows.count, pairs.classes == 1 else {
            throw DistillationError(
                "\(file.path): the teacher scores \(pairs.count) pairs, the student reads \(rows.count) documents; start again when the "
                    + "file is complete")
        }
        var values = [Float](repeating: .nan, count: labels.count)
        for (pair, row) in zip(pairs.values, rows) { values[row] = pair }
        return Logits(values: values, classes: 1)
    }
}

extension DistillationSetup {
    /// True if the teacher gives a query's documents scores, and the student is a model for embeddings.
    var teachesPairScores: Bool {
        guard problemType.embedsTexts else { return false }
        return teachers.first.map { !$0.classifier.model.configuration.task.embedsTexts } ?? true
    }

    /// The scores that the data files have of a part of the data; `nil` where it has none.
    ///
    /// - Throws: ``DistillationError`` where the training data have none.
    func givenScores(_ part: RunData.Part) throws -> Logits? {
        if let scores = data.dataset(part)?.givenScores { return scores }
        guard part == .train else { return nil }
        throw DistillationError(
            "\(data.trainRecord.path): there are no scores of the documents under '\(request.pairScoresColumn ?? "")'; name their key with "
                + "--scores-column")
    }

    /// A cross-encoder's scores of pairs as a row for each text of the student's data: of queries none.
    func byText(_ scores: any TeacherOutputs, _ part: RunData.Part) throws -> any TeacherOutputs {
        guard teachesPairScores, let targets = data.dataset(part)?.targets.groups else { return scores }
        return try targets.byText(scores.logits(), of: URL(filePath: data.trainRecord.path))
    }

    /// What the teacher's scores of the training data are like, where that would spoil what is learnt of them.
    func pairFindings(_ scores: any TeacherOutputs) throws -> [Finding] {
        guard let targets = data.train.targets.groups, scores.classes == 1 else { return [] }
        let values = try scores.logits().values
        let lists = targets.documents.map { rows in rows.map { values[$0] } }
        let all = lists.flatMap { $0 }
        guard let least = all.min(), let most = all.max() else { return [] }
        var findings: [Finding] = []
        let equal = lists.count { list in list.count > 1 && list.allSatisfy { $0 == list[0] } }
        if least == most {
            findings.append(
                Finding(
                    .warning,
                    "The teacher gives all \(all.count) documents the score \(least): nothing is learned from it."
                ))
        } else if equal > 0 {
            findings.append(
                Finding(
                    .warning,
                    "The teacher gives all documents of \(equal) of \(lists.count) queries the same score: their order teaches nothing."
                ))
        }
        if least >= 0, most <= 1, least != most {
            let ends = all.count { $0 < 0.01 || $0 > 0.99 }
            findings.append(
                Finding(
                    .warning,
                    "The teacher's scores are from 0 to 1, as a sigmoid gives them"
                        + (ends * 2 > all.count
                            ? ", and \(ends) of \(all.count) within 0.01 of its ends" : "")
                        + ": differences so small teach little. Use its logits, or teacher_scale = 10 or more in the objective."
                ))
        }
        return findings
    }
}
