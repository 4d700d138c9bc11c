import Foundation
import Synchronization
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("Trainings at the same time")
struct ConcurrentTrainingTests {
    /// What a training shows step by step, so that a difference names its place.
    private static func trace() throws -> [String] {
        let data = Support.dataset(count: 40)
        let model = try Support.model(layers: 3, seed: 5)
        let output = try withNoGrad {
            try model(
                data.packed(Array(0..<16)), ForwardOptions(features: FeatureSelection(hiddenStates: [0, 1])))
        }
        var trace = try [0, 1].map { "hidden state \($0): \(try output.hiddenState($0).bytes().hashValue)" }
        let teacher = try Support.logits(model, data)
        trace.append("teacher: \(teacher.values.hashValue)")
        let trainer = try Support.trainer(Support.model(seed: 3), data, teacher: teacher) {
            $0.numTrainEpochs = 2
        }
        while try trainer.advance() != nil {
            let weights = try Support.bytes(trainer.model)
            trace.append("step \(trainer.step): \(weights.hashValue)")
        }
        return trace
    }

    @Test("the first trainings of a process, all at once, are equal")
    func atOnce() async {
        // In a process of its own, where nothing has been computed before, by kernels that nothing measures first.
        await #expect(processExitsWith: .success) {
            let traces = Mutex<[[String]]>([])
            DispatchQueue.concurrentPerform(iterations: 4) { _ in
                guard let trace = try? ConcurrentTrainingTests.trace() else { return }
                traces.withLock { $0.append(trace) }
            }
            let all = traces.withLock { $0 }
            #expect(all.count == 4)
            for (place, expected) in (all.first ?? []).enumerated() {
                #expect(all.allSatisfy { $0[place] == expected }, "\(expected)")
            }
        }
    }
}
