import Datasets
import Files
import Foundation
import RegularExpressions
import Safetensors
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation
@testable import Quantization

/// Taggers of words are trained, distilled, evaluated, quantized and asked, from data file to entity.
@Suite("Token classification from file to entity")
struct TokenTrainingTests {
    let scratch: URL
    private let tiny = Support.teacher

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-tags-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    /// Sentences whose films are two words, whose verdicts one; every fifth has a word without tokens.
    private static func sentences(_ count: Int) -> [(words: [String], tags: [String])] {
        let (titles, verdicts) = (
            ["great story", "good film", "dull plot", "bad acting"], ["brilliant", "boring"]
        )
        return (0..<count).map { index in
            let title = titles[index % 4].split(separator: " ").map(String.init)
            let verdict = verdicts[(index / 4) % 2]
            var words = ["the"] + title + ["was"] + (index % 3 == 0 ? ["a"] : []) + [verdict]
            var tags = ["O", "B-FILM", "I-FILM", "O"] + (index % 3 == 0 ? ["O"] : []) + ["B-VERDICT"]
            if index % 5 == 0 {
                words.insert("\u{200B}", at: 1)
                tags.insert("O", at: 1)
            }
            return (words, tags)
        }
    }

    private func conll(_ name: String, _ count: Int, scheme: TagScheme = .iob2) throws -> URL {
        let text = Self.sentences(count).map { sentence in
            let tags = TagScheme.iob2.convert(sentence.tags, to: scheme)
            return zip(sentence.words, tags).map { "\($0) \($1)\n" }.joined() + "\n"
        }
        let url = scratch.appending(path: name)
        try Data(text.joined().utf8).write(to: url)
        return url
    }

    private func fineTune(_ data: URL, _ change: (inout FineTuneRequest) -> Void = { _ in }) throws
        -> RunReport
    {
        var request = FineTuneRequest(
            model: tiny, data: DataRequest(train: data), output: scratch.appending(path: "teacher"))
        request.training.numTrainEpochs = 12
        request.training.perDeviceTrainBatchSize = 8
        request.training.learningRate = 3e-3
        request.training.seed = Learning.seed
        request.precision = Learning.precision
        request.cache = Support.cache
        change(&request)
        return try FineTuningRun(request).run()
    }

    private func distil(
        _ data: URL, _ name: String = "student", _ change: (inout DistillRequest) -> Void = { _ in }
    ) throws -> RunReport {
        var request = DistillRequest(
            teacher: scratch.appending(path: "teacher"), data: DataRequest(train: data),
            output: scratch.appending(path: name))
        request.student.layers = 1
        request.student.hiddenSize = 32
        request.student.initialization = .teacherLayers
        request.training.numTrainEpochs = 12
        request.training.perDeviceTrainBatchSize = 8
        request.training.learningRate = 3e-3
        request.training.seed = Learning.seed
        request.precision = Learning.precision
        request.cache = Support.cache
        change(&request)
        return try DistillationRun(request).run()
    }

    @Test("a teacher and a student learn tags; the student is evaluated, quantized and finds entities")
    func whole() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let data = try conll("train.conll", 120)
        let teacher = try fineTune(data)
        // With a tag that no training sentence has.
        #expect(teacher.labels == ["B-FILM", "B-VERDICT", "I-FILM", "I-VERDICT", "O"])
        #expect(teacher.student.problemType == .tokenClassification)
        try Learning.expect("tags, teacher's F1", teacher.student.metrics[.f1], above: 0.9)
        #expect(teacher.student.f1?.map(\.label) == ["FILM", "VERDICT"])

        let report = try distil(data) { $0.baseline = true }
        try Learning.expect("tags, student's F1", report.student.metrics[.f1], above: 0.85)
        #expect(report.gain?.metric == .f1 && report.comparison?.kl != nil)
        let student = scratch.appending(path: "student")
        let configuration = try ModelConfiguration(contentsOf: student)
        #expect(configuration.task == .tokenClassification)
        let names = try SafetensorsCheckpoint(directory: student).names
        #expect(names.contains("classifier.weight") && !names.contains { $0.contains("pooler") })

        // The same examples in another scheme, which is told.
        var warnings: [String] = []
        var evaluate = EvaluateRequest(model: student, data: try conll("test.conll", 40, scheme: .iob1))
        (evaluate.teacher, evaluate.cache) = (scratch.appending(path: "teacher"), Support.cache)
        let evaluation = try EvaluationRun(evaluate).run(onEvent: {
            if case .warning(let text) = $0 { warnings.append(text) }
        })
        try Learning.expect("tags, F1 of the test data", evaluation.model.metrics[.f1], above: 0.85)
        try Learning.expect(
            "tags, agreement of entities", evaluation.model.metrics[.entityAgreement], above: 0.85)
        // The same tokens come from the cache for the teacher, and are told of again.
        #expect(warnings.contains { $0.contains("IOB1") && $0.contains("IOB2") })

        let int8 = scratch.appending(path: "int8")
        var request = QuantizeRequest(model: student, output: int8)
        request.method.smallestMatrix = 256
        request.data = data
        request.cache = Support.cache
        let quantized = try QuantizationRun(request).run()
        #expect((quantized.after.metrics[.f1] ?? 0) > (report.student.metrics[.f1] ?? 1) - 0.1)

        let predictor = try TokenPredictor(model: student, strategy: .first)
        let entities = try predictor.predict(["the good film was boring", "the dull plot was brilliant"])
        #expect(entities.map { $0.map(\.label) } == [["FILM", "VERDICT"], ["FILM", "VERDICT"]])
        #expect(entities[0][0].word == "good film" && (entities[0][0].start, entities[0][0].end) == (4, 13))
    }

    @Test("words without tokens keep their rows, and windows give each word one row")
    func rows() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let long = (0..<40).map { ["the", "good", "film", "was", "boring"][$0 % 5] }
        let chunk = WordChunk(
            words: [["the", "\u{200B}", "film"], long], tags: [[0, 1, 2], long.indices.map { $0 % 3 }],
            names: ["a", "b", "c"], error: { DatasetError("\($0) \($1)") })
        let tokenizer = try Tokenizer.load(directory: tiny)
        let encoded = try chunk.encode(tokenizer, maxLength: 16)
        let builder = TokenBuilder(tokenizer: tokenizer, maxLength: 16)
        builder.begin(.tokenClassification, ["a", "b", "c"])
        let dataset = builder.dataset(.memory(try builder.append(chunk)))
        #expect(encoded.offsets.count > 3 && dataset.count == encoded.offsets.count - 1)
        #expect(dataset.rowCount == 43 && builder.lostCount == 1)
        guard case .tags(let tags) = dataset.targets else { return #expect(Bool(false)) }
        #expect(tags.offsets == [0, 3, 43] && tags.classes == [0, 1, 2] + long.indices.map { $0 % 3 })
        #expect(dataset.sentences == [0..<1, 1..<dataset.count])
        // A word without tokens is in no batch.
        let batch = try Batch(dataset, indices: [0])
        #expect(batch.rows == [0, 2] && batch.labels == [0, 2] && batch.input.rows?.count == 2)
        #expect(dataset.emptyRows(["B-X", "O", "I-X"])[3...5] == [0, 30, 0])
        // The examples of a sentence stay together.
        let parts = try dataset.subset(0..<dataset.count).split(
            validationFraction: 0.5, seed: 1, source: "test")
        #expect([parts.train.count, parts.validation.count].sorted() == [1, dataset.count - 1])
    }

    @Test("trained at all tokens, those behind a word's first have the tag of a word within its entity")
    func allTokens() throws {
        let tokenizer = try Tokenizer.load(directory: tiny)
        let word = "brilliantly"
        let pieces = try tokenizer.encode(words: [word], addSpecialTokens: false).count
        try #require(pieces > 1)
        let names = ["O", "B-X", "I-X"]
        let chunk = WordChunk(
            words: [["the", word, "film"]], tags: [[0, 1, 0]], names: names,
            error: { DatasetError("\($0) \($1)") })
        let builder = TokenBuilder(tokenizer: tokenizer, maxLength: 32)
        builder.begin(.tokenClassification, names)
        let words = builder.dataset(.memory(try builder.append(chunk)))
        let all = words.byRows(.tokens)
        #expect(words.targets.classes == [0, 1, 0])
        #expect(all.targets.classes == [0, 1] + [Int](repeating: 2, count: pieces - 1) + [0])
        #expect(all.rowPositions(of: 0) == (1...Int32(pieces + 2)).map(\.self))
    }

    @Test("outputs of a teacher are cached by word; a run at all tokens takes them too")
    func cache() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let data = try conll("train.conll", 40)
        _ = try fineTune(data) { $0.training.numTrainEpochs = 1 }
        var cache = CacheOptions()
        cache.directory = scratch.appending(path: "cache")
        func notes(_ unit: RowUnit) throws -> [String] {
            var request = DistillRequest(
                teacher: scratch.appending(path: "teacher"), data: DataRequest(train: data),
                output: scratch.appending(path: "student"))
            (request.student.layers, request.overwrite, request.data.rowUnit) = (1, true, unit)
            (request.training.maxSteps, request.precision, request.cache) = (1, .float32, cache)
            var notes: [String] = []
            _ = try DistillationRun(request).run(onEvent: {
                if case .note(let text) = $0 { notes.append(text) }
            })
            return notes.filter { $0.contains("outputs came from the cache") }
        }
        let (first, second, third) = (try notes(.words), try notes(.words), try notes(.tokens))
        #expect(first.count == 1 && second.count == 1 && third.count == 1)
        #expect(second[0].hasSuffix("0 were computed."), "\(second)")
        #expect(first[0] != second[0])
    }

    @Test("entities of BILOU count as those of IOB2, and a sentence's counts add up to the F1")
    func schemes() throws {
        let words: [(iob2: [String], bilou: [String])] = [
            (["B-PER", "I-PER", "B-PER", "I-PER", "O"], ["B-PER", "L-PER", "B-PER", "L-PER", "O"]),
            (["B-LOC", "B-LOC", "O"], ["U-LOC", "U-LOC", "O"]),
        ]
        func targets(_ tags: [[String]], _ names: [String]) -> Targets {
            .tags(
                WordTags(
                    classes: tags.joined().map { names.firstIndex(of: $0) ?? 0 }, names: names,
                    offsets: tags.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }))
        }
        func logits(_ classes: [Int], _ names: [String]) -> Logits {
            Logits(
                values: classes.flatMap { label in names.indices.map { $0 == label ? 5 : Float(0) } },
                classes: names.count)
        }
        let task = TokenClassificationTask()
        for tags in [words.map(\.iob2), words.map(\.bilou)] {
            let names = Set(tags.joined()).sorted()
            let wanted = targets(tags, names)
            #expect(task.countedExamples(wanted) == 4)
            #expect(task.primaryValue(logits(wanted.classes, names), wanted) == 1)
            // Of the four entities the third is missed.
            var classes = wanted.classes
            classes[5] = try #require(names.firstIndex(of: "O"))
            let counts = try #require(task.exampleCounts(logits(classes, names), wanted))
            #expect(
                counts == [
                    F1Counts(found: 2, predicted: 2, actual: 2), F1Counts(found: 1, predicted: 1, actual: 2),
                ])
            #expect(abs(task.primaryValue(logits(classes, names), wanted) - 6.0 / 7) < 1e-12)
        }
    }

    @Test("bad data is refused by file and line")
    func refusals() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        _ = try fineTune(conll("train.conll", 24)) { $0.training.numTrainEpochs = 1 }
        let other = scratch.appending(path: "other.conll")
        try Data("the O\nfilm B-PLACE\n\n".utf8).write(to: other)
        let error = #expect(throws: DatasetError.self) {
            try EvaluationRun(EvaluateRequest(model: scratch.appending(path: "teacher"), data: other)).run()
        }
        #expect(
            error?.description.contains("other.conll, line 1: unknown tag 'B-PLACE'") == true,
            "\(error as Any)")
        let predictor = #expect(throws: DistillationError.self) { try TokenPredictor(model: tiny) }
        #expect(predictor?.description.contains("not for token classification") == true)
    }
}
