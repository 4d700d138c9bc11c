import Datasets
import Files
import Foundation
import JSON
import RegularExpressions
import Testing
import Tokenizers
import Transformers

@testable import Distillation

@Suite("What is told of data before training")
struct DataNotesTests {
    let scratch: URL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-notes-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func write(_ text: String, _ name: String = "d.csv") throws -> URL {
        let url = scratch.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url
    }

    private func csv(_ labels: [String]) -> String {
        "text,label\n" + labels.enumerated().map { "film \($0.offset),\($0.element)\n" }.joined()
    }

    private func data(
        _ url: URL, teacher: [String]? = nil, type: TaskIdentifier? = nil, validation: URL? = nil,
        change: (inout DataRequest) -> Void = { _ in }
    ) throws -> RunData {
        var request = DataRequest(train: url, validation: validation)
        request.problemType = type
        change(&request)
        let loader = DatasetLoader(
            options: request.columns.options, tokenizer: try Tokenizer.load(directory: Support.teacher),
            tokenizerDirectory: Support.teacher, maxLength: 16, root: scratch.appending(path: "cache"),
            memo: DigestMemo(root: nil), warn: { _ in })
        return try RunData(
            request, labels: try teacher.map { try LabelMap(names: $0) }, problemType: type, loader: loader,
            seed: 1)
    }

    @Test("classes and how many examples they have, also where they are many; numbers by their range")
    func notes() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let few = try data(try write(csv((0..<40).map { ["0", "1", "1", "nan"][$0 % 4] })), validation: nil)
        #expect(few.labelNote == "Training texts by class: 0 9, 1 18, nan 9.")
        #expect(
            few.classCounts == [
                .init(label: "0", train: 9, validation: 1), .init(label: "1", train: 18, validation: 2),
                .init(label: "nan", train: 9, validation: 1),
            ])
        let warning = try #require(few.labelWarnings(areInferred: true).first)
        #expect(warning.contains("named 'nan'") && warning.contains("10 examples"))
        #expect(few.labelWarnings(areInferred: false).isEmpty)
        // Class i has 10 + i examples, and one in ten is held back.
        let many = (0..<15).flatMap { Array(repeating: String(format: "c%02d", $0), count: 10 + 10 * $0) }
        let note = try data(try write(csv(many), "m.csv")).labelNote
        #expect(
            note.hasPrefix("Training texts by class: c14 135, c13 126, ")
                && note.hasSuffix("c06 63, … (15 in all), the rarest c01 18, c00 9."), "\(note)")
        let numbers = try data(
            try write(csv((0..<20).map { "\(Double($0) / 4)" }), "n.csv"), type: .regression,
            validation: try write(csv(["1", "2"]), "v.csv"))
        #expect(numbers.labelNote == "20 training texts have labels from 0 to 4.75, with a mean of 2.375.")
        #expect(numbers.classCounts == nil)
    }

    @Test(
        "a class of a handful among many is doubted, and so are classes that nearly every example has of its own"
    )
    func doubts() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let rare = try data(
            try write(
                csv(Array(repeating: "a", count: 200) + Array(repeating: "b", count: 100) + ["typo", "typo"])),
            validation: try write(csv(["a", "b"]), "v.csv"))
        #expect(
            rare.labelWarnings(areInferred: true) == [
                "The class 'typo' has only 2 training examples: check that it is one."
            ])
        let own = try data(
            try write(csv((0..<60).map { "\($0).5" }), "o.csv"),
            validation: try write(csv(["0.5", "1.5"]), "v.csv"))
        #expect(
            own.labelWarnings(areInferred: true).first?.contains("60 classes for 60 training labels") == true)
        let plain = try data(try write(csv((0..<20).map { "\($0 % 2)" }), "p.csv"))
        #expect(plain.labelWarnings(areInferred: true).isEmpty)
    }

    @Test(
        "without labels and without validation data, what is missing is said; a missing column lists those there are"
    )
    func unlabelled() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let texts = try write("id,text\n" + (0..<20).map { "\($0),film \($0)\n" }.joined())
        func message(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return "not refused"
        }
        let alone = message { _ = try data(texts, teacher: ["bad", "good"], type: .singleLabel) }
        #expect(alone.contains("d.csv: no text has a label, so none can be held out"), "\(alone)")
        #expect(
            alone.contains("give labeled texts with --validation")
                && alone.contains("the columns are id, text"))
        let judged = try data(
            texts, teacher: ["bad", "good"], type: .singleLabel,
            validation: try write(csv(["good", "bad"]), "v.csv"))
        #expect(judged.train.count == 20 && judged.labelNote == "Training texts by class: bad 0, good 0.")
        let fine = message { _ = try data(texts) }
        #expect(
            fine.hasSuffix(
                "d.csv: there is no label column; the columns are id, text; name it with --label-column"),
            "\(fine)")
        let lines = try write("{\"id\": 1, \"text\": \"a\"}\n", "l.jsonl")
        #expect(message { _ = try data(lines) }.contains("the columns are id, text"))
        let other = message { _ = try data(try write(csv(["a", "b"]), "w.csv"), validation: texts) }
        #expect(other.contains("d.csv: there is no label column; the columns are id, text"), "\(other)")
    }

    @Test("indicators and class numbers keep apart in the cache; delimiter and quoting decide the file")
    func cache() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let rows = ["[1, 0, 0]", "[0, 0, 0]", "[1, 1, 0]", "[0, 0, 1]"]
        let url = try write(
            (0..<20).map { "{\"text\": \"film \($0)\", \"labels\": \(rows[$0 % 4])}\n" }.joined(), "d.jsonl")
        for _ in 0..<2 {
            let own = try data(url)
            #expect(own.problemType == .multiLabel && own.labels.count == 3)
            let sets = Set((0..<own.train.count).map { own.train.labelSet(of: $0) ?? [-1] })
            #expect(sets == [[0], [], [0, 1], [2]])
        }
        let bars = try write("text;label\n" + (0..<20).map { "\"film, \($0);\($0 % 2)\n" }.joined(), "b.csv")
        let first = try data(bars) {
            $0.columns.delimited = .init(delimiter: UInt8(ascii: ";"), quoting: .off)
        }
        #expect(first.train.count == 18)
        #expect(throws: DatasetError.self) {
            try data(bars) { $0.columns.delimited = .init(delimiter: UInt8(ascii: ";"), quoting: .rfc4180) }
        }
    }

    @Test("a regression's best checkpoint is the one of the largest R², not of the largest correlation")
    func bestOfRegression() throws {
        #expect(MetricName.defaultForBest(.regression) == .r2 && MetricName.ofTask(.regression) == .pearson)
        #expect(MetricName.defaultForBest(.singleLabel) == .accuracy)
        let labels: [Float] = [1, 2, 3, 4]
        // Far off but in perfect order, against near but not quite in order.
        func values(_ numbers: [Float]) throws -> MetricValues {
            try Evaluator.validation(Logits(values: numbers, classes: 1), targets: .values(labels))
        }
        let (far, near) = (try values([101, 102, 103, 104]), try values([1.1, 2.4, 2.2, 4.1]))
        #expect(try #require(far[.pearson]) > #require(near[.pearson]) && #require(far[.r2]) < -1000)
        #expect(near.isBetter(.defaultForBest(.regression), than: try #require(far[.r2])))
        let teacher = TeacherAssessment(
            Logits(values: [101, 102, 103, 104], classes: 1), targets: .values(labels))
        #expect(teacher.warning?.contains("further off than their mean") == true)
        #expect(
            TeacherAssessment(Logits(values: labels, classes: 1), targets: .values(labels)).warning == nil)
    }

    @Test("metrics of many classes take time and memory by their number, not its square")
    func manyClasses() {
        let count = 50_000
        let labels = (0..<count).map { $0 }
        let clock = ContinuousClock()
        let time = clock.measure {
            let metrics = ClassificationMetrics(
                predictions: labels.map { $0 / 2 * 2 }, labels: labels, classCount: count)
            #expect(metrics.accuracy == 0.5 && metrics.confusionMatrix.isEmpty)
            // Half of the classes have precision 1/2 and recall 1, the others 0.
            #expect(abs(metrics.macroF1 - 1.0 / 3) < 1e-9)
            #expect(metrics.matthewsCorrelation > 0.4)
        }
        #expect(time < .seconds(20))
    }

    @Test("a note for training alone is told of data that are trained on, read or from the cache")
    func purpose() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        // Queries with one document and with scores concern a training; rows in another order any use.
        let rows = ["a", "b", "a"].map {
            #"{"query": "\#($0) film", "document": "good", "label": 1, "score": 2}"#
        }
        let url = try write(rows.joined(separator: "\n") + "\n", "d.jsonl")
        func told(isForTraining: Bool) throws -> [String] {
            var warnings: [String] = []
            var loader = DatasetLoader(
                options: DatasetOptions(), tokenizer: try Tokenizer.load(directory: Support.teacher),
                tokenizerDirectory: Support.teacher, maxLength: 16, root: scratch.appending(path: "cache"),
                memo: DigestMemo(root: nil), warn: { warnings.append($0) })
            loader.isForTraining = isForTraining
            _ = try loader.load(url, labels: .given(LabelMap(names: ["LABEL_0"])), problemType: .ranking)
            return warnings
        }
        let order = "1 times a query comes again after another"
        let all = ["3 of 3 queries have one document", order, "3 queries have scores"]
        for (isForTraining, expected) in [(false, [order]), (true, all), (false, [order]), (true, all)] {
            let warnings = try told(isForTraining: isForTraining)
            #expect(
                warnings.count == expected.count && zip(warnings, expected).allSatisfy { $0.contains($1) },
                "\(warnings)")
        }
    }

    @Test("a note survives being written; another value is none")
    func noteValues() {
        for note in [DataNote("d.csv: a"), DataNote("b", purpose: .training)] {
            #expect(DataNote(json: note.json) == note)
        }
        #expect(DataNote(json: .string("a")) == nil)
        #expect(DataNote(json: ["text": .string("a"), "purpose": .string("other")]) == nil)
    }

    @Test("sizes beyond all use are refused before they overflow")
    func sizes() {
        func refusal(_ change: (inout TrainingArguments) -> Void) -> String {
            var arguments = TrainingArguments()
            change(&arguments)
            do { try arguments.validate() } catch { return "\(error)" }
            return "not refused"
        }
        #expect(
            refusal { $0.perDeviceTrainBatchSize = .max }.hasPrefix(
                "per_device_train_batch_size must be at most 1000000"))
        #expect(
            refusal { $0.perDeviceEvalBatchSize = .max }.hasPrefix(
                "per_device_eval_batch_size must be at most"))
        #expect(
            refusal { $0.gradientAccumulationSteps = .max }.hasPrefix(
                "gradient_accumulation_steps must be at most"))
        #expect(refusal { $0.maxSteps = .max }.hasPrefix("max_steps must be at most 2000000000"))
        #expect(refusal { $0.loggingSteps = .max }.hasPrefix("logging_steps must be at most"))
        #expect(refusal { $0.maxSteps = -1 } == "not refused")
        var endless = TrainingArguments()
        endless.numTrainEpochs = 1e300
        #expect(endless.totalSteps(stepsPerEpoch: .max) == 2_000_000_000)
    }
}
