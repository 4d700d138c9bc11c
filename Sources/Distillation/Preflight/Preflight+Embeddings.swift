import Transformers

/// Checks of students for embeddings: what quietly makes them worse than they could be.
extension Preflight {
    /// Tells where student and teacher differ in the length and the width of their vectors, and what is done about it.
    func checkVectors(_ student: ModelConfiguration) {
        guard let own = student.embedding, let teacher = setup.teacherWidth else { return }
        guard !setup.teachesPairScores else {
            if setup.retrieval?.options.documents == .teacher {
                findings.add(
                    .error,
                    "--retrieval-documents teacher: the teacher scores pairs of texts and has no vectors of documents; leave it out"
                )
            }
            return
        }
        checkLengths(of: own)
        let (width, pooled) = (student.outputCount, own.pooledWidth(student.hiddenSize))
        if setup.retrieval?.options.documents == .teacher, width != teacher {
            findings.add(
                .error,
                "--retrieval-documents teacher: the student's queries have vectors of \(width) components, the teacher's documents of "
                    + "\(teacher); give the student its teacher's width (--projection keep, without --pca and --embedding-size)"
            )
        }
        if setup.request.student.usesPCA {
            findings.record(
                .note,
                "The teacher's vectors have \(teacher) components; their first \(width) principal components are taught (--pca)."
            )
        } else if width != teacher {
            findings.record(
                .note,
                "The student's vectors have \(width) components, the teacher's \(teacher): a matrix that is used in training alone leads from "
                    + "one to the other. The cosine to the teacher cannot be measured, so that without pairs with scores to validate on the last student is kept; queries "
                    + "and documents need one model's vectors."
            )
        } else if pooled != teacher {
            findings.record(
                .note,
                "The student's pooled states have \(pooled) components, the teacher's vectors \(teacher): a dense layer that stays in the "
                    + "student leads from one to the other (--projection drop uses it in training alone).")
        }
    }

    private func checkLengths(of student: SentenceTransformer) {
        let names = setup.request.plan(setup.problemType).flatMap(\.objectives).map(\.name)
        let lengths = names.filter { ["sentence_mse", "sentence_l2"].contains($0) }
        let list = Set(lengths).sorted().joined(separator: " and ")
        switch (setup.teachersNormalize, student.normalizes) {
        case (true, false) where !lengths.isEmpty:
            findings.record(
                .warning,
                "The teacher's vectors are divided by their length, the student's are not: \(list) then teaches lengths before directions. "
                    + "Add a Normalize module to the student's modules.json, or use sentence_cosine.")
        case (true, false):
            findings.record(
                .note,
                "The teacher's vectors are divided by their length, the student's are not: compare the student's by the cosine, not by the "
                    + "dot product, or add a Normalize module to its modules.json.")
        case (false, true) where !lengths.isEmpty:
            findings.record(
                .warning,
                "The student's vectors are divided by their length, the teacher's are not: \(list) cannot become small. Use sentence_cosine, "
                    + "or take the Normalize module out of the student's modules.json.")
        default: break
        }
    }

    /// What cut texts lose, as the end of a message; empty for other models.
    ///
    /// - Parameter lengths: The tokens of all training texts.
    func lost(_ lengths: [Int]) -> String {
        guard setup.problemType.definition.embedsTexts else { return "" }
        let all = lengths.reduce(0, +)
        let lost = lengths.reduce(0) { $0 + max(0, $1 - setup.data.maxLength) }
        return " \(lost) of all \(all) tokens (\(percent(lost, of: all))) are not read."
    }

    private func percent(_ part: Int, of all: Int) -> String {
        let tenths = (1000 * part + all / 2) / max(1, all)
        return "\(tenths / 10).\(tenths % 10) %"
    }
}
