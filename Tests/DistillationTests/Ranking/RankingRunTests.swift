import DistillRuntime
import Foundation
import JSON
import TestSupport
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation
@testable import Quantization

/// Rankers from data files to directories.
@Suite("Training of rankers")
struct RankingRunTests {
    private func request(
        in folder: URL, teacher: URL, _ text: String,
        _ change: (inout DistillRequest) throws -> Void = { _ in }
    ) throws -> DistillRequest {
        var request = DistillRequest(
            teacher: teacher,
            data: DataRequest(train: try RankingRuns.lists(in: folder, "train.jsonl", count: 36)),
            output: folder.appending(path: "student"))
        request.data.validation = try RankingRuns.lists(in: folder)
        request.student.layers = 1
        request.student.hiddenSize = 32
        request.student.initialization = .teacherLayers
        request.objectives = [try ObjectiveSpecification(text: text)]
        request.training.numTrainEpochs = 3
        request.training.perDeviceTrainBatchSize = 4
        request.training.learningRate = 1e-3
        request.precision = .float32
        request.cache = Support.cache
        try change(&request)
        return request
    }

    private func config(_ directory: URL) throws -> JSONObject {
        try JSONValue.load(contentsOf: directory.appending(path: "config.json")).objectValue ?? [:]
    }

    @Test("a cross-encoder teaches a smaller one, which is saved as sentence-transformers reads it")
    func crossEncoder() throws {
        try withTemporaryDirectory { folder in
            let teacher = try RankingRuns.teacher(in: folder)
            let request = try request(in: folder, teacher: teacher, "list_kl")
            let report = try DistillationRun(request).run()
            #expect(report.student.problemType == .ranking && report.student.metrics[.ndcg] != nil)
            let correlations = report.epochs.compactMap { $0.validation[.agreement] }
            #expect(correlations.count == 3)
            let fields = try config(request.output)
            let identity = "torch.nn.modules.linear.Identity"
            #expect(fields["sentence_transformers"]?.objectValue?["activation_fn"]?.stringValue == identity)
            #expect(fields["sbert_ce_default_activation_function"]?.stringValue == identity)
            #expect(fields["problem_type"] == nil && fields["id2label"]?.objectValue?.count == 1)
            let card = try String(contentsOf: request.output.appending(path: "README.md"), encoding: .utf8)
            #expect(card.contains("pipeline_tag: text-ranking") && card.contains("CrossEncoder("))
            // Evaluated again, and by the runtime's own scores.
            var evaluate = EvaluateRequest(model: request.output, data: try #require(request.data.validation))
            (evaluate.teacher, evaluate.cache) = (teacher, Support.cache)
            let again = try EvaluationRun(evaluate).run()
            #expect(again.model.metrics[.ndcg] == report.student.metrics[.ndcg])
            let classifier = try TextClassifier(request.output.path)
            var (scores, labels, counts) = ([Double](), [Float](), [Int]())
            for index in 0..<18 {
                let row = RankingRuns.documents(index)
                scores += try classifier.predict(row.documents.map { TextPair(row.query, pair: $0) }).map {
                    $0.score ?? .nan
                }
                labels += row.labels.map { Float($0) }
                counts.append(row.documents.count)
            }
            let values = RankingMetrics.values(
                scores, RankingFixture.targets(counts, hasQueries: false, labels: labels))
            for name in [MetricName.ndcg, .map, .spearman] {
                #expect(try abs(#require(values[name]) - #require(report.student.metrics[name])) < 1e-5)
            }
            // In int8 it is evaluated by the same metrics, and stays a cross-encoder.
            var quantize = QuantizeRequest(model: request.output, output: folder.appending(path: "int8"))
            (quantize.data, quantize.cache) = (request.data.validation, Support.cache)
            quantize.method.smallestMatrix = 256
            let quantized = try QuantizationRun(quantize).run()
            #expect(quantized.after.problemType == .ranking && quantized.after.metrics[.ndcg] != nil)
            #expect(
                try config(quantize.output)["sbert_ce_default_activation_function"]?.stringValue == identity)
            #expect(
                try TextClassifier(quantize.output.path).predict([TextPair("good", pair: "a film")])[0].score
                    != nil)
        }
    }

    @Test("a sigmoid at prediction is written where it is asked for, read, and applied to scores alone")
    func activation() throws {
        try withTemporaryDirectory { folder in
            let plain = try RankingRuns.teacher(in: folder)
            let squashed = try RankingRuns.teacher(in: folder) {
                $0.output = folder.appending(path: "sigmoid")
                $0.scoreActivation = .sigmoid
            }
            let fields = try config(squashed)
            #expect(
                fields["sentence_transformers"]?.objectValue?["activation_fn"]?.stringValue
                    == "torch.nn.modules.activation.Sigmoid")
            let pair = TextPair("a good film", pair: "the best film")
            let logit = try #require(try TextClassifier(plain.path).predict([pair])[0].score)
            let score = try #require(try TextClassifier(squashed.path).predict([pair])[0].score)
            #expect(abs(score - 1 / (1 + exp(-logit))) < 1e-6)
            let other = try #require(try Predictor(model: squashed).predict([pair])[0].score)
            #expect(abs(other - score) < 1e-6)
            // Losses see logits.
            #expect(
                try TextClassifier(plain.path).logits([pair]) == TextClassifier(squashed.path).logits([pair]))
        }
    }

    @Test("the gain over a baseline is told by each measure, with that measure's own values")
    func gain() throws {
        try withTemporaryDirectory { folder in
            let teacher = try RankingRuns.teacher(in: folder)
            let request = try request(in: folder, teacher: teacher, "list_kl") { $0.baseline = true }
            let report = try DistillationRun(request).run()
            let gain = try #require(report.gain)
            #expect(gain.all.map(\.metric) == [.spearman, .ndcg])
            for one in gain.all {
                #expect(one.student == report.student.metrics[one.metric])
                #expect(one.baseline == report.baseline?.metrics[one.metric])
                #expect(abs(one.difference - (one.student - one.baseline)) < 1e-12)
                #expect(one.low <= one.high)
            }
        }
    }

    @Test("data without a label are no data to fine-tune on")
    func unlabeled() throws {
        try withTemporaryDirectory { folder in
            let error = #expect(throws: DistillationError.self) {
                try RankingRuns.teacher(in: folder) {
                    let file = folder.appending(path: "unlabeled.jsonl")
                    try? Data(#"{"query": "a", "documents": ["b", "c"]}"#.utf8).write(to: file)
                    $0.data.train = file
                }
            }
            #expect(error?.description.contains("no training text has a label") == true)
        }
    }

    @Test(
        "scores in the data give the student that the model gives, bit for bit",
        arguments: [TaskIdentifier.ranking, .embedding])
    func givenScores(_ task: TaskIdentifier) throws {
        try withTemporaryDirectory { folder in
            let teacher = try RankingRuns.teacher(in: folder)
            let text = task == .ranking ? "margin_mse" : "margin_mse(scale = 5)"
            let taught = try request(in: folder, teacher: teacher, text) {
                $0.student = StudentOptions()
                $0.student.directory = Support.teacher
                if task == .ranking {
                    $0.student.directory = try RankingRuns.teacher(in: folder) {
                        $0.output = folder.appending(path: "start")
                    }
                }
                $0.data.problemType = task
            }
            let report = try DistillationRun(taught).run()
            #expect(report.student.metrics[.ndcg] != nil && report.teacher?.metrics[.mrr] != nil)
            let correlations = report.epochs.compactMap { $0.validation[.agreement] }
            #expect(correlations.count == 3 && report.comparison?.agreement == correlations.max())
            var evaluate = EvaluateRequest(model: taught.output, data: try #require(taught.data.validation))
            (evaluate.teacher, evaluate.cache) = (teacher, Support.cache)
            (evaluate.precision, evaluate.latencySamples) = (.float32, 1)
            let again = try EvaluationRun(evaluate).run()
            // libtorch's own kernels have other last bits in batches of other texts.
            let (evaluated, trained) = (again.comparison?.agreement, report.comparison?.agreement)
            #expect(try abs(#require(evaluated) - #require(trained)) < 1e-6)
            #expect(again.model.metrics[.ndcg] == report.student.metrics[.ndcg])
            #expect(again.teacher?.metrics[.ndcg] == report.teacher?.metrics[.ndcg])
            #expect(again.teacher?.problemType == .ranking)
            try expectSides(of: report, again, task, evaluate)
            var told = taught
            (told.teachers, told.scores) = ([], [ScoresRequest([], column: "scores")])
            told.output = folder.appending(path: "told")
            for (file, name) in [
                (taught.data.train, "train"), (try #require(taught.data.validation), "validation"),
            ] {
                var label = LabelRequest(teacher: teacher, data: file)
                label.output = folder.appending(path: "\(name)-scored.jsonl")
                (label.cache, label.precision) = (Support.cache, .float32)
                _ = try LabelRun(label).run()
                let output = try #require(label.output)
                if name == "train" { told.data.train = output } else { told.data.validation = output }
            }
            _ = try DistillationRun(told).run()
            for file in ["model.safetensors", "config.json"] {
                #expect(
                    try Data(contentsOf: taught.output.appending(path: file))
                        == Data(contentsOf: told.output.appending(path: file)))
            }
            if task == .embedding {
                let vectors = try TextEmbedder(told.output.path).embed(["a good film", "dull"])
                #expect(vectors.count == 2 && vectors[0].count == 32)
            }
        }
    }

    /// A teacher that scores pairs has no vectors, and a pair's time has no ratio to a text's.
    private func expectSides(
        of run: RunReport, _ evaluation: EvaluationReport, _ task: TaskIdentifier, _ request: EvaluateRequest
    ) throws {
        let isPairs = task == .embedding
        #expect((run.teacher?.scoresPairs == true) == isPairs)
        #expect((evaluation.teacher?.scoresPairs == true) == isPairs)
        #expect((evaluation.comparison?.speedRatio == nil) == isPairs)
        guard isPairs, let teacher = request.teacher else { return }
        #expect(run.embedding?.findings.contains { $0.message.contains("components") } != true)
        var turned = EvaluateRequest(model: teacher, data: request.data)
        (turned.teacher, turned.cache) = (request.model, Support.cache)
        let evaluate = try EvaluationRun(turned)
        let error = #expect(throws: DistillationError.self) { _ = try evaluate.run() }
        #expect(error?.description.contains("--teacher \(teacher.path)") == true)
    }

    @Test(
        "a model for embeddings learns the similarities of its teacher's vectors, and of relevant documents")
    func vectors() throws {
        try withTemporaryDirectory { folder in
            let teacher = try EmbeddingFixture.teacher(in: folder)
            for text in [
                "list_kl(scale = 5, teacher_scale = 5)", "multiple_negatives_ranking", "sentence_cosine",
            ] {
                let request = try request(in: folder, teacher: teacher, text) { $0.overwrite = true }
                let report = try DistillationRun(request).run()
                #expect(
                    report.student.metrics[.ndcg] != nil && report.epochs.count == 3,
                    "\(text)")
            }
        }
    }

    @Test("warnings of scores that teach little, and errors of runs that cannot begin")
    func findings() throws {
        try withTemporaryDirectory { folder in
            func events(_ lines: [String], _ text: String = "score_mse") throws -> [String] {
                var request = try request(in: folder, teacher: Support.teacher, text) {
                    ($0.teachers, $0.scores) = ([], [ScoresRequest([], column: "score")])
                    $0.student = StudentOptions()
                    $0.student.directory = try RankingRuns.teacher(in: folder) { $0.overwrite = true }
                    $0.data.train = try EmbeddingFixture.write(
                        lines, to: folder.appending(path: "given.jsonl"))
                    $0.data.problemType = .ranking
                    $0.overwrite = true
                    $0.training.numTrainEpochs = 1
                }
                request.output = folder.appending(path: "found")
                var found: [String] = []
                do {
                    _ = try DistillationRun(request).run(onEvent: { found.append("\($0)") })
                } catch { found.append("\(error)") }
                return found
            }
            func line(_ scores: String) -> String {
                #"{"query": "a film", "documents": ["a good film", "a dull year"], "score": "# + scores + "}"
            }
            let apart = try events(
                ["a", "b", "a", "a", "b"].enumerated().map { place, query in
                    #"{"query": "\#(query) film", "document": "a good film", "score": 0.\#(place + 1)}"#
                })
            #expect(apart.contains { $0.contains("2 times a query comes again after another") }, "\(apart)")
            let equal = try events([line("[1, 1]"), line("[1, 1]")])
            #expect(!equal.contains { $0.contains("comes again") })
            #expect(equal.contains { $0.contains("gives all 4 documents the score 1.0") })
            let squashed = try events([line("[0.999, 0.001]"), line("[0.998, 0.4]")])
            #expect(
                squashed.contains {
                    $0.contains("from 0 to 1, as a sigmoid gives them") && $0.contains("teacher_scale")
                })
            let some = try events([line("[3, 3]"), line("[2, -1]")])
            #expect(some.contains { $0.contains("all documents of 1 of 2 queries the same score") })
            let missing = try events([line("[3, null]")])
            #expect(missing.contains { $0.contains("line 1: document 2 of the query 'a film' has no score") })
            let single = #"{"query": "a film", "documents": ["good"], "score": [1]}"#
            #expect(try events([single, single], "margin_mse").contains { $0.contains("use score_mse") })
            #expect(
                try events([single, line("[1, 2]")]).contains {
                    $0.contains("1 of 2 queries have one document")
                })
            let none = #"{"query": "a film", "documents": ["good", "dull"]}"#
            #expect(
                try events([none]).contains {
                    $0.contains("there are no scores of the documents under 'score'")
                })
        }
    }
}
