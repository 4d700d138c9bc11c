import Datasets
import Files
import Foundation
import JSON
import RegularExpressions
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Deployment
@testable import Distillation

/// Tokens counted over files, and models with the tokens that are left.
@Suite("Vocabulary usage")
final class VocabularyUsageTests {
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "usage-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    private func write(_ text: String, _ name: String) throws -> URL {
        let url = directory.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url
    }

    @Test("counts over files of all formats, with and without labels, are those of the texts")
    func counts() throws {
        let tokenizer = try Tokenizer.load(directory: Support.teacher)
        let csv = try write(
            "text,label\nthe awful script,negative\n\"the, camera\",positive\n", "a.csv")
        let lines = try write(
            "{\"text\": \"the script\"}\n{\"text\": \"unheard of\"}\n", "b.jsonl")
        let counts = try VocabularyUsage().counts([csv, lines], tokenizer: tokenizer)
        var expected = TokenCounts()
        expected.add(
            try tokenizer.encodeFlat(batch: ["the awful script", "the, camera", "the script", "unheard of"]))
        #expect(counts == expected && counts.texts == 4)
        let short = try VocabularyUsage(maxLength: 3).counts([csv, lines], tokenizer: tokenizer)
        #expect(short.total == 12)
        #expect(throws: DatasetError.self) {
            try VocabularyUsage().counts([write("text\n", "c.csv")], tokenizer: tokenizer)
        }
    }

    @Test("a trimmed model's logits are the original's, bit for bit, on text that stays inside")
    func logits() throws {
        let original = try LoadedModel(Support.teacher)
        let trimmer = try VocabularyTrimmer(directory: Support.teacher)
        let data = try write(
            "text\nthe awful script\n! delightful story\n\", warm camera\"\n", "some.csv")
        let usage = VocabularyUsage()
        let used = try usage.counts([data], tokenizer: trimmer.tokenizer)
        let vocabulary = try trimmer.plan(
            used: used, keeping: TrimmedVocabulary.ids(in: original.model.configuration))
        let model = try vocabulary.apply(to: original.model)
        #expect(model.configuration.vocabSize == vocabulary.count && vocabulary.count < 198)
        let output = directory.appending(path: "trimmed")
        try ModelWriter.save(model, to: output)
        try vocabulary.write(to: output)
        let trimmed = try LoadedModel(output)
        #expect(trimmed.model.configuration.padTokenId == Int(trimmed.tokenizer.padTokenID ?? -1))

        func logits(_ classifier: LoadedModel, _ file: URL) throws -> [UInt32] {
            let texts = try TextStream(file, options: usage.options).rows(1000).map { TextPair($0.text) }
            let data = try EncodedDataset(texts, tokenizer: classifier.tokenizer, maxLength: 64)
            return try #require(try Inference.logits(classifier.model, data, batchSize: 8)).values.map(
                \.bitPattern)
        }
        #expect(try logits(trimmed, data) == logits(original, data))
        let effect = try usage.effect(
            on: [data], original: original.tokenizer, trimmed: trimmed.tokenizer, vocabulary: vocabulary)
        #expect(effect.texts == 3 && effect.changedTexts == 0 && effect.before == effect.after)
        let others = try usage.effect(
            on: [Support.reviews], original: original.tokenizer, trimmed: trimmed.tokenizer,
            vocabulary: vocabulary)
        #expect(others.texts == 120 && others.changedTexts > 0 && others.after.tokens >= others.before.tokens)
    }

    @Test("a vocabulary of another model, and one that lacks the padding, are refused")
    func refusals() throws {
        let trimmer = try VocabularyTrimmer(directory: Support.teacher)
        var used = TokenCounts()
        used.add(150, 1)
        used.add(197, 1)
        let vocabulary = try trimmer.plan(used: used)
        let small = try Support.model()
        let error = #expect(throws: DistillationError.self) { try vocabulary.apply(to: small) }
        #expect(error?.description.contains("vocab_size is 60") == true)
        var configuration = try Support.configuration()
        configuration.vocabSize = 198
        configuration.padTokenId = 149
        let refusal = #expect(throws: DistillationError.self) { try vocabulary.configuration(configuration) }
        #expect(refusal?.description.contains("pad_token_id is 149") == true)
        #expect(TrimmedVocabulary.ids(in: configuration) == [149])
    }
}

/// The demo's reviews with a real model's vocabulary; without `.demo`, which `make demo` fills, this suite is skipped.
@Suite("Vocabulary usage of real data", .enabled(if: RealVocabulary.isPresent))
struct RealVocabularyUsageTests {
    @Test("trimmed to the training data: its tokens stay, and of the test data nothing becomes unknown")
    func reviews() throws {
        let trimmer = try VocabularyTrimmer(directory: RealVocabulary.model)
        let usage = VocabularyUsage()
        let train = RealVocabulary.movies.appending(path: "train.csv")
        let used = try usage.counts([train], tokenizer: trimmer.tokenizer)
        let vocabulary = try trimmer.plan(used: used)
        #expect(vocabulary.count < 15_000 && vocabulary.originalCount == 30_522)
        #expect(vocabulary.droppedUsedCount == 0 && vocabulary.unseenCharacterCount < 100)
        let folder = FileManager.default.temporaryDirectory.appending(path: "usage-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try vocabulary.write(to: folder)
        let trimmed = try Tokenizer.load(directory: folder)
        let inside = try usage.effect(
            on: [train], original: trimmer.tokenizer, trimmed: trimmed, vocabulary: vocabulary)
        #expect(inside.changedTexts == 0 && inside.before == inside.after && inside.texts > 8_000)
        let outside = try usage.effect(
            on: [RealVocabulary.movies.appending(path: "test.csv")], original: trimmer.tokenizer,
            trimmed: trimmed, vocabulary: vocabulary)
        #expect(
            outside.after.unknown == 0 && outside.changedTexts > 0 && outside.changedTexts < outside.texts / 2
        )
    }
}

private enum RealVocabulary {
    static let demo = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../.demo").standardizedFileURL
    static let model = demo.appending(path: "all-MiniLM-L6-v2")
    static let movies = demo.appending(path: "movies")

    static var isPresent: Bool {
        [model.appending(path: "tokenizer.json"), movies.appending(path: "train.csv")].allSatisfy {
            FileManager.default.fileExists(atPath: $0.path)
        }
    }
}
