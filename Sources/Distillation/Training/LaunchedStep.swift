import Torch
import Transformers

/// An optimiser step whose results may still be on their way from a device.
struct LaunchedStep {
    /// One forward and backward pass.
    struct Pass {
        let batch: Batch
        /// What part of the step each term counts for.
        let fractions: [String: Double]
        /// Its part of the step's loss: a scalar, detached.
        let total: Tensor
        let terms: [(name: String, loss: Tensor)]
        /// (B, C)
        let student: Tensor
        let teacher: Tensor?
    }

    /// The gradients' norm before it was clipped.
    enum Norm {
        case number(Double)
        case tensor(Tensor)
    }

    /// The step, counted from 0.
    let number: Int
    /// Its epoch, counted from 0.
    let epoch: Int
    let passes: [Pass]
    let gradNorm: Norm
    let learningRate: Double

    var examples: Int { passes.reduce(0) { $0 + $1.batch.count } }
}

extension Trainer {
    /// What steps showed, in their order. Waits for the device, once for each kind of value.
    ///
    /// - Throws: ``NonFiniteLossError`` for the first step whose loss or gradients are not finite. The weights are those
    ///   before that step.
    func read(_ steps: [LaunchedStep]) throws -> [StepResult] {
        var scalars = try ValueReader(
            steps.flatMap { step in
                step.passes.flatMap { [$0.total] + $0.terms.map(\.loss) } + step.gradNorm.tensors
            })
        var students = try ValueReader(steps.flatMap { $0.passes.map(\.student) })
        var teachers = try ValueReader(steps.flatMap { $0.passes.compactMap(\.teacher) })
        return try steps.map { step in
            var stepSums = MetricSums()
            var (total, means) = (0.0, NamedValues())
            for pass in step.passes {
                let loss = Double(scalars.next(1)[0])
                var terms = NamedValues()
                for (name, _) in pass.terms { terms[name] = Double(scalars.next(1)[0]) }
                try requireFinite(loss: loss, pass, terms, step.number, step.epoch)
                total += loss
                for (name, value) in terms {
                    means[name] = (means[name] ?? 0) + (pass.fractions[name] ?? 1) * value
                }
                let classes = try pass.student.size(1)
                let own = Logits(values: students.next(pass.student.count), classes: classes)
                let theirs = pass.teacher.map { Logits(values: teachers.next($0.count), classes: classes) }
                pass.batch.targets.task.definition.add(
                    pass.batch.targets, student: own, teacher: theirs, to: &stepSums.statistics)
            }
            stepSums.add(means, total: total, count: step.examples)
            let norm: Double =
                switch step.gradNorm {
                case .number(let norm): norm
                case .tensor: Double(scalars.next(1)[0])
                }
            guard norm.isFinite else {
                throw notFinite("the gradients' norm is \(norm)", step.number, step.epoch)
            }
            sums.merge(stepSums)
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

/// The elements of many small tensors, brought from their device at once.
private struct ValueReader {
    private let values: [Float]
    private var place = 0

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
        defer { place += count }
        return Array(values[place..<place + count])
    }
}
