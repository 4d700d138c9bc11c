import Transformers

/// Models for embeddings on queries with documents: what ranks these is the cosine of two vectors.
extension EmbeddingTask {
    /// The score of each row's document for its query; 0 of queries. A row of one number is a score already, as another teacher gave it.
    static func scores(_ logits: Logits, _ targets: GroupTargets) -> [Double] {
        guard logits.classes > 1 else { return logits.values.map(Double.init) }
        var scores = [Double](repeating: 0, count: logits.count)
        for (range, documents) in zip(targets.ranges, targets.documents) {
            for row in documents { scores[row] = VectorMetrics.cosine(logits[range.lowerBound], logits[row]) }
        }
        return scores
    }

    /// Beside a teacher of vectors as near as these are, and of translations how far they are from its vectors of the texts; beside one
    /// that gives scores of pairs, Pearson's correlation with those.
    func compare(student: Logits, teacher: Logits, _ targets: Targets) throws -> MetricValues {
        guard let groups = targets.groups, teacher.classes == 1, student.classes != 1 else {
            var values = try outputs.compare(student: student, teacher: teacher)
            if case .scores(let pairs) = targets, pairs.areTranslations, student.classes == teacher.classes {
                values[.translationMSE] = TranslationMetrics.error(
                    student: student, teacher: teacher, pairs)
            }
            return values
        }
        let (own, theirs) = (Self.scores(student, groups), Self.scores(teacher, groups))
        let rows = groups.documents.flatMap { Array($0) }
        guard rows.count > 1 else { return MetricValues() }
        var values = MetricValues()
        values[.agreement] = RegressionMetrics.pearson(rows.map { own[$0] }, rows.map { theirs[$0] })
        return values
    }
}
