import Distillation
import Foundation
import Tokenizers
import Torch
import Transformers

/// Workloads of a device: many steps are started, and the device is waited for at the end, as training does.
enum DeviceWorkloads {
    /// The recipe's step on a batch of random tokens, as ``Workloads`` has it for the CPU: the teacher's forward pass
    /// (but for `cached_teacher`), the student's forward and backward pass, clipping and AdamW.
    ///
    /// A round is answered with the seconds of one step.
    static func step(_ request: Request) throws -> Workload {
        let device = try Device(request.string("device"))
        let precision = try request.precision()
        let (teacher, _) = try AutoModel.load(from: request.url("teacher"), device: device)
        let (student, _) = try AutoModel.load(from: request.url("student"), seed: 1, device: device)
        try teacher.parameters.freeze()
        let (batch, length) = (try request.int("batch"), try request.int("length"))
        let input = PackedInput(
            inputIDs: (0..<batch * length).map { Int32(1000 + ($0 &* 7919) % 20000) },
            offsets: (0...batch).map { $0 * length })
        let loss = try ObjectiveSum.recipe(student.configuration)
        let optimizer = try AdamW(
            student.parameters, weightDecay: 0.01, sparseTables: student.sparseTables(precision))
        let dropout = DropoutState(seed: 1)
        let cached = request.flag("cached_teacher")
        func teach() throws -> Tensor {
            try withNoGrad { try teacher(input, ForwardOptions(precision: precision)).logits }
        }
        let fixed = try cached ? teach() : nil
        func run() throws {
            let target = try fixed ?? teach()
            try optimizer.clearGradients()
            try optimizer.prepare(rows: input.inputIDs)
            let logits = try student(input, ForwardOptions(precision: precision, dropout: dropout)).logits
            let terms = try loss(
                ObjectiveBatch(
                    student: ModelOutput(logits: logits), teacherLogits: target,
                    labels: BatchLabels(classes: (0..<batch).map { $0 % 2 }, device: device),
                    offsets: input.offsets))
            try terms.total.backward()
            try optimizer.update(after: terms.total, learningRate: 2e-5)
        }
        return try timed(request, device, run)
    }

    /// Many texts, from text to labels.
    static func bulk(_ request: Request) throws -> Workload {
        let device = try Device(request.string("device"))
        let predictor = try Predictor(
            model: request.url("model"), maxLength: request.int("max_length"), device: device,
            precision: request.precision())
        predictor.batchSize = try request.int("batch")
        let inputs = try Workloads.lines(request.url("texts")).map { TextPair($0) }
        _ = try predictor.predict(inputs)
        return { time in
            try Runtime.resetPeakMemory(of: device)
            try time { _ = try predictor.predict(inputs) }
        }
    }

    /// First `warmup` steps; then a round: steps for `lead_seconds`, so that the device runs at its clock, then `steps` that are
    /// timed together.
    static func timed(
        _ request: Request, _ device: Device, _ run: @escaping () throws -> Void
    ) throws -> Workload {
        let (steps, lead) = (try request.int("steps"), (try? request.double("lead_seconds")) ?? 0)
        for _ in 0..<(try request.int("warmup")) { try run() }
        // The memory that steps take, without what loading and the first steps have left.
        try Runtime.synchronize(device)
        try Runtime.emptyCache(of: device)
        try Runtime.resetPeakMemory(of: device)
        for _ in 0..<2 { try run() }
        try Runtime.synchronize(device)
        return { time in
            let clock = ContinuousClock()
            let start = clock.now
            while clock.now - start < .seconds(lead) { try run() }
            try Runtime.synchronize(device)
            try time {
                for _ in 0..<steps { try run() }
                try Runtime.synchronize(device)
            }
        }
    }
}

extension AdamW {
    /// Clips the gradients and updates the parameters as training does: without waiting for a device other than the CPU.
    func update(after loss: Tensor, learningRate: Double) throws {
        if loss.device.kind == .cpu {
            if try clipGradients(maxNorm: 1).isFinite { try step(learningRate: learningRate) }
        } else {
            _ = try stepWithoutWaiting(learningRate: learningRate, maxNorm: 1, losses: [loss.detached()])
        }
    }
}
