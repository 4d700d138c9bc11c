import Datasets
import Foundation
import JSON
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// Runs that teach in more ways than the recipe's, on a tiny teacher.
@Suite("Ways to teach")
struct TeachingTests {
    let scratch: URL
    let teacher = Support.teacher
    let reviews = Support.reviews

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-teach-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func request(_ name: String = "student") -> DistillRequest {
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: reviews), output: scratch.appending(path: name))
        request.student.layers = 2
        request.student.hiddenSize = 32
        request.student.initialization = .random
        request.training.numTrainEpochs = 3
        request.training.learningRate = 2e-3
        request.cache = Support.cache
        return request
    }

    private func parameterNames(_ directory: URL) throws -> Set<String> {
        Set(try AutoModel.load(from: directory).model.parameters.names)
    }

    @Test("stages follow one another with their own objectives, epochs and rates; projections are dropped")
    func stages() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        request.student.hiddenSize = 16
        var layers = TrainingStage(
            name: "layers",
            objectives: [try .init(text: "hidden_mse(layers=uniform)"), .init("minilm_v2")])
        layers.numTrainEpochs = 1
        layers.learningRate = 1e-2
        var logits = TrainingStage(
            name: "logits", objectives: [.init("kl"), .init("cross_entropy", weight: 0.5)])
        logits.numTrainEpochs = 2
        request.stages = [layers, logits]
        request.training.loggingSteps = 1
        request.training.seed = Learning.seed
        request.precision = Learning.precision
        var steps: [StepMetrics] = []
        let report = try DistillationRun(request).run(onEvent: {
            if case .step(let step) = $0 { steps.append(step) }
        })
        #expect(steps.map(\.step) == Array(1...12) && steps.allSatisfy { $0.totalSteps == 12 })
        #expect(steps.prefix(4).allSatisfy { $0.stage == "layers" })
        #expect(steps.dropFirst(4).allSatisfy { $0.stage == "logits" })
        #expect(Set(steps[0].terms.names) == ["hidden_mse", "minilm_v2"])
        #expect(Set(steps[5].terms.names) == ["kl", "cross_entropy"])
        #expect(steps.dropFirst(4).map(\.learningRate).max() == 2e-3)
        #expect(steps.prefix(4).map(\.learningRate).max() == 1e-2)
        #expect(report.epochs.map(\.stage) == ["layers", "logits", "logits"])
        #expect(report.epochs.map(\.epoch) == [1, 2, 3] && report.steps == 12)
        // The layer losses fall within their stage, and nothing learnt beside the student is saved.
        try Learning.expect(
            "stages, hidden_mse after four steps, a share",
            (steps[3].terms["hidden_mse"] ?? 1) / (steps[0].terms["hidden_mse"] ?? 1), below: 1)
        #expect(try !parameterNames(request.output).contains { $0.contains("hidden_mse") })
    }

    @Test("weights and temperatures follow their schedules; at weight 0 a term is only watched")
    func schedules() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        request.alpha = .linear(from: 1, to: 0)
        request.training.loggingSteps = 1
        var steps: [StepMetrics] = []
        _ = try DistillationRun(request).run(onEvent: {
            if case .step(let step) = $0 { steps.append(step) }
        })
        for (index, step) in steps.enumerated() {
            let alpha = 1 - Double(index) / 12
            let kl = try #require(step.terms["kl"])
            let hard = try #require(step.terms["cross_entropy"])
            #expect(abs(step.loss - (alpha * kl + (1 - alpha) * hard)) < 1e-5)
        }
    }

    @Test("equal teachers are one teacher; weights and combinations are what they say")
    func severalTeachers() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let copy = scratch.appending(path: "copy")
        try FileManager.default.copyItem(at: teacher, to: copy)
        var twice = request("twice")
        twice.teachers = [TeacherRequest(teacher, weight: 3), TeacherRequest(copy, weight: 1)]
        twice.combination = .logits
        let both = try DistillationRun(twice).run()
        let one = try DistillationRun(request("one")).run()
        #expect(both.settings.teachers?.map(\.weight) == [3, 1])
        #expect(abs(both.teacher!.hardLoss! - one.teacher!.hardLoss!) < 1e-6)
        let models = try ["twice", "one"].map { try AutoModel.load(from: scratch.appending(path: $0)).model }
        for (a, b) in zip(models[0].parameters.tensors, models[1].parameters.tensors) {
            #expect(try (a - b).absolute().max().item() < 1e-3)
        }
        twice.objectives = [.init("hidden_mse")]
        twice.overwrite = true
        let error = #expect(throws: DistillationError.self) { try DistillationRun(twice).run() }
        #expect(error?.description.contains("several teachers") == true)
    }

    @Test("the mean of probabilities is weighted, and teachers' columns are put in order")
    func ensemble() throws {
        let first = Logits(values: [2, 0, -1], classes: 3)
        // The same classes in the order 2, 0, 1.
        let second = Logits(values: [3, 1, 0], classes: 3)
        let members: [TeacherEnsemble.Member] = [
            .init(outputs: first, weight: 3, columns: nil),
            .init(outputs: second, weight: 1, columns: [1, 2, 0]),
        ]
        func softmax(_ x: [Double]) -> [Double] {
            let e = x.map { exp($0) }
            return e.map { $0 / e.reduce(0, +) }
        }
        let mean = try TeacherEnsemble(members, combination: .probabilities, problemType: .singleLabel)
            .rows([0])
        let expected = zip(softmax([2, 0, -1]), softmax([1, 0, 3])).map { 0.75 * $0 + 0.25 * $1 }
        for (a, b) in zip(softmax(mean.map { Double($0) }), expected) { #expect(abs(a - b) < 1e-6) }
        let logits = try TeacherEnsemble(members, combination: .logits, problemType: .singleLabel).rows([0])
        #expect(logits == [1.75, 0, 0])
        let sigmoids = try TeacherEnsemble(members, combination: .probabilities, problemType: .multiLabel)
            .rows([0])
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        for (place, (a, b)) in zip([2.0, 0, -1], [1.0, 0, 3]).enumerated() {
            #expect(abs(sigmoid(Double(sigmoids[place])) - (0.75 * sigmoid(a) + 0.25 * sigmoid(b))) < 1e-6)
        }
    }

    @Test("the baseline is the same student without the teacher, in as many steps; the gain has an interval")
    func baseline() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        request.baseline = true
        request.test = reviews
        let report = try DistillationRun(request).run()
        let gain = try #require(report.gain)
        let baseline = try #require(report.baseline)
        #expect(gain.metric == .accuracy && gain.baseline == baseline.accuracy)
        #expect(abs(gain.difference - (gain.student - gain.baseline)) < 1e-12)
        #expect(gain.low <= gain.difference && gain.difference <= gain.high)
        let test = try #require(report.test)
        #expect(test.student.examples == 120 && test.gain != nil && test.teacher != nil)
        // The baseline is plain fine-tuning of the same initial weights: alpha 0 gives the same.
        var plain = self.request("plain")
        plain.alpha = 0
        let alone = try DistillationRun(plain).run()
        #expect(abs(alone.student.hardLoss! - baseline.hardLoss!) < 1e-6)
    }

    @Test("a baseline that was cut short is not compared, and the run counts as stopped")
    func interruptedBaseline() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        request.baseline = true
        let phases = Counter()
        let report = try DistillationRun(request).run(
            onEvent: {
                if case .phaseStarted(let name) = $0, name.contains("baseline") { phases.value += 1 }
            },
            stopRequest: { phases.value > 0 ? .finish : nil })
        #expect(phases.value == 1 && report.interrupted)
        #expect(report.baseline == nil && report.gain == nil && report.epochs.count == 3)
    }

    @Test("several seeds: mean, spread, and the best model saved")
    func seeds() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        request.seeds = 3
        request.baseline = true
        request.training.numTrainEpochs = 1
        let report = try DistillationRun(request).run()
        let seeds = try #require(report.seeds)
        #expect(seeds.runs.map(\.seed) == [42, 43, 44])
        let accuracies = try seeds.runs.map { try #require($0.student[.accuracy]) }
        let mean = accuracies.reduce(0, +) / 3
        #expect(abs(seeds.student.mean - mean) < 1e-12)
        let variance = accuracies.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2
        #expect(abs(seeds.student.standardDeviation - variance.squareRoot()) < 1e-12)
        #expect(report.settings.training.seed == seeds.saved)
        #expect(report.student.accuracy == accuracies.max())
        // The saved model is that seed's.
        let single = try DistillationRun(
            {
                var single = self.request("single")
                single.training.seed = seeds.saved
                single.training.numTrainEpochs = 1
                // The split is the first seed's.
                single.data.validation = nil
                return single
            }()
        ).run()
        #expect(single.settings.training.seed == seeds.saved)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == [
                "single", "student",
            ])
    }

    @Test("early stopping ends a run that gains nothing")
    func earlyStopping() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        request.training.numTrainEpochs = 50
        request.training.earlyStoppingPatience = 2
        request.training.metricForBestModel = "loss"
        request.training.earlyStoppingThreshold = 1e9
        let report = try DistillationRun(request).run()
        #expect(report.epochs.count == 3 && !report.interrupted)
        // By loss, lower is better.
        let losses = report.epochs.compactMap { $0.validation[.loss] }
        let best = try #require(losses.indices.min { losses[$0] < losses[$1] })
        #expect(report.bestEpoch == Double(best + 1))
    }

    @Test("an unknown metric is refused with those that there are")
    func unknownMetric() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        request.training.metricForBestModel = "f2"
        let error = #expect(throws: DistillationError.self) { try DistillationRun(request).run() }
        let message = try #require(error?.description)
        #expect(message.contains("'f2'") && message.contains("accuracy"), "\(message)")
    }

    @Test("evaluations every few steps, in place of each epoch")
    func evalSteps() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        request.training.evalSteps = 5
        let report = try DistillationRun(request).run()
        #expect(report.epochs.map(\.step) == [5, 10, 12])
    }

    @Test("an objective of one's own takes part by its name")
    func ownObjective() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        final class LogitsL1: Objective {
            let name = "logits_l1"
            func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
                ObjectiveNeeds(teacherLogits: true)
            }
            func loss(_ batch: ObjectiveBatch) throws -> Tensor {
                try (batch.student.logits - batch.teacherLogits).absolute().mean()
            }
        }
        var request = request()
        request.registry = .standard.adding("logits_l1") { _ in LogitsL1() }
        request.objectives = [.init("logits_l1", weight: 2)]
        request.training.numTrainEpochs = 6
        let report = try DistillationRun(request).run()
        let (first, last) = (try #require(report.epochs.first), try #require(report.epochs.last))
        #expect(try #require(last.trainTerms["logits_l1"]) < #require(first.trainTerms["logits_l1"]))
        #expect(abs(last.trainLoss - 2 * (try #require(last.trainTerms["logits_l1"]))) < 1e-6)
    }
}
