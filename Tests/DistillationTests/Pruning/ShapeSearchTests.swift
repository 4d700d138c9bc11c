import Foundation
import TestSupport
import Testing
import Transformers

@testable import Deployment
@testable import Distillation

@Suite("The search for a shape within a budget")
struct ShapeSearchTests {
    /// A budget whose answer is given.
    private struct Budget: ShapeBudget {
        let answer: @Sendable (ModelShape) throws -> Bool

        func holds(_ shape: ModelShape) throws -> Bool { try answer(shape) }
        func impossible() -> DistillationError { DistillationError("impossible") }
    }

    private func search(
        _ model: TransformerModel, trial: @escaping (ModelShape) throws -> PruneReport.Trial,
        holds: @escaping @Sendable (ModelShape) throws -> Bool
    ) throws -> [PruneReport.Trial] {
        try ShapeSearch(model: model, budget: Budget(answer: holds), sizes: PrunedSizes(), trial: trial)
            .run()
    }

    private func trial(_ shape: ModelShape) -> PruneReport.Trial {
        PruneReport.Trial(
            shape: shape, parameters: shape.layers, distance: -Double(shape.layers), agreement: 1)
    }

    @Test("finds no shape where none is small enough; any error is another matter")
    func noShape() throws {
        try withTemporaryDirectory { folder in
            let model = try AutoModel.load(from: TinyLanguageModel(in: folder).directory).model
            #expect(try search(model, trial: trial) { _ in false }.isEmpty)
            let found = try search(model, trial: trial) { $0.layers <= 2 }
            #expect(found.first?.shape.layers == 2)
            let failure = DistillationError("the texts are gone")
            #expect(throws: failure) { try search(model, trial: trial) { _ in throw failure } }
            #expect(throws: failure) {
                try search(model, trial: { _ in throw failure }, holds: { $0.layers <= 2 })
            }
        }
    }

    @Test(
        "the target for a time is written as the option takes it",
        arguments: [
            (.fraction(0.5), "0.5"), (.fraction(1e-6), "1e-06"), (.milliseconds(12), "12ms"),
            (.milliseconds(0.25), "0.25ms"), (.milliseconds(1e300), "1e+300ms"),
        ] as [(LatencyTarget, String)])
    func target(_ target: LatencyTarget, _ text: String) {
        #expect(target.description == text)
    }
}
