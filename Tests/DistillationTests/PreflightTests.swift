import Datasets
import Files
import Foundation
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

@Suite("What is found before the first step")
struct PreflightTests {
    let scratch: URL
    let teacher = Support.teacher
    let reviews = Support.reviews

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-check-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    /// A sound set-up.
    private func request(train: URL? = nil) -> DistillRequest {
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: train ?? reviews),
            output: scratch.appending(path: "out"))
        request.student.layers = 2
        request.student.hiddenSize = 16
        request.cache.directory = scratch.appending(path: "cache")
        return request
    }

    private func write(_ rows: [String], _ name: String = "d.csv", header: String = "text,label") throws
        -> URL
    {
        let url = scratch.appending(path: name)
        try Data(([header] + rows).map { $0 + "\n" }.joined().utf8).write(to: url)
        return url
    }

    /// The findings of a severity, without what is said of the teacher itself.
    private func messages(_ severity: Finding.Severity, _ request: DistillRequest) throws -> [String] {
        try DistillationRun.check(request).filter { $0.severity == severity }.map(\.message)
    }

    /// Rows that differ, alternately of both classes.
    private func rows(_ count: Int, label: (Int) -> String = { $0 % 2 == 0 ? "positive" : "negative" })
        -> [String]
    {
        // Words of the teacher's vocabulary alone: others are all one token.
        (0..<count).map { index in
            let place = index / 2
            let nouns = [
                "film", "plot", "story", "cast", "music", "scene", "score", "script", "camera", "ending",
            ]
            let words =
                index % 2 == 0
                ? ["brilliant", "delightful", "moving", "warm"] : ["tedious", "stale", "boring", "weak"]
            let text = "the \(words[place / nouns.count % words.count]) \(nouns[place % nouns.count])"
            return "\(text),\(label(index))"
        }
    }

    @Test(
        "a sound set-up: no error and no warning; classes and the teacher's accuracy as notes; the output is not made"
    )
    func sound() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let findings = try DistillationRun.check(request(train: try write(rows(60))))
        #expect(findings.map(\.severity) == [.note, .note], "\(findings)")
        #expect(findings.first?.message == "Training texts by class: negative 27, positive 27.")
        #expect(findings.last?.message.hasPrefix("The teacher's accuracy on the validation data is") == true)
        #expect(!FileManager.default.fileExists(atPath: scratch.appending(path: "out").path))
    }

    @Test("few examples in a step, and in a pass of what compares them")
    func batch() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request(train: try write(rows(60)))
        request.training.perDeviceTrainBatchSize = 4
        #expect(
            try messages(.warning, request).map { $0.prefix(35) } == ["An optimizer step sees 4 examples: "])
        request.training.gradientAccumulationSteps = 2
        #expect(try messages(.warning, request).isEmpty)
        request.objectives = [.init("rkd_distance")]
        let warnings = try messages(.warning, request)
        #expect(
            warnings.count == 1
                && warnings[0].hasPrefix("rkd_distance compares the examples of a micro-batch of 4"))
        request.training.perDeviceTrainBatchSize = 2
        request.objectives = [.init("rkd_angle")]
        let errors = try messages(.error, request)
        #expect(errors.count == 1 && errors[0].contains("rkd_angle") && errors[0].contains("3"), "\(errors)")
    }

    @Test(
        "alpha of 0, and temperatures that no one means",
        arguments: [
            (0.0, 4.0, "alpha is 0"), (0.7, 0.5, "A temperature of 0.5 sharpens"),
            (0.7, 80, "A temperature of 80.0 flattens"),
        ])
    func settings(alpha: Double, temperature: Double, expected: String) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request(train: try write(rows(60)))
        request.alpha = .constant(alpha)
        request.temperature = .constant(temperature)
        let warnings = try messages(.warning, request)
        #expect(warnings.count == 1 && warnings[0].hasPrefix(expected), "\(warnings)")
    }

    @Test("a student no smaller than its teacher, with both sizes")
    func size() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request(train: try write(rows(60)))
        request.student.layers = 4
        request.student.hiddenSize = 32
        let count = try AutoModel.load(from: teacher).model.parameters.elementCount
        let warnings = try messages(.warning, request)
        #expect(
            warnings.count == 1
                && warnings[0].hasPrefix("The student has \(count) parameters, the teacher \(count):"),
            "\(warnings)")
    }

    @Test("a class without examples; labels that are numbers")
    func classes() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request(train: try write(rows(40) { _ in "1" }))
        request.data.validation = try write(["a brilliant cast,1", "a tedious cast,0"], "v.csv")
        let warnings = try messages(.warning, request)
        #expect(
            warnings.count == 1
                && warnings[0].hasPrefix(
                    "The training data has no example of 1 of the teacher's 2 labels (negative)"),
            "\(warnings)")
        let notes = try messages(.note, request)
        #expect(notes.contains { $0.contains("numbers") && $0.contains("0 is negative, 1 is positive.") })
        request.data.train = try write(rows(40), "named.csv")
        #expect(try !messages(.note, request).contains { $0.contains("numbers") })
    }

    @Test("texts that are cut: how many and how long; a warning where they are more than one in twenty")
    func lengths() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        // 5 tokens, or 5 + 6 and 5 + 8 of words that are one token each.
        let long = [
            "the film film film film film film film film,positive",
            "the film film film film film film film film film film,negative",
            "the film film film film film film film film film film,positive",
        ]
        let short = (0..<97).map { index in
            let words = ["film", "plot", "story", "cast", "music", "scene", "score"]
            return "\(words[index % 7]) \(words[index / 7 % 7]) \(words[index / 49]),"
                + (index % 2 == 0 ? "positive" : "negative")
        }
        let validation = try write(["the brilliant cast,positive", "a tedious cast,negative"], "v.csv")
        func found(_ rows: [String]) throws -> [Finding] {
            var request = request(train: try write(rows))
            request.data.validation = validation
            request.data.maxLength = 8
            return try DistillationRun.check(request).filter { $0.message.contains("training texts are cut") }
        }
        let few = try found(short + long)
        let text =
            "3 of 100 training texts are cut at 8 tokens; their median length is 13, the longest has 13."
        #expect(few == [Finding(.note, text + " Raise --max-length to keep them.")], "\(few)")
        let many = try found(Array(short.prefix(20)) + long)
        #expect(many.count == 1 && many[0].severity == .warning && many[0].message.hasPrefix("3 of 23 "))
        // At the very length nothing is cut.
        #expect(try found(short + ["the film film film film film,positive"]).isEmpty)
    }

    @Test("validation and test examples that are training examples")
    func overlap() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let train = rows(40)
        var request = request(train: try write(train))
        request.data.validation = try write(
            Array(train.prefix(3)) + ["the weak cast,negative", "a warm cast,positive"], "v.csv")
        request.test = try write(["a warm cast,positive", train[7], "the weak cast,negative"], "t.csv")
        let warnings = try messages(.warning, request)
        #expect(warnings.count == 2, "\(warnings)")
        #expect(warnings.first?.hasPrefix("3 of 5 validation examples (") == true)
        #expect(warnings.last?.hasPrefix("1 of 3 test examples (") == true)
        // The labels do not matter: the text is known.
        request.test = nil
        request.data.validation = try write(
            [train[0].replacing("positive", with: "negative"), train[3]], "v2.csv")
        #expect(try messages(.warning, request).contains { $0.hasPrefix("2 of 2 validation examples (") })
    }

    @Test("pairs of texts for a model without a second segment")
    func pairs() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var configuration = try ModelConfiguration(contentsOf: teacher)
        configuration.typeVocabSize = 1
        configuration.numHiddenLayers = 1
        let student = scratch.appending(path: "one-segment")
        try ModelWriter.save(
            try AutoModel.make(configuration, source: nil, seed: 1, device: .cpu), to: student)
        for name in Tokenizer.fileNames {
            let file = teacher.appending(path: name)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            try FileManager.default.copyItem(at: file, to: student.appending(path: name))
        }
        let pairs = rows(40).map { $0.replacing(",", with: ",the film,") }
        var request = request(train: try write(pairs, header: "text,text_pair,label"))
        request.student = StudentOptions()
        request.student.directory = student
        #expect(try messages(.error, request).isEmpty)
        func told() throws -> [String] {
            try messages(.warning, request).filter { $0.contains("by the separators alone") }
        }
        let warnings = try told()
        #expect(
            warnings.count == 1 && warnings[0].contains("one-segment: the data has pairs of texts"),
            "\(warnings)")
        request.training.maxSteps = 2
        #expect(try DistillationRun(request).run().steps == 2)
        request.data.train = try write(rows(40), "single.csv")
        #expect(try told().isEmpty)
    }

    @Test("a teacher that knows nothing, and losses that tokens rule out")
    func teachers() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        // All labels are turned round.
        let train = try write(rows(60) { $0 % 2 == 0 ? "negative" : "positive" })
        let warnings = try messages(.warning, request(train: train))
        #expect(
            warnings.count == 1 && warnings[0].hasPrefix("The teacher's accuracy is")
                && warnings[0].contains("no better than always predicting the majority class"), "\(warnings)")
        var two = request(train: try write(rows(60), "e.csv"))
        two.teachers = [TeacherRequest(teacher), TeacherRequest(teacher)]
        #expect(
            try messages(.note, two).contains {
                $0.hasPrefix("Only losses on logits can be used, as there are several teachers")
            })
        two.objectives = [.init("hidden_mse")]
        #expect(
            try messages(.error, two).contains {
                $0.contains("hidden_mse") && $0.contains("several teachers")
            })
    }

    @Test("one teacher that cannot be read does not hide what is wrong beside it")
    func unreadableTeacher() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request(train: try write(rows(60) { _ in "positive" }))
        request.data.validation = try write(["the warm cast,positive", "a weak cast,negative"], "v.csv")
        // Also where it is the first.
        request.teachers = [TeacherRequest(scratch.appending(path: "none")), TeacherRequest(teacher)]
        request.student.hiddenSize = 30
        let errors = try messages(.error, request)
        #expect(errors.count == 2, "\(errors)")
        #expect(
            errors.contains { $0.contains("none") } && errors.contains { $0.contains("30 is not divisible") })
        #expect(try messages(.warning, request).contains { $0.contains("(negative)") })
        let error = #expect(throws: PreflightError.self) { try DistillationRun(request).run() }
        #expect(error?.description.hasPrefix("2 things keep this run from beginning:\n  - ") == true)
        #expect(!FileManager.default.fileExists(atPath: scratch.appending(path: "out").path))
        // Where no teacher says what labels are, numbers are no error.
        let numbers = scratch.appending(path: "numbers.jsonl")
        try Data("{\"text\": \"a film\", \"label\": 0.5}\n{\"text\": \"a plot\", \"label\": 2}\n".utf8)
            .write(to: numbers)
        var alone = self.request(train: numbers)
        alone.teachers = [TeacherRequest(scratch.appending(path: "none"))]
        #expect(try messages(.error, alone).count == 1)
        alone.data.validation = scratch.appending(path: "absent.csv")
        #expect(
            try messages(.error, alone).contains { $0.contains("absent.csv") && $0.contains("no such file") })
    }

    @Test("memory: the student and the copy for its checkpoint, teachers twice, and the larger pass")
    func memory() throws {
        func parameters(_ model: TransformerModel) -> Int { model.parameters.elementCount }
        let student = try Support.model(layers: 2, hidden: 16)
        let teacher = try Support.model(layers: 3, hidden: 32, heads: 4)
        func estimate(_ teachers: Int = 1, tokens: Int = 0, evaluationTokens: Int = 0) -> Int {
            MemoryEstimate(
                student: student, teachers: Array(repeating: teacher, count: teachers), tokens: tokens,
                evaluationTokens: evaluationTokens
            ).bytes
        }
        let fixed = 32 * parameters(student) + 8 * parameters(teacher)
        #expect(estimate() == fixed)
        #expect(estimate(2) == fixed + 8 * parameters(teacher))
        // 4 bytes of (8 · 16 + 2 · 32) numbers, in two layers and once more.
        #expect(estimate(tokens: 100) == fixed + 100 * 4 * 192 * 3)
        // 4 bytes of (8 · 32 + 2 · 32) numbers, of two layers at a time.
        #expect(estimate(evaluationTokens: 100) == fixed + 100 * 4 * 320 * 2)
        // Training and judging take turns.
        #expect(estimate(tokens: 100, evaluationTokens: 10_000) == estimate(evaluationTokens: 10_000))
        #expect(try #require(MemoryEstimate.available) > 0)
    }

    @Test("a run that cannot fit the machine is warned of")
    func memoryFinding() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request(train: try write(rows(60)))
        request.training.perDeviceTrainBatchSize = 1 << 40
        let warnings = try messages(.warning, request)
        #expect(
            warnings.count == 1 && warnings[0].contains("GB of memory")
                && warnings[0].contains("--per-device-train-batch-size"), "\(warnings)")
    }

    @Test("findings are kept once, errors first, and thrown together")
    func findings() throws {
        let findings = Diagnostics()
        findings.add(.note, "n")
        findings.add(.warning, "w")
        findings.add(.warning, "w")
        try findings.throwErrors()
        #expect(try findings.attempt { 3 } == 3)
        #expect(try findings.attempt { throw DistillationError("first") } == nil as Int?)
        #expect(throws: DistillationError("first")) { try findings.throwErrors() }
        try findings.attempt { throw DistillationError("first") }
        #expect(findings.all.count == 3)
        findings.add(.error, "second")
        #expect(
            findings.listed.map(\.description) == ["error: first", "error: second", "warning: w", "note: n"])
        let several = #expect(throws: PreflightError.self) { try findings.throwErrors() }
        #expect(several?.description == "2 things keep this run from beginning:\n  - first\n  - second")
        // Caught again, they stay what they were.
        try findings.attempt { try findings.throwErrors() }
        #expect(findings.all.count == 4)
        #expect(throws: InterruptedError.self) { try findings.attempt { throw InterruptedError() } }
    }
}
