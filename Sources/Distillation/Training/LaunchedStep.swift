import Torch
import Transformers

/// An optimizer step whose results may still be on the device.
struct LaunchedStep {
    /// A micro-batch after its forward and backward pass.
    struct MicroBatch {
        let batch: Batch
        /// The fraction of the step that each term counts for, by name.
        let fractions: [String: Double]
        /// The micro-batch's part of the step's loss: a scalar, detached.
        let total: Tensor
        /// The unweighted loss of each term.
        let terms: [(name: String, loss: Tensor)]
        /// The student's logits (B, C), detached; of a language model what is told of each token.
        let student: Tensor
        let teacher: Tensor?

        /// The teacher's outputs where statistics compare them: those of a language model have been compared on the device.
        var comparedTeacher: Tensor? { batch.targets.task.definition.predictsTokens ? nil : teacher }
    }

    /// The gradients' norm before clipping.
    enum Norm {
        case number(Double)
        case tensor(Tensor)
    }

    /// The step, counted from 0.
    let number: Int
    /// Its epoch, counted from 0.
    let epoch: Int
    let microBatches: [MicroBatch]
    let gradNorm: Norm
    let learningRate: Double
    /// The loss of the whole step and its terms, where several processes computed it.
    var whole: NamedValues?

    /// The number of examples, of all processes.
    var examples: Int { microBatches.reduce(0) { $0 + $1.batch.examplesOfAll } }
    /// The number that this process computed.
    var ownExamples: Int { microBatches.reduce(0) { $0 + $1.batch.countedExamples } }
}

extension Trainer {
    /// Reads the results of steps, in their order. Waits for the device, once for each kind of value.
    ///
    /// - Throws: ``NonFiniteLossError`` for the first step whose loss or gradients are not finite. The weights are those
    ///   before that step.
    func read(_ steps: [LaunchedStep]) throws -> [StepResult] {
        var scalars = try ValueReader(
            steps.flatMap { step in
                step.microBatches.flatMap { [$0.total] + $0.terms.map(\.loss) } + step.gradNorm.tensors
            })
        var students = try ValueReader(steps.flatMap { $0.microBatches.map(\.student) })
        var teachers = try ValueReader(steps.flatMap { $0.microBatches.compactMap(\.comparedTeacher) })
        return try steps.map { step in
            var stepSums = MetricSums()
            var (total, means) = (0.0, NamedValues())
            for microBatch in step.microBatches {
                let loss = Double(scalars.next(1)[0])
                var terms = NamedValues()
                for (name, _) in microBatch.terms { terms[name] = Double(scalars.next(1)[0]) }
                try requireFinite(loss: loss, microBatch, terms, step.number, step.epoch)
                total += loss
                for (name, value) in terms {
                    means[name] = (means[name] ?? 0) + (microBatch.fractions[name] ?? 1) * value
                }
                let classes = try microBatch.student.size(1)
                let own = Logits(values: students.next(microBatch.student.count), classes: classes)
                let theirs = try microBatch.comparedTeacher.map {
                    Logits(values: teachers.next($0.count), classes: try $0.size(1))
                }
                // What is measured is how well the data are predicted.
                guard microBatch.batch.countedExamples > 0, !microBatch.batch.isStudentText else { continue }
                microBatch.batch.targets.task.definition.add(
                    microBatch.batch.targets, student: own, teacher: theirs, to: &stepSums.statistics)
            }
            stepSums.add(means, total: total, count: step.ownExamples, of: step.examples)
            let norm: Double =
                switch step.gradNorm {
                case .number(let norm): norm
                case .tensor: Double(scalars.next(1)[0])
                }
            guard norm.isFinite else {
                throw notFinite("the gradients' norm is \(norm)", step.number, step.epoch)
            }
            if let whole = step.whole {
                pending.append(stepSums)
                stepSums = MetricSums(step: whole, examples: step.examples)
            } else {
                sums.merge(stepSums)
            }
            return StepResult(
                examples: step.examples, sums: stepSums, gradNorm: norm, learningRate: step.learningRate)
        }
    }
}

extension LaunchedStep.Norm {
    fileprivate var tensors: [Tensor] {
        if case .tensor(let tensor) = self { return [tensor] }
        return []
    }
}

/// A reader of the elements of many small tensors, copied from their device at once.
private struct ValueReader {
    private let values: [Float]
    private var position = 0

    init(_ tensors: [Tensor]) throws {
        guard let first = tensors.first else {
            values = []
            return
        }
        if first.device.kind == .cpu {
            values = try tensors.flatMap { try $0.to(.float32).array() as [Float] }
        } else {
            let flat = try tensors.map { try $0.to(.float32).reshaped([-1]) }
            values = try Tensor.concatenated(flat, dimension: 0).array()
        }
    }

    mutating func next(_ count: Int) -> [Float] {
        defer { position += count }
        return Array(values[position..<position + count])
    }
}
