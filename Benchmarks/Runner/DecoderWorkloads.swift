import Foundation
import Torch
import Transformers

/// Language models on texts of random tokens, as many and as long as the request says.
enum DecoderWorkloads {
    private static func input(_ request: Request, vocabulary: Int) throws -> PackedInput {
        let (batch, length) = (try request.int("batch"), try request.int("length"))
        return PackedInput(
            inputIDs: (0..<batch * length).map { Int32(($0 &* 7919 &+ 17) % vocabulary) },
            offsets: (0...batch).map { $0 * length })
    }

    /// The hidden states and the logits of each text's last token, as generation needs them of a prompt.
    static func forward(_ request: Request) throws -> Workload {
        let precision = try request.precision()
        let (model, _) = try AutoModel.load(from: request.url("model"))
        try model.parameters.freeze()
        var input = try input(request, vocabulary: model.configuration.vocabSize)
        input.rows = input.offsets.dropFirst().map { $0 - 1 }
        return { time in
            try time {
                let _: [Float] = try withNoGrad {
                    try model(input, ForwardOptions(precision: precision)).logits.array()
                }
            }
        }
    }

    /// The cross-entropy of every next token: forward pass, backward pass and AdamW update.
    static func step(_ request: Request) throws -> Workload {
        let precision = try request.precision()
        let (model, _) = try AutoModel.load(from: request.url("model"))
        let (input, targets) = try input(request, vocabulary: model.configuration.vocabSize)
            .predictingNext(on: .cpu)
        let optimizer = try AdamW(model.parameters, weightDecay: 0.01, sparseTables: [])
        return { time in
            try time {
                try optimizer.clearGradients()
                let logits = try model(input, ForwardOptions(precision: precision)).logits
                try logits.to(.float32).crossEntropy(targets).backward()
                try optimizer.step(learningRate: 1e-5)
            }
        }
    }
}

extension DecoderWorkloads {
    /// A step of a language model's distillation on a device: the teacher's forward pass (but for `cached_teacher`, where its last
    /// hidden states are kept), the student's forward pass, 0.7 · KL + 0.3 · cross-entropy of every next token, the backward pass,
    /// clipping and AdamW.
    ///
    /// A round is answered with the seconds of one step.
    static func distillationStep(_ request: Request) throws -> Workload {
        let device = try Device(request.string("device"))
        let precision = try request.precision()
        let (teacher, _) = try AutoModel.load(from: request.url("teacher"), device: device)
        let (student, _) = try AutoModel.load(from: request.url("student"), device: device)
        try teacher.parameters.freeze()
        guard let weight = student.outputWeight, let taught = teacher.outputWeight else {
            throw RunnerError("the teacher and the student must be language models")
        }
        let (input, targets) = try input(request, vocabulary: student.configuration.vocabSize)
            .predictingNext(on: device)
        let dtype = precision.resolved(on: device).dtype
        let optimizer = try AdamW(student.parameters, weightDecay: 0.01, sparseTables: [])
        var options = ForwardOptions(precision: precision)
        options.stopsBeforeHead = true
        func teach() throws -> Tensor { try withNoGrad { try teacher(input, options).rows.to(dtype) } }
        let kept = try request.flag("cached_teacher") ? teach() : nil
        var isKnown = false
        return try DeviceWorkloads.timed(request, device) {
            let states = try kept ?? teach()
            try optimizer.clearGradients()
            let loss = try FusedLoss(
                student: .init(hidden: student(input, options).rows, weight: weight),
                teacher: .init(hidden: states, weight: taught), targets: targets,
                terms: [
                    LossTerm(.kl, weight: 0.7 / Double(targets.count)),
                    LossTerm(.crossEntropy, weight: 0.3 / Double(targets.count)),
                ], dtype: dtype
            ).loss
            if !isKnown {
                isKnown = true
                let first = try loss.item()
                Runner.facts.withLock { $0["first_loss"] = .number(first) }
            }
            try loss.backward()
            try optimizer.update(after: loss, learningRate: 2e-5)
        }
    }
}

extension PackedInput {
    /// The texts with the rows of all tokens that have a next one, and these next tokens.
    func predictingNext(on device: Device) throws -> (input: PackedInput, targets: Tensor) {
        let rows = (0..<count).flatMap { Array(offsets[$0]..<offsets[$0 + 1] - 1) }
        var input = self
        input.rows = rows
        return (input, try Tensor(rows.map { Int64(inputIDs[$0 + 1]) }, device: device))
    }
}
