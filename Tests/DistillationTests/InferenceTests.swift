import Testing
import Torch

@testable import Distillation
@testable import Transformers

@Suite("Batches and inference")
struct InferenceTests {
    private let twoExamples = EncodedDataset(
        inputIDs: [2, 7, 3, 2, 8, 9, 10, 3], tokenTypeIDs: [0, 0, 0, 0, 0, 1, 1, 1], offsets: [0, 3, 8],
        labels: [1, 0])

    @Test("a batch holds its examples one after another, without padding")
    func packing() throws {
        let batch = try Batch(twoExamples, indices: [1, 0])
        #expect(batch.input.inputIDs == [2, 8, 9, 10, 3, 2, 7, 3])
        #expect(batch.input.tokenTypeIDs == [0, 0, 1, 1, 1, 0, 0, 0])
        #expect(batch.input.offsets == [0, 5, 8])
        #expect(batch.labels == [0, 1])
        #expect(try Batch(twoExamples, indices: [0]).input.tokenTypeIDs == nil)
    }

    @Test("padded, it reaches to its longest example, with the mask 0 where there is padding")
    func padding() throws {
        let batch = try Batch(twoExamples, indices: [1, 0])
        let input = try ModelInput(batch.input, paddingID: 55, device: .cpu)
        #expect(try input.inputIDs.array() == [2, 8, 9, 10, 3, 2, 7, 3, 55, 55] as [Int])
        #expect(try input.attentionMask.array() == [1, 1, 1, 1, 1, 1, 1, 1, 0, 0] as [Int])
        #expect(try input.tokenTypeIDs?.array() == [0, 0, 1, 1, 1, 0, 0, 0, 0, 0] as [Int])
        #expect(input.inputIDs.shape == [2, 5])
    }

    @Test("logits come back in the data's order, whatever the batch size")
    func order() throws {
        let data = Support.dataset(count: 23)
        let model = try Support.model()
        let single = try #require(try Inference.logits(model, data, batchSize: 1))
        for batchSize in [2, 7, 64] {
            let batched = try #require(try Inference.logits(model, data, batchSize: batchSize))
            let error = zip(single.values, batched.values).map { abs($0 - $1) }.max() ?? 1
            #expect(error < 1e-5, "batch size \(batchSize)")
        }
        #expect(single.count == 23)
    }

    @Test("inference stops when asked to, and reports how far it is")
    func stop() throws {
        let data = Support.dataset(count: 23)
        var done: [Int] = []
        let result = try Inference.logits(
            Support.model(), data, batchSize: 5, onProgress: { done.append($0) },
            shouldStop: { done.count == 2 })
        #expect(result == nil)
        #expect(done == [5, 10])
    }

    @Test("predictions are the places of the largest logits, the first among equals")
    func predictions() {
        let logits = Logits(values: [0, 3, 1, 5, 5, 2, -3, -2, -1], classes: 3)
        #expect(logits.predictions == [1, 0, 2])
        #expect(Array(logits[1]) == [5, 5, 2])
    }
}

@Suite("Teacher assessment")
struct TeacherAssessmentTests {
    @Test("a teacher no better than the majority class is a warning")
    func poor() {
        let assessment = TeacherAssessment(predictions: [0, 0, 0, 0], labels: [0, 0, 0, 1])
        #expect(assessment.value == 0.75 && assessment.baseline == 0.75)
        #expect(assessment.warning?.contains("no better than always predicting the majority class") == true)
    }

    @Test("a better teacher is none")
    func good() {
        #expect(TeacherAssessment(predictions: [0, 0, 0, 1], labels: [0, 0, 0, 1]).warning == nil)
    }
}
