import Datasets
import DistillRuntime
import Files
import Foundation
import JSON
import TestSupport
import Testing
import Torch
import Transformers

@testable import Distillation

/// Students for embeddings, from data files to directories.
@Suite("Distillation of embeddings")
struct EmbeddingTrainingTests {
    private func request(
        in folder: URL, teacher: URL? = nil, _ change: (inout DistillRequest) throws -> Void = { _ in }
    ) throws -> DistillRequest {
        var request = try EmbeddingFixture.request(
            in: folder, teacher: try teacher ?? EmbeddingFixture.teacher(in: folder))
        request.student.layers = 1
        request.training.numTrainEpochs = 4
        try change(&request)
        return request
    }

    @Test("a student comes nearer to its teacher, and is saved as it was evaluated")
    func run() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder)
            let report = try DistillationRun(request).run()
            let cosines = report.epochs.compactMap { $0.validation[.agreement] }
            #expect(
                cosines.count == 4 && cosines[3] > cosines[0] && report.comparison?.agreement == cosines.max()
            )
            // Cosines of the runtime's vectors with the teacher's, over the texts of all pairs.
            let (own, theirs) = (
                try TextEmbedder(request.output.path), try TextEmbedder(request.teachers[0].directory.path)
            )
            let rows = try String(contentsOf: #require(request.data.validation), encoding: .utf8)
                .split(separator: "\n").dropFirst().map { $0.split(separator: ",").map(String.init) }
            let texts = rows.flatMap { $0.prefix(2) }
            let (a, b) = (try own.embed(texts), try theirs.embed(texts))
            let mean =
                zip(a, b).map { VectorMetrics.cosine($0[...], $1[...]) }.reduce(0, +) / Double(texts.count)
            #expect(try abs(mean - #require(report.comparison?.agreement)) < 1e-5)
            // Spearman's correlation of the pairs' cosines with their scores.
            let pairs = stride(from: 0, to: texts.count, by: 2).map {
                VectorMetrics.cosine(a[$0][...], a[$0 + 1][...])
            }
            let wanted = RegressionMetrics(predictions: pairs, labels: rows.compactMap { Double($0[2]) })
            #expect(try abs(wanted.spearman - #require(report.student.metrics[.spearman])) < 1e-6)
            let measured = try #require(report.embedding?.student)
            #expect(measured[.agreement] == report.comparison?.agreement && measured[.spearman] != nil)
            let card = try String(contentsOf: request.output.appending(path: "README.md"), encoding: .utf8)
            #expect(!card.contains("| |  |") && !card.contains("cosine to teacher |"))
            #expect(
                card.contains("pipeline_tag: sentence-similarity") && card.contains("SentenceTransformer("))
            // And evaluated again.
            var evaluate = EvaluateRequest(model: request.output, data: try #require(request.data.validation))
            (evaluate.teacher, evaluate.cache) = (request.teachers[0].directory, Support.cache)
            let again = try EvaluationRun(evaluate).run()
            #expect(again.model.metrics[.spearman] == report.student.metrics[.spearman])
            #expect(try abs(#require(again.comparison?.agreement) - mean) < 1e-5)
        }
    }

    @Test("a student for embeddings is trained without dropout, unless it is given one")
    func dropout() throws {
        try withTemporaryDirectory { folder in
            let teacher = try EmbeddingFixture.teacher(in: folder)
            #expect(try ModelConfiguration(contentsOf: teacher).hiddenDropoutProb == 0.1)
            func trained(
                _ name: String, _ dropout: Double?, _ change: (inout DistillRequest) -> Void = { _ in }
            ) throws -> (dropout: Double, weights: String, notes: [String]) {
                var notes: [String] = []
                let request = try request(in: folder, teacher: teacher) {
                    ($0.output, $0.student.dropout) = (folder.appending(path: name), dropout)
                    $0.training.numTrainEpochs = 1
                    change(&$0)
                }
                _ = try DistillationRun(request).run(onEvent: {
                    if case .note(let text) = $0, text.contains("without dropout") { notes.append(text) }
                })
                let configuration = try ModelConfiguration(contentsOf: request.output)
                #expect(configuration.hiddenDropoutProb == configuration.attentionProbsDropoutProb)
                let weights = request.output.appending(path: "model.safetensors")
                return (configuration.hiddenDropoutProb, try Digest.sha256(ofFile: weights), notes)
            }
            let (without, zero, some) = (
                try trained("none", nil), try trained("zero", 0), try trained("some", 0.2)
            )
            #expect((without.dropout, zero.dropout, some.dropout) == (0, 0, 0.2))
            #expect(without.weights == zero.weights && without.weights != some.weights)
            #expect((without.notes.count, zero.notes.count, some.notes.count) == (1, 0, 0))
            // A directory that has dropout, as a student.
            let named = try trained("named", nil) {
                ($0.student.layers, $0.student.directory) = (nil, folder.appending(path: "some"))
            }
            #expect(named.dropout == 0)
        }
        for value in [-0.1, 1, .nan] {
            var student = StudentOptions()
            student.dropout = value
            let error = #expect(throws: DistillationError.self) { try student.validate() }
            #expect(error?.description == "dropout must be from 0 up to, but not including, 1, got \(value)")
        }
        var table = StudentOptions()
        (table.table, table.dropout) = (StaticOptions(), 0.1)
        let error = #expect(throws: DistillationError.self) { try table.validate() }
        #expect(error?.description.hasPrefix("dropout has no meaning for a static student") == true)
    }

    @Test("a search holds out folds of texts that have no scores")
    func folds() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) { $0.training.numTrainEpochs = 1 }
            #expect(try TaskIdentifier(ofModel: request.teachers[0].directory) == .embedding)
            let trials = TuningTrials(folds: 3, seed: 1, metric: "agreement")
            let results = try (0..<3).map { try trials.run(request, fold: $0, budget: 1).metric }
            #expect(results.allSatisfy { $0 > 0 && $0 <= 1 } && Set(results).count == 3)
            let error = #expect(throws: DistillationError.self) {
                try TuningTrials(folds: 3, seed: 1, metric: "accuracy").run(request, fold: 0, budget: 1)
            }
            #expect(error?.description.hasPrefix("metric: there is no metric 'accuracy' here") == true)
        }
    }

    @Test("a narrow student keeps a dense layer to its teacher's width, or drops it")
    func projections() throws {
        try withTemporaryDirectory { folder in
            let teacher = try EmbeddingFixture.teacher(in: folder)
            var request = try request(in: folder, teacher: teacher) {
                $0.student.hiddenSize = 16
                // So few texts are learned by heart without it.
                $0.student.dropout = 0.1
                $0.training.numTrainEpochs = 1
            }
            var report = try DistillationRun(request).run()
            #expect(try TextEmbedder(request.output.path).dimension == 32)
            // Fitted to the teacher before it is trained.
            let start = try #require(report.embedding?.initial?[.agreement])
            let fitted = try #require(report.comparison?.agreement)
            request.output = folder.appending(path: "random")
            request.student.initialization = .random
            report = try DistillationRun(request).run()
            #expect(try #require(report.embedding?.initial?[.agreement]) < start)
            #expect(try #require(report.comparison?.agreement) < fitted)
            request.student.statedInitialization = nil
            request.output = folder.appending(path: "dropped")
            request.student.projection = .drop
            report = try DistillationRun(request).run()
            #expect(try TextEmbedder(request.output.path).dimension == 16)
            #expect(report.student.metrics[.spearman] != nil && report.student.metrics[.agreement] == nil)
            request.output = folder.appending(path: "small")
            request.student.projection = nil
            request.student.embeddingSize = 8
            _ = try DistillationRun(request).run()
            #expect(try TextEmbedder(request.output.path).dimension == 8)
        }
    }

    @Test("principal components of the teacher's vectors are taught")
    func principalComponents() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) {
                ($0.student.pca, $0.student.embeddingSize) = (true, 8)
                $0.data.train = try EmbeddingFixture.pairs(in: folder, "more.csv", count: 60)
            }
            let report = try DistillationRun(request).run()
            #expect(try TextEmbedder(request.output.path).dimension == 8)
            let cosines = report.epochs.compactMap { $0.validation[.agreement] }
            #expect(cosines.count == 4 && cosines[3] > cosines[0])
        }
    }

    @Test("components are orthonormal, by falling variance, and explain what they say")
    func components() throws {
        // Vectors of which the first direction is known: along (3, 4, 0), then along z.
        var values: [Float] = []
        for index in 0..<200 {
            let (long, short) = (Float(index % 20) - 9.5, Float(index / 20) - 4.5)
            values += [0.6 * long + 5, 0.8 * long, 0.1 * short]
        }
        let fitted = try PrincipalComponents(
            fitting: Logits(values: values, classes: 3), count: 2, normalizes: false)
        #expect(zip(fitted.weight, [0.6, 0.8, 0, 0, 0, 1]).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(abs(fitted.explained - 1) < 1e-9)
        var projected: [Float] = []
        fitted.append([3, 4, 2], to: &projected)
        #expect(abs(projected[0] - 5) < 1e-5 && abs(projected[1] - 2) < 1e-5)
        #expect(throws: DistillationError.self) {
            try PrincipalComponents(
                fitting: Logits(values: [1, 2, 3], classes: 3), count: 2, normalizes: true)
        }
    }

    @Test("a student starts from an encoder without modules, which gets its teacher's")
    func bareEncoder() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) {
                $0.student = StudentOptions()
                $0.student.directory = Support.teacher
                $0.student.pooling = .cls
                $0.training.numTrainEpochs = 1
            }
            _ = try DistillationRun(request).run()
            let student = try SentenceTransformer(contentsOf: request.output)
            #expect(student.stages == [.pooling([.cls], width: 32, includesPrompt: true), .normalize])
        }
    }

    @Test("texts without scores are split and compared with the teacher")
    func unlabeled() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) {
                $0.data.validation = nil
                $0.data.validationSplit = 0.25
            }
            let report = try DistillationRun(request).run()
            #expect(report.validation.examples == 6 && report.train.examples == 18)
            #expect(report.student.metrics[.spearman] == nil && report.comparison?.agreement != nil)
        }
    }

    @Test("where nothing can be measured on texts alone, the last student is kept")
    func nothingToMeasure() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) {
                $0.data.validation = nil
                ($0.student.embeddingSize, $0.training.numTrainEpochs) = (8, 2)
            }
            let report = try DistillationRun(request).run()
            #expect(report.bestEpoch == 2 && report.epochs.map(\.isBest) == [true, true])
            #expect(try TextEmbedder(request.output.path).dimension == 8)
        }
    }

    @Test("both texts of a row stay in one part of the data")
    func split() throws {
        try withTemporaryDirectory { folder in
            let teacher = try LoadedModel(try EmbeddingFixture.teacher(in: folder))
            let log = try RunLog({ _ in })
            let loader = Support.cache.loader(
                DatasetOptions(), tokenizer: teacher.tokenizer, directory: teacher.directory, maxLength: 32,
                log: log)
            let data = try loader.load(
                try EmbeddingFixture.pairs(in: folder, count: 40), labels: .given(LabelMap(names: [])),
                problemType: .embedding, allowsUnlabeled: true
            ).dataset
            #expect(data.count == 80)
            let (train, validation) = try data.split(validationFraction: 0.3, seed: 3, source: "pairs")
            for part in [train, validation] {
                guard case .scores(let scores) = part.targets else {
                    Issue.record("there are no scores")
                    return
                }
                #expect(scores.pairs.allSatisfy { $0.count == 2 } && scores.pairs.count * 2 == part.count)
            }
            #expect(train.count + validation.count == 80 && validation.count == 24)
        }
    }

    @Test("a default prompt stands before each text, for the teacher and for its student")
    func prompts() throws {
        try withTemporaryDirectory { folder in
            let teacher = try EmbeddingFixture.teacher(in: folder) {
                var modules = SentenceTransformer(pooling: [.mean], width: $0, normalizes: true)
                (modules.prompts, modules.defaultPrompt) = (["film": "the film "], "film")
                return modules
            }
            let request = try request(in: folder, teacher: teacher)
            let report = try DistillationRun(request).run()
            let student = try TextEmbedder(request.output.path)
            #expect(student.files.defaultPrompt == "film")
            let theirs = try TextEmbedder(teacher.path)
            let texts = EmbeddingFixture.texts.indices.flatMap {
                [EmbeddingFixture.texts[$0], EmbeddingFixture.texts[($0 * 5 + 3) % 12]]
            }
            let mean =
                try zip(student.embed(texts), theirs.embed(texts)).map {
                    VectorMetrics.cosine($0[...], $1[...])
                }
                .reduce(0, +) / Double(texts.count)
            #expect(try abs(mean - #require(report.comparison?.agreement)) < 1e-5)
        }
    }

    /// A setting that an embedding student cannot have, by what the error names.
    enum Misfit: String, CaseIterable {
        case baseline = "--baseline"
        case alpha
        case size = "--embedding-size"
        case kl, labels
        case crossEntropy = "cross_entropy"
        case dimensions
        case rank = "similarity_rank"
        case pca = "--pca"

        func apply(to request: inout DistillRequest) {
            switch self {
            case .baseline: request.baseline = true
            case .alpha: request.alpha = 0.5
            case .size: (request.student.embeddingSize, request.student.projection) = (8, .drop)
            case .pca: (request.student.pca, request.student.embeddingSize) = (true, 32)
            case .kl, .labels, .crossEntropy: request.objectives = [.init(rawValue)]
            case .dimensions: request.objectives = [.init("sentence_cosine", options: ["dimensions": "64"])]
            case .rank:
                request.objectives = [.init("similarity_rank")]
                request.training.perDeviceTrainBatchSize = 128
            }
        }
    }

    @Test("settings that do not fit are refused by name", arguments: Misfit.allCases)
    func refusals(misfit: Misfit) throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) { misfit.apply(to: &$0) }
            #expect { try DistillationRun(request).run() } throws: { "\($0)".contains(misfit.rawValue) }
        }
    }

    @Test("classifiers have no options of embeddings")
    func classifiers() throws {
        try withTemporaryDirectory { folder in
            var request = DistillRequest(
                teacher: Support.teacher, data: DataRequest(train: Support.reviews),
                output: folder.appending(path: "student"))
            request.student.embeddingSize = 8
            request.cache = Support.cache
            #expect { try DistillationRun(request).run() } throws: { "\($0)".contains("--embedding-size") }
            request.student.embeddingSize = nil
            request.objectives = [.init("sentence_cosine")]
            request.student.layers = 1
            request.student.hiddenSize = 32
            #expect { try DistillationRun(request).run() } throws: { "\($0)".contains("sentence_cosine") }
        }
    }
}
