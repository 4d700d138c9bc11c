import Torch

extension VocabularyObjective {
    /// The loss on logits of classes, mean over the rows: as the logits of a language model whose output layer is the identity, so
    /// that there is one implementation of each term.
    func lossOfClasses(_ batch: ObjectiveBatch) throws -> Tensor {
        let logits = batch.student.logits
        let (rows, classes) = (try logits.size(0), try logits.size(1))
        var identity = [Float](repeating: 0, count: classes * classes)
        for index in 0..<classes { identity[index * (classes + 1)] = 1 }
        let weight = try Tensor(identity, shape: [classes, classes], device: logits.device)
        let targets = try Tensor([Int](repeating: 0, count: rows), device: logits.device)
        return try FusedLoss(
            student: .init(hidden: logits.to(.float32), weight: weight),
            teacher: .init(hidden: batch.teacherLogits.detached().to(.float32), weight: weight),
            targets: targets, terms: [term(at: batch.progress)]
        ).loss / Double(rows)
    }
}
