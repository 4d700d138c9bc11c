import Torch

extension ProjectionFit {
    /// Fits the head's layers: to the outputs of the dense layer that the classifier reads most, and to the logits.
    func fitHead() throws {
        let last = teacher.configuration.numHiddenLayers
        var rows = try passages.map { passage in
            (
                student: try read(passage.student, passage),
                teacher: try read(passage.packed(passage.teacher[last]), passage)
            )
        }
        if let own = student.head as? EmbeddingHead { return try fit(own, to: rows) }
        let logits = try rows.map { try teacher.head($0.teacher, nil) }
        let classifier: Linear
        switch (student.head, teacher.head) {
        case (let own as TokenClassificationHead, is TokenClassificationHead): classifier = own.classifier
        case (let own as SequenceClassificationHead, let theirs as SequenceClassificationHead):
            classifier = own.classifier
            let scores = try theirs.dense.weight.norm(1) * theirs.classifier.weight.norm(0)
            let kept = try Tensor(
                largest(student.configuration.hiddenSize, of: scores.array(of: Double.self)),
                device: teacher.device)
            try fit(
                own.dense,
                rows.map { ($0.student, try theirs.dense($0.teacher).indexSelect(dimension: 1, kept)) },
                ridge: headRidge)
            rows = try rows.map { (try own.activation(own.dense($0.student)), $0.teacher) }
        default: throw TransformersError("the student's head is of another kind than its teacher's")
        }
        try fit(
            classifier, zip(rows, logits).map { ($0.student, $1) }, ridge: headRidge)
    }

    /// Fits the first dense layer behind a pooling to the teacher's vectors; without one there is nothing to fit.
    private func fit(_ own: EmbeddingHead, to rows: [(student: Tensor, teacher: Tensor)]) throws {
        guard case .dense(let layer, let activation)? = own.stages.first, activation == nil,
            layer.weight.shape[0] == teacher.configuration.outputCount
        else { return }
        try fit(layer, rows.map { ($0.student, try teacher.head($0.teacher, nil)) }, ridge: headRidge)
    }

    /// The rows that the head reads of all tokens' (T, W).
    private func read(_ hidden: Tensor, _ passage: Passage) throws -> Tensor {
        if teacher.head.rows == .tokens { return try passage.input.selected(of: hidden) }
        if case .pooled(let modes) = teacher.head.rows {
            return try hidden.pooled(modes, offsets: passage.input.offsets)
        }
        let first = try Tensor(Array(passage.input.offsets.dropLast()), device: teacher.device)
        return try hidden.indexSelect(dimension: 0, first)
    }
}
