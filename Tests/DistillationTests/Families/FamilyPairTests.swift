import Datasets
import Files
import Foundation
import Testing
import Tokenizers
import Transformers

@testable import Distillation

/// Whole runs with teachers and students of every family, on the reviews that the tiny teacher was trained on.
@Suite("Teachers and students of every family")
struct FamilyPairTests {
    let scratch: URL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(
            path: "distill-families-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func request(_ teacher: URL) -> DistillRequest {
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: Support.reviews),
            output: scratch.appending(path: "distilled"))
        request.training.numTrainEpochs = 1
        request.training.learningRate = 1e-3
        request.cache = Support.cache
        return request
    }

    /// Each family learns from the one before it in the list, the first from the last.
    @Test(
        "a student of another family learns from logits, each with its own tokens",
        arguments: FamilyModel.all.indices)
    func pair(_ index: Int) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (teacher, student) = (scratch.appending(path: "teacher"), scratch.appending(path: "student"))
        let teaching = FamilyModel.all[(index + FamilyModel.all.count - 1) % FamilyModel.all.count]
        try teaching.write(to: teacher, layers: 3)
        try FamilyModel.all[index].write(to: student, layers: 2)
        var request = request(teacher)
        request.student.directory = student
        let report = try DistillationRun(request).run()
        let losses = try #require(report.teacher)
        #expect(losses.examples > 0 && report.steps > 0)
        // What was saved is a model of the student's family, and reads texts with the student's tokens.
        let saved = try LoadedModel(request.output)
        #expect(
            saved.model.configuration.modelType == (try ModelConfiguration(contentsOf: student)).modelType)
        let text = "a fine film, with a bad end"
        #expect(
            try saved.tokenizer.encode(text).ids == LoadedModel(student).tokenizer.encode(text).ids)
        let before = try AutoModel.load(from: student).model.parameters
        let changed = try saved.model.parameters.entries.filter {
            try $0.tensor.bytes() != before[$0.name]?.bytes()
        }
        #expect(!changed.isEmpty)
        // The second time the teacher's outputs are those of the cache.
        request.overwrite = true
        var notes: [String] = []
        _ = try DistillationRun(request).run(onEvent: { if case .note(let text) = $0 { notes.append(text) } })
        #expect(
            notes.contains { $0.contains("outputs came from the cache") && $0.contains(" 0 were computed") })
        // Tokens differ wherever tokenizers do, so losses that compare them are refused.
        if teaching.tokenizer != FamilyModel.all[index].tokenizer {
            request.objectives = [.init("hidden_mse")]
            let error = #expect(throws: DistillationError.self) { try DistillationRun(request).run() }
            #expect(error?.description.contains("tokenizer") == true, "\(String(describing: error))")
        }
    }

    /// Reviews with a second text behind each.
    private func pairs() throws -> URL {
        let rows = try String(contentsOf: Support.reviews, encoding: .utf8)
            .replacing("\r\n", with: "\n").split(separator: "\n").dropFirst()
        let lines = rows.map { row in
            let place = row.lastIndex(of: ",") ?? row.endIndex
            return "\(row[..<place]),\"the film, again\"\(row[place...])"
        }
        let file = scratch.appending(path: "pairs.csv")
        try Data((["text,text_pair,label"] + lines).joined(separator: "\n").appending("\n").utf8).write(
            to: file)
        return file
    }

    @Test(
        "each family learns pairs of texts and teaches them: finetune, check and run",
        arguments: FamilyModel.all.indices)
    func pairs(_ index: Int) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (base, student) = (scratch.appending(path: "base"), scratch.appending(path: "student"))
        try FamilyModel.all[index].write(to: base, layers: 2)
        try FamilyModel.all[(index + 1) % FamilyModel.all.count].write(to: student, layers: 1)
        let data = DataRequest(train: try pairs())
        var tuning = FineTuneRequest(model: base, data: data, output: scratch.appending(path: "teacher"))
        tuning.training.maxSteps = 2
        tuning.cache = Support.cache
        #expect(try FineTuningRun(tuning).run().steps == 2)
        // A student of its own shape, then one of another family.
        for directory in [nil, student] {
            var request = DistillRequest(
                teacher: tuning.output, data: data, output: scratch.appending(path: "distilled"))
            request.student.directory = directory
            if directory == nil { request.student.layers = 1 }
            request.training.maxSteps = 2
            request.cache = Support.cache
            request.overwrite = true
            let errors = try DistillationRun.check(request).filter { $0.severity == .error }
            #expect(errors.isEmpty, "\(errors)")
            #expect(try DistillationRun(request).run().steps == 2)
            let predictor = try Predictor(model: request.output)
            #expect(try predictor.predict([TextPair("a fine film", pair: "the film, again")]).count == 1)
        }
    }

    @Test(
        "layers and relations teach across families where the tokens are the same", arguments: FamilyModel.all
    )
    func layers(_ teaching: FamilyModel) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (teacher, student) = (scratch.appending(path: "teacher"), scratch.appending(path: "student"))
        let index = try #require(FamilyModel.all.firstIndex { $0.name == teaching.name })
        let learning = FamilyModel.all[(index + 1) % FamilyModel.all.count]
        try teaching.write(to: teacher, layers: 3)
        try learning.write(to: student, layers: 2, vocabulary: teaching)
        var request = request(teacher)
        request.student.directory = student
        request.objectives = [
            .init("kl"), try .init(text: "hidden_mse(layers=uniform)"), .init("minilm_v2"),
            .init("attention_score_mse"),
        ]
        request.training.loggingSteps = 1
        var steps: [StepMetrics] = []
        _ = try DistillationRun(request).run(onEvent: { if case .step(let step) = $0 { steps.append(step) } })
        let first = try #require(steps.first)
        #expect(first.terms.names.count == 4)
        #expect(steps.allSatisfy { $0.loss.isFinite })
        #expect(
            try #require(first.terms["minilm_v2"]) > 0 && #require(first.terms["attention_score_mse"]) > 0)
    }
}
