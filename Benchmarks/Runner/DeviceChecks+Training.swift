import Distillation
import Foundation
import Torch
import Transformers

extension DeviceChecks {
    /// A few steps with dropout; returns the weights.
    private func trained(steps: Int, breaking broken: Int? = nil) throws -> [[Float]] {
        let model = try Self.bert(layers: 2, heads: 4, on: device)
        let optimizer = try AdamW(
            model.parameters, weightDecay: 0.01, sparseTables: model.sparseTables(precision))
        let options = ForwardOptions(precision: precision, dropout: DropoutState(seed: 3))
        for step in 0..<steps {
            try optimizer.clearGradients()
            try optimizer.prepare(rows: Self.input.inputIDs)
            var loss = try model(Self.input, options).logits.crossEntropy(
                Tensor(Self.labels, device: device))
            if step == broken { loss = try loss * Double.nan }
            try loss.backward()
            try optimizer.update(after: loss, learningRate: 1e-2)
        }
        try optimizer.synchronize()
        return try model.parameters.entries.map { try $0.tensor.detached().to(.float32, .cpu).array() }
    }

    /// Returns the number of elements that differ.
    static func count(_ a: [[Float]], _ b: [[Float]]) -> Double {
        Double(zip(a, b).reduce(0) { $0 + zip($1.0, $1.1).count { $0.bitPattern != $1.bitPattern } })
    }

    func checkTraining() {
        check("training with dropout twice: numbers that differ", tolerance: 0) {
            try Self.count(trained(steps: 8), trained(steps: 8))
        }
        check("training changes the weights (1 where it does not)", tolerance: 0) {
            try Self.count(trained(steps: 1), trained(steps: 3)) > 100 ? 0 : 1
        }
    }

    /// The loss on one batch after some steps without dropout: the result of learning, not only of computation.
    private func learnedLoss(on device: Device, _ precision: Precision) throws -> Double {
        let model = try Self.bert(layers: 2, heads: 4, on: device, dropout: 0)
        let optimizer = try AdamW(
            model.parameters, weightDecay: 0.01, sparseTables: model.sparseTables(precision))
        let options = ForwardOptions(precision: precision, dropout: DropoutState(seed: 3))
        var last = Double.infinity
        for step in 0..<30 {
            try optimizer.clearGradients()
            try optimizer.prepare(rows: Self.input.inputIDs)
            let loss = try model(Self.input, options).logits.crossEntropy(
                Tensor(Self.labels, device: device))
            try loss.backward()
            try optimizer.update(after: loss, learningRate: 1e-3)
            if step == 29 { last = try loss.item() }
        }
        return last
    }

    func checkLearning() {
        check("the loss after 30 steps, against the CPU's in float32", tolerance: 0.02) {
            let (own, wanted) = (
                try learnedLoss(on: device, precision), try learnedLoss(on: .cpu, .float32)
            )
            return abs(own - wanted)
        }
        check("logits of a batch's shape later on, against the first", tolerance: 0.05) {
            let model = try Self.bert(layers: 3, heads: 4, on: device)
            let options = ForwardOptions(precision: precision)
            return try withNoGrad {
                let first: [Float] = try model(Self.input, options).logits.to(.float32, .cpu).array()
                var worst = 0.0
                for _ in 0..<3 {
                    let next: [Float] = try model(Self.input, options).logits.to(.float32, .cpu).array()
                    worst = max(worst, Self.difference(next, first))
                }
                return worst
            }
        }
    }

    func checkNonFinite() {
        check("after a loss that is no number nothing changes: numbers that differ", tolerance: 0) {
            let broken = try trained(steps: device.kind == .cpu ? 3 : 6, breaking: 2)
            return try Self.count(broken, trained(steps: 2))
        }
    }

    /// An allocation that no device can make is one error of one line.
    func checkOutOfMemory() {
        // Where memory is lent beyond what there is, the CPU's would be filled.
        guard device.kind != .cpu else { return }
        check("out of memory is told (1 where it is not)", tolerance: 0) {
            do {
                _ = try Tensor.zeros([1 << 22, 1 << 20], device: device)
                return 1
            } catch let error as TorchError {
                return error.kind == .outOfMemory && !"\(error)".contains("\n") ? 0 : 1
            }
        }
    }

    /// Checks that the memory held by the checks is free again.
    func checkMemory() {
        check("bytes of the device's memory still held", tolerance: 1_048_576) {
            try Runtime.synchronize(device)
            return Double(try Runtime.memory(of: device).now - kept)
        }
    }

    /// Steps, after which the libraries have what they keep.
    func warmUp() throws {
        _ = try trained(steps: 4)
        try Runtime.synchronize(device)
        kept = try Runtime.memory(of: device).now
    }
}
