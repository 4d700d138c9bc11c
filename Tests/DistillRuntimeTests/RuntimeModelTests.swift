import Architectures
import Files
import Foundation
import Safetensors
import TestSupport
import Testing
import Tokenizers

@testable import DistillRuntime

@Suite("Models of the runtime")
struct RuntimeModelTests {
    let texts = [
        "A film to remember.", "terrible",
        "It is a long, long, very long story that never ends and never begins.", "fine",
    ].map { TextPair($0) }

    /// A copy of the tiny model that a test may change.
    private func withCopy(_ body: (URL) throws -> Void) throws {
        try withTemporaryDirectory { folder in
            for name in try FileManager.default.contentsOfDirectory(atPath: tinyTeacher.path) {
                try FileManager.default.copyItem(
                    at: tinyTeacher.appending(path: name), to: folder.appending(path: name))
            }
            try body(folder)
        }
    }

    private func expectRefusal(_ directory: URL, _ parts: String...) {
        let error = #expect(throws: (any Error).self) { _ = try TextClassifier(directory.path) }
        let text = error.map { String(describing: $0) } ?? ""
        for part in parts { #expect(text.contains(part), "\(text)") }
        #expect(!text.contains("\n"))
    }

    @Test("predictions in the order of the texts, the same alone and together")
    func predictions() throws {
        let classifier = try TextClassifier(tinyTeacher.path)
        let together = try classifier.predict(texts)
        #expect(together.count == texts.count)
        #expect(try texts.map { try classifier.predict([$0])[0] } == together)
        for prediction in together {
            let scores = try #require(prediction.scores)
            #expect(scores.map(\.label) == classifier.model.labels)
            #expect(abs(scores.reduce(0) { $0 + $1.value } - 1) < 1e-12)
            #expect(prediction.score == scores.map(\.value).max())
        }
        #expect(try classifier.predict([TextPair]()).isEmpty)
    }

    @Test("async predictions are the same, many at once, and a cancelled task's are not made")
    func concurrency() async throws {
        let classifier = try TextClassifier(tinyTeacher.path)
        let expected = try classifier.predictions(texts).predictions
        try await withThrowingTaskGroup(of: [Prediction].self) { group in
            for _ in 0..<8 { group.addTask { [texts] in try await classifier.predict(texts) } }
            for try await predictions in group { #expect(predictions == expected) }
        }
        let task = Task { [texts] in
            while !Task.isCancelled { await Task.yield() }
            return try await classifier.predict(texts)
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("more texts than a batch holds keep their order")
    func manyTexts() throws {
        let classifier = try TextClassifier(tinyTeacher.path)
        let words = ["good", "bad", "film", "story", "a", "the", "never"]
        let many = (0..<1500).map { index in
            TextPair((0...index % 23).map { words[($0 * index + $0) % words.count] }.joined(separator: " "))
        }
        let together = try classifier.logits(many)
        let width = classifier.model.labels.count
        for index in stride(from: 0, to: many.count, by: 97) {
            #expect(
                try classifier.logits([many[index]]) == Array(together[index * width..<(index + 1) * width]))
        }
    }

    @Test("batches hold each text once, those of similar length together")
    func batches() {
        var generator = SeededGenerator(seed: 3)
        let lengths = (0..<400).map { _ in Int.random(in: 1...700, using: &generator) }
        for (threads, most) in [(1, 512), (2, 1024), (64, 8192)] {
            let batches = Array(TokenBatches(lengths: lengths, threads: threads))
            #expect(batches.flatMap(\.self).sorted() == Array(lengths.indices))
            #expect(batches.allSatisfy { $0.count == 1 || $0.reduce(0) { $0 + lengths[$1] } <= most })
            #expect(batches.flatMap { $0.map { lengths[$0] } } == lengths.sorted(by: >))
        }
        #expect(Array(TokenBatches(lengths: [9000, 1])) == [[0], [1]])
    }

    @Test("the length of the model's training counts, and never more than its positions")
    func maxLength() throws {
        try withCopy { folder in
            #expect(
                try RuntimeModel(folder.path, .init(maxLength: 1_000_000)).maxLength
                    == RuntimeModel(folder.path).configuration.maxLength)
            try Data(#"{"settings": {"max_length": 7}}"#.utf8).write(
                to: folder.appending(path: "distillation.json"))
            let model = try RuntimeModel(folder.path)
            #expect(model.maxLength == 7)
            let longer = try texts.filter { try model.tokenizer.encode($0.text).count > 7 }.count
            try #require(longer > 0)
            #expect(try TextClassifier(model).predictions(texts).cutCount == longer)
            #expect(throws: RuntimeError.self) { try RuntimeModel(folder.path, .init(maxLength: 2)) }
        }
    }

    @Test("damaged and missing files are errors that name them")
    func damaged() throws {
        expectRefusal(URL(filePath: "/nowhere/at/all"), "/nowhere/at/all")
        expectRefusal(URL(filePath: "/nowhere/model.gguf"), "a language model in GGUF")
        try withCopy { folder in
            let weights = folder.appending(path: "model.safetensors")
            let bytes = try Data(contentsOf: weights)
            try bytes.prefix(bytes.count / 2).write(to: weights)
            expectRefusal(folder, "model.safetensors")
            try FileManager.default.removeItem(at: weights)
            expectRefusal(folder, "model.safetensors")
            try Data().write(to: folder.appending(path: "model.onnx"))
            expectRefusal(folder, "holds an export (model.onnx)")
            try bytes.write(to: weights)
            #expect(throws: Never.self) { try TextClassifier(folder.path) }
            try FileManager.default.removeItem(at: folder.appending(path: "tokenizer.json"))
            try? FileManager.default.removeItem(at: folder.appending(path: "vocab.txt"))
            expectRefusal(folder, folder.lastPathComponent)
        }
    }

    @Test("a class with a head that is not read is an error that names it, whatever its weights are called")
    func unknownClass() throws {
        try withCopy { folder in
            let config = folder.appending(path: "config.json")
            let text = try String(contentsOf: config, encoding: .utf8)
            for name in ["BertForMultipleChoice", "BertForSentiment", "BertModel"] {
                let changed = text.replacing("BertForSequenceClassification", with: name)
                try #require(changed != text)
                try Data(changed.utf8).write(to: config)
                expectRefusal(
                    folder, "config.json", name, "BertForSequenceClassification", "distill finetune")
            }
            // Without a class the weights decide.
            let unnamed = text.replacing(#/"architectures": \[[^\]]*\],/#, with: "")
            try #require(unnamed != text)
            try Data(unnamed.utf8).write(to: config)
            #expect(
                try TextClassifier(folder.path).predict(texts)
                    == TextClassifier(tinyTeacher.path).predict(texts))
        }
    }

    @Test("weights that are not finite, or of another shape, are errors that name the tensor")
    func weights() throws {
        try withCopy { folder in
            let weights = folder.appending(path: "model.safetensors")
            let checkpoint = try SafetensorsCheckpoint(directory: folder)
            let name = try #require(checkpoint.names.first { $0.hasSuffix("output.dense.weight") })
            let info = try #require(checkpoint.info(name))
            var bytes = try Data(contentsOf: weights)
            let header = bytes.prefix(8).withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
            let start = 8 + header + info.byteRange.lowerBound
            withUnsafeBytes(of: Float.nan) { bytes.replaceSubrange(start..<start + 4, with: $0) }
            try bytes.write(to: weights)
            expectRefusal(folder, name, "not a number")
            withUnsafeBytes(of: Float(0)) { bytes.replaceSubrange(start..<start + 4, with: $0) }
            try bytes.write(to: weights)
            let config = folder.appending(path: "config.json")
            let text = try String(contentsOf: config, encoding: .utf8)
            let changed = text.replacing(#/"intermediate_size": \d+/#, with: #""intermediate_size": 96"#)
            try #require(changed != text)
            try Data(changed.utf8).write(to: config)
            expectRefusal(folder, "has the shape", "config.json")
        }
    }

    @Test("files that are not those whose digests were kept are errors that name them")
    func digests() throws {
        try withCopy { folder in
            let manifest = folder.appending(path: "quantization.json")
            let files = try ChecksumManifest.digests(of: folder)
            let entries = files.map { "\"\($0)\": \"\($1)\"" }.sorted().joined(separator: ", ")
            try Data(#"{"files": {\#(entries)}}"#.utf8).write(to: manifest)
            #expect(throws: Never.self) { try TextClassifier(folder.path) }
            let vocabulary = folder.appending(path: "vocab.txt")
            let text = try String(contentsOf: vocabulary, encoding: .utf8)
            try Data((text + "word\n").utf8).write(to: vocabulary)
            expectRefusal(folder, "vocab.txt", "has changed since the model was quantised")
            try FileManager.default.removeItem(at: vocabulary)
            expectRefusal(folder, "is missing, though quantization.json lists it")
            try Data(text.utf8).write(to: vocabulary)
            // The change is the reason for what else is wrong.
            try Data("{}".utf8).write(to: folder.appending(path: "tokenizer.json"))
            expectRefusal(folder, "tokenizer.json", "has changed since the model was quantised")
        }
    }

    @Test("a threshold outside of 0 to 1, and a tagger of a classifier's model, are refused")
    func misuse() throws {
        #expect(throws: RuntimeError.self) { try TextClassifier(tinyTeacher.path, threshold: 1) }
        let error = #expect(throws: RuntimeError.self) { try TokenTagger(tinyTeacher.path) }
        #expect(error?.description.contains("not for token classification") == true)
    }
}
