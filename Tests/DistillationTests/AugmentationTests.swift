import Foundation
import RegularExpressions
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

@Suite("Augmentation")
struct AugmentationTests {
    private let teacher = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../InteropTests/Fixtures/tiny-teacher"
    ).standardizedFileURL

    private func example(_ tokens: [String], _ tokenizer: Tokenizer) throws -> EncodedExample {
        var example = EncodedExample()
        example.inputIDs = try tokens.map { try #require(tokenizer.tokenToID($0)) }
        example.tokenTypeIDs = tokens.map { _ in 0 }
        return example
    }

    @Test("whole words are masked or left out at about their rates; special tokens never")
    func rates() throws {
        let tokenizer = try Tokenizer.load(directory: teacher)
        let continuation = try #require(
            (0...tokenizer.largestTokenID).compactMap { tokenizer.idToToken($0) }.first { $0.hasPrefix("##") }
        )
        let words = ["[CLS]", "film", continuation, "a", "film", "a", "film", "a", "[SEP]"]
        let original = try example(words, tokenizer)
        let augmentation = try Augmentation(maskProbability: 0.2, wordDropout: 0.1).with(tokenizer)
        let seeded = augmentation.seeded(7, epoch: 0)
        let (mask, cls, sep) = (
            try #require(tokenizer.maskTokenID), original.inputIDs[0], try #require(original.inputIDs.last)
        )
        var (masked, kept, dropped, changes) = (0, 0, 0, 0)
        for index in 0..<2000 {
            var changed = original
            guard seeded.apply(to: &changed, index: index) else {
                #expect(changed == original)
                kept += 6
                continue
            }
            changes += 1
            #expect(changed.inputIDs.first == cls && changed.inputIDs.last == sep)
            #expect(changed.inputIDs.count == changed.tokenTypeIDs.count)
            let tokens = changed.inputIDs.map { tokenizer.idToToken($0) ?? "" }
            // A word's pieces go together.
            for (token, before) in zip(tokens.dropFirst(), tokens) where token == continuation {
                #expect(before == "film")
            }
            let own = changed.inputIDs.count { $0 == mask }
            let rest = tokens.count { ["film", "a"].contains($0) }
            masked += own
            kept += rest
            dropped += 6 - own - rest
        }
        let total = Double(masked + kept + dropped)
        #expect(total == 12_000 && changes > 1500)
        #expect(abs(Double(masked) / total - 0.2) < 0.02)
        #expect(abs(Double(dropped) / total - 0.1) < 0.02)
    }

    @Test("changes depend on seed, epoch and example alone; a share of examples stays as it is")
    func deterministic() throws {
        let tokenizer = try Tokenizer.load(directory: teacher)
        let original = try example(["[CLS]", "film", "a", "film", "a", "film", "a", "[SEP]"], tokenizer)
        func all(_ seed: UInt64, _ epoch: Int, share: Double = 1) throws -> [[Int32]] {
            let seeded = try Augmentation(maskProbability: 0.4, share: share).with(tokenizer)
                .seeded(seed, epoch: epoch)
            return (0..<200).map {
                var changed = original
                _ = seeded.apply(to: &changed, index: $0)
                return changed.inputIDs
            }
        }
        #expect(try all(1, 0) == all(1, 0))
        #expect(try all(1, 0) != all(1, 1))
        #expect(try all(1, 0) != all(2, 0))
        let untouched = try all(1, 0, share: 0.25).count { $0 == original.inputIDs }
        #expect(untouched > 120 && untouched < 180)
    }

    @Test("the teacher reads changed texts itself: what it says of them is not the cache's")
    func barredFromTheCache() throws {
        let classifier = try LoadedModel(teacher)
        let data = try EncodedDataset(
            [TextPair("a brilliant lovely film"), TextPair("a dull awful film")],
            tokenizer: classifier.tokenizer, maxLength: 24)
        let cached = Logits(values: [100, -100, 100, -100], classes: 2)
        let signals = TeacherSupervision(logits: cached, model: classifier.model)
        let plain = try signals.outputs(
            for: Batch(data, indices: [0, 1]), ObjectiveNeeds(teacherLogits: true), device: .cpu)
        #expect(try plain.logits.array() == cached.values && plain.outputs == nil)
        let seeded = try Augmentation(wordDropout: 0.9).with(classifier.tokenizer).seeded(3, epoch: 0)
        let batch = try Batch(data, indices: [0, 1], augmentation: seeded)
        #expect(batch.isAugmented && batch.input.inputIDs.count < data.lengths.reduce(0) { $0 + Int($1) })
        let live = try signals.outputs(
            for: batch, ObjectiveNeeds(teacherLogits: true), device: .cpu)
        let expected = try withNoGrad { try classifier.model(batch.input).logits }
        #expect(try live.logits.array(of: Float.self) == expected.array(of: Float.self))
    }

    @Test("settings out of range are refused by name")
    func refusals() throws {
        for make in [
            { try Augmentation(maskProbability: -0.1) }, { try Augmentation(wordDropout: 1.5) },
            { try Augmentation() }, { try Augmentation(maskProbability: 0.6, wordDropout: 0.4) },
            { try Augmentation(maskProbability: 0.1, share: 0) },
        ] as [() throws -> Augmentation] {
            let error = #expect(throws: DistillationError.self) { try make() }
            #expect(
                error?.description.contains("mask_probability") == true
                    || error?.description.contains("word_dropout") == true)
        }
    }
}
