import Files
import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

/// Runs that are stopped again and again, each time after a few more steps, against runs that are never stopped: weights,
/// history, best checkpoint and report must be the same.
@Suite("Checkpoints", .serialized)
struct CheckpointTests {
    private let scratch: URL
    private let teacher = Support.teacher
    private let reviews = Support.reviews

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(
            path: "distill-checkpoints-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func request(_ name: String) -> DistillRequest {
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: reviews), output: scratch.appending(path: name))
        request.student.layers = 2
        request.student.hiddenSize = 32
        request.student.initialization = .teacherLayers
        request.training.numTrainEpochs = 3
        request.training.perDeviceTrainBatchSize = 8
        request.training.learningRate = 1e-3
        request.training.loggingSteps = 2
        request.precision = .float32
        request.cache = Support.cache
        return request
    }

    private static let changes: [(String, @Sendable (inout DistillRequest) throws -> Void)] = [
        ("as it is", { _ in }),
        (
            "averages, evaluations every 2 steps, patience",
            {
                $0.training.emaDecay = 0.9
                $0.training.evalSteps = 2
                $0.training.earlyStoppingPatience = 6
            }
        ),
        (
            "stages, losses with projections of their own",
            {
                var layers = TrainingStage(name: "layers", objectives: [try .init(text: "hidden_mse")])
                layers.numTrainEpochs = 1
                $0.student.hiddenSize = 16
                $0.student.attentionHeads = 2
                $0.student.initialization = .narrowed
                $0.stages = [
                    layers,
                    TrainingStage(objectives: [try .init(text: "kl"), try .init(text: "cross_entropy")]),
                ]
            }
        ),
        ("bfloat16", { $0.precision = .bfloat16 }),
        (
            "accumulation and augmentation",
            {
                $0.training.perDeviceTrainBatchSize = 4
                $0.training.gradientAccumulationSteps = 2
                $0.augmentation = try Augmentation(maskProbability: 0.1, wordDropout: 0.1)
            }
        ),
        (
            "seeds and baselines, without caches",
            {
                ($0.seeds, $0.baseline) = (2, true)
                $0.training.numTrainEpochs = 1
                ($0.cache.data, $0.cache.teacherOutputs) = (false, false)
            }
        ),
        ("quantization-aware", { $0.quantizeAware = true }),
    ]

    /// What a run left, but for times.
    private func trace(_ report: RunReport, at output: URL) throws -> [String: String] {
        var report = report
        (report.output, report.phases) = ("", [])
        report.identity?.settings["output"] = nil
        for path in [\RunReport.student, \.teacher!] as [WritableKeyPath<RunReport, ModelEvaluation>] {
            (report[keyPath: path].latencyP50Milliseconds, report[keyPath: path].latencyP95Milliseconds) = (
                nil, nil
            )
        }
        report.comparison?.speedRatio = nil
        for index in report.epochs.indices {
            (report.epochs[index].seconds, report.epochs[index].examplesPerSecond) = (0, nil)
        }
        let history = try String(contentsOf: output.appending(path: "history.jsonl"), encoding: .utf8)
        return [
            "report": try JSONText.encode(report),
            "weights": try Digest.sha256(ofFile: output.appending(path: "model.safetensors")),
            "history": history.replacing(/"examples_per_second":[^,}]*/, with: ""),
        ]
    }

    /// Runs until it has taken so many steps more, and resumes until it is done.
    private func runInParts(_ request: DistillRequest, steps: Int) throws -> (report: RunReport, parts: Int) {
        var request = request
        request.checkpoints.resume = .auto
        for part in 1...100 {
            let taken = Counter()
            do {
                let report = try DistillationRun(request).run(
                    onEvent: { if case .progress(let now) = $0, now.unit == "step" { taken.value += 1 } },
                    stopRequest: { taken.value >= steps ? .checkpoint : nil })
                return (report, part)
            } catch is InterruptedError {}
        }
        throw DistillationError("the run does not end")
    }

    @Test(
        "a run that is stopped every few steps leaves what an undisturbed one leaves",
        arguments: 0..<changes.count)
    func resumes(change: Int) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var whole = request("whole")
        try Self.changes[change].1(&whole)
        let expected = try trace(DistillationRun(whole).run(), at: whole.output)
        var stopped = whole
        stopped.output = scratch.appending(path: "stopped")
        let (report, parts) = try runInParts(stopped, steps: 3)
        #expect(parts > 2, "it was never stopped")
        let left = try trace(report, at: stopped.output)
        for (name, value) in expected { #expect(left[name] == value, "\(Self.changes[change].0): \(name)") }
        // A run that is done has no use for its checkpoints.
        #expect(try files() == ["stopped", "whole"])
    }

    @Test("a finished run that is started again with resume does nothing, and gives its report")
    func finished() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("student")
        request.training.maxSteps = 2
        let first = try DistillationRun(request).run()
        request.checkpoints.resume = .auto
        var phases: [String] = []
        let again = try DistillationRun(request).run(onEvent: {
            if case .phaseStarted(let name) = $0 { phases.append(name) }
        })
        #expect(again.student == first.student && !phases.contains("Training"))
        // It may have been killed while it removed its checkpoints.
        let removed = scratch.appending(path: "student.checkpoints/.checkpoint-2.old-1a")
        try FileManager.default.createDirectory(at: removed, withIntermediateDirectories: true)
        _ = try DistillationRun(request).run()
        #expect(try files() == ["student"])
        // What a scheduler starts again and again is not trained anew either.
        request.overwrite = true
        #expect(
            try DistillationRun(request).run(onEvent: {
                if case .phaseStarted(let name) = $0 { phases.append(name) }
            }).student == first.student && !phases.contains("Training"))
        // Another run is not taken for it.
        request.training.maxSteps = 3
        #expect(try DistillationRun(request).run().steps == 3)
        (request.training.maxSteps, request.overwrite) = (4, false)
        #expect(throws: (any Error).self) { try DistillationRun(request).run() }
    }

    @Test("a stop ends the reading of data")
    func stopsReading() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let error = #expect(throws: InterruptedError.self) {
            try DistillationRun(request("student")).run(stopRequest: { .checkpoint })
        }
        #expect(error?.outcome.contains("the data were not read to their end") == true)
        #expect(try files().isEmpty)
    }

    @Test("a resume under other settings or data is refused, naming each difference; the checkpoint stays")
    func differences() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("student")
        try stop(request, after: 3)
        request.checkpoints.resume = .latest
        request.training.learningRate = 2e-3
        request.temperature = 2
        let data = scratch.appending(path: "other.csv")
        try (String(contentsOf: reviews, encoding: .utf8) + "one more,1\n").write(
            to: data, atomically: true, encoding: .utf8)
        request.data.train = data
        let error = #expect(throws: ResumeError.self) { try DistillationRun(request).run() }
        let text = error?.description ?? ""
        for part in [
            "learning_rate was 0.001 and is 0.002", "temperature was 4 and is 2",
            "the training data has other contents",
        ] { #expect(text.contains(part), "\(text)") }
        #expect(error?.differences.filter { !$0.contains("data") }.count == 2, "\(text)")
        // Nothing is lost by starting anew without saying so either.
        request.checkpoints.resume = nil
        let refusal = #expect(throws: DistillationError.self) { try DistillationRun(request).run() }
        #expect(refusal?.description.contains("pass --resume to go on with it, or --overwrite") == true)
        #expect(try checkpoints() == ["checkpoint-3"])
    }

    @Test("another precision is named with the option that takes the same; auto and what it means are alike")
    func precision() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("student")
        request.precision = .auto
        try stop(request, after: 3)
        request.checkpoints.resume = .latest
        let meant = request.precision.resolved(on: .cpu)
        request.precision = meant == .float32 ? .bfloat16 : .float32
        let error = #expect(throws: ResumeError.self) { try DistillationRun(request).run() }
        #expect(
            error?.differences.contains {
                $0.hasPrefix("the computation's precision was \(meant.rawValue)")
                    && $0.hasSuffix("(--precision \(meant.rawValue) takes the same)")
            } == true, "\(error?.differences ?? [])")
        request.precision = meant
        let report = try DistillationRun(request).run()
        #expect(report.identity?.settings["precision"]?.text == meant.rawValue)
    }

    @Test("teachers' weights are a part of what a run is, their places are not")
    func teachers() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let moved = scratch.appending(path: "teacher")
        try FileManager.default.copyItem(at: teacher, to: moved)
        var request = request("student")
        request.teachers.append(TeacherRequest(teacher, weight: 0.5))
        try stop(request, after: 3)
        request.checkpoints.resume = .latest
        request.teachers[1] = TeacherRequest(moved, weight: 0.25)
        let error = #expect(throws: ResumeError.self) { try DistillationRun(request).run() }
        #expect(error?.differences == ["the teachers' weights were 1.0, 0.5 and are 1.0, 0.25"])
        request.teachers[1].weight = 0.5
        #expect(try DistillationRun(request).run().interrupted == false)
    }

    @Test("without a checkpoint, latest is an error and auto starts anew")
    func nothing() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("student")
        request.training.maxSteps = 1
        request.checkpoints.resume = .latest
        let error = #expect(throws: DistillationError.self) { try DistillationRun(request).run() }
        #expect(error?.description.contains("there is no checkpoint to resume from") == true)
        request.checkpoints.resume = .auto
        #expect(try DistillationRun(request).run().steps == 1)
    }

    @Test("a damaged checkpoint is told by its file, and the one before is used", arguments: 0..<5)
    func damaged(file: Int) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("student")
        request.checkpoints.saveSteps = 2
        request.training.evalSteps = 2
        var undisturbed = request
        undisturbed.output = scratch.appending(path: "whole")
        let whole = try DistillationRun(undisturbed).run()
        try stop(request, after: 6)
        #expect(try checkpoints() == ["checkpoint-4", "checkpoint-6"])
        let last = scratch.appending(path: "student.checkpoints/checkpoint-6")
        let names = try FileManager.default.contentsOfDirectory(atPath: last.path).sorted()
        try #require(
            names == [
                "SHA256SUMS", "best.safetensors", "model.safetensors", "optimizer.safetensors", "state.json",
            ])
        let damaged = last.appending(path: names[file])
        var bytes = try Data(contentsOf: damaged)
        bytes[bytes.count / 2] ^= 0x10
        try bytes.write(to: damaged)
        request.checkpoints.resume = .latest
        var warnings: [String] = []
        var notes: [String] = []
        let report = try DistillationRun(request).run(onEvent: {
            if case .warning(let text) = $0 { warnings.append(text) }
            if case .note(let text) = $0 { notes.append(text) }
        })
        #expect(notes.contains { $0.contains("checkpoint-4 (step 4)") })
        #expect(warnings.contains { $0.contains("checkpoint-6") && $0.contains("not used") }, "\(warnings)")
        #expect(report.student.metrics == whole.student.metrics)
    }

    @Test("the last checkpoints are kept, and the best one where it is to be")
    func retention() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("student")
        request.checkpoints.saveSteps = 2
        (request.checkpoints.saveTotalLimit, request.checkpoints.retention) = (1, .best)
        request.training.maxSteps = 12
        request.training.evalSteps = 3
        let report = try DistillationRun(request).run()
        let best = try #require(report.epochs.last { $0.isBest }).step
        #expect(try Set(checkpoints()) == ["checkpoint-12", "checkpoint-\(best)"])
        // A checkpoint's weights open like a model's.
        request.output = scratch.appending(path: "again")
        request.checkpoints.resume = .checkpoint(
            scratch.appending(path: "student.checkpoints/checkpoint-\(best)"))
        let again = try DistillationRun(request).run()
        #expect(again.student.metrics == report.student.metrics && again.steps == 12)
    }

    @Test("fine-tuning goes on in the same way")
    func fineTuning() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = FineTuneRequest(
            model: teacher, data: DataRequest(train: reviews), output: scratch.appending(path: "whole"))
        request.training.maxSteps = 12
        request.training.evalSteps = 3
        request.training.perDeviceTrainBatchSize = 8
        request.ignoreMismatchedSizes = true
        request.cache = Support.cache
        let whole = try FineTuningRun(request).run()
        request.output = scratch.appending(path: "stopped")
        request.checkpoints.saveSteps = 1
        let taken = Counter()
        #expect(throws: InterruptedError.self) {
            _ = try FineTuningRun(request).run(
                onEvent: { if case .progress(let now) = $0, now.unit == "step" { taken.value += 1 } },
                stopRequest: { taken.value >= 5 ? .checkpoint : nil })
        }
        request.checkpoints.resume = .latest
        let report = try FineTuningRun(request).run()
        #expect(report.student.metrics == whole.student.metrics)
        #expect(
            try Digest.sha256(ofFile: scratch.appending(path: "stopped/model.safetensors"))
                == Digest.sha256(ofFile: scratch.appending(path: "whole/model.safetensors")))
    }

    @Test("settings of a request make the same request again")
    func settings() throws {
        var request = request("student")
        for change in Self.changes { try change.1(&request) }
        request.objectives = []
        request.teachers.append(TeacherRequest(teacher, weight: 0.25))
        request.data.validation = reviews
        request.data.unlabelled = [reviews]
        request.data.columns.label = "label"
        request.data.columns.delimited.delimiter = UInt8(ascii: ";")
        request.test = reviews
        request.alpha = .linear(from: 1, to: 0)
        request.student.teacherLayers = .numbers([0, 2])
        request.card = ModelCardOptions(license: "mit", languages: ["en", "de"])
        request.checkpoints.saveSteps = 10
        let again = try DistillRequest(request.settings)
        #expect(
            again.teachers == request.teachers && again.data == request.data && again.test == request.test)
        #expect(again.student == request.student && again.training == request.training)
        #expect(again.stages == request.stages && again.alpha == request.alpha)
        #expect(again.temperature == request.temperature && again.augmentation == request.augmentation)
        #expect(again.seeds == 2 && again.baseline && again.quantizeAware && again.precision == .bfloat16)
        #expect(again.card == request.card && again.cache.root.path == request.cache.root.path)
        #expect(again.checkpoints == request.checkpoints)
        #expect(try again.settings.yaml() == request.settings.yaml())
    }

    @Test("a run is made again from its report, with the same weights; other data are named")
    func madeAgain() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let data = scratch.appending(path: "reviews.csv")
        try FileManager.default.copyItem(at: reviews, to: data)
        var request = request("first")
        for change in [0, 2, 4] { try Self.changes[change].1(&request) }
        request.data.train = data
        _ = try DistillationRun(request).run()
        let report = request.output.appending(path: "distillation.json")
        var settings = try Settings(contentsOf: report)
        settings["output"] = SettingNode(scratch.appending(path: "second").path)
        var events: [RunEvent] = []
        _ = try DistillationRun(DistillRequest(settings)).run(onEvent: { events.append($0) })
        #expect(
            events.contains(
                .note("Data, models, settings and processor are those of the run that is made again.")))
        #expect(
            try Digest.sha256(ofFile: scratch.appending(path: "first/model.safetensors"))
                == Digest.sha256(ofFile: scratch.appending(path: "second/model.safetensors")))
        try (String(contentsOf: data, encoding: .utf8) + "one more,1\n").write(
            to: data, atomically: true, encoding: .utf8)
        settings["output"] = SettingNode(scratch.appending(path: "third").path)
        events = []
        _ = try DistillationRun(DistillRequest(settings)).run(onEvent: { events.append($0) })
        let warnings = events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
        #expect(warnings.contains { $0.contains("the training data has other contents") }, "\(warnings)")
        // Another command's report is no configuration.
        #expect(throws: SettingsError.self) { try FineTuneRequest(Settings(contentsOf: report)) }
    }

    @Test("after Ctrl-C other settings are named as well, and without resume the way to go on is")
    func afterFinish() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("student")
        request.training.evalSteps = 2
        let taken = Counter()
        let report = try DistillationRun(request).run(
            onEvent: { if case .progress(let now) = $0, now.unit == "step" { taken.value += 1 } },
            stopRequest: { taken.value >= 5 ? .finish : nil })
        #expect(try report.interrupted && checkpoints() == ["checkpoint-5"])
        let refusal = #expect(throws: DistillationError.self) { try DistillationRun(request).run() }
        #expect(refusal?.description.contains("pass --resume to go on from it") == true)
        request.checkpoints.resume = .auto
        request.training.learningRate = 2e-3
        let error = #expect(throws: ResumeError.self) { try DistillationRun(request).run() }
        #expect(error?.differences == ["learning_rate was 0.001 and is 0.002"])
        request.training.learningRate = 1e-3
        #expect(try !DistillationRun(request).run().interrupted)
    }

    @Test(
        "another run's checkpoints beside the output stay, and a checkpoint from elsewhere is saved anew at a stop"
    )
    func elsewhere() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let first = request("student")
        try stop(first, after: 3)
        var second = request("other")
        second.training.learningRate = 2e-3
        try stop(second, after: 4)
        let checkpoint = scratch.appending(path: "other.checkpoints/checkpoint-4")
        second.output = first.output
        second.checkpoints.resume = .checkpoint(checkpoint)
        #expect(throws: ResumeError.self) { try DistillationRun(second).run() }
        #expect(try checkpoints() == ["checkpoint-3"])
        second.output = scratch.appending(path: "third")
        #expect(throws: InterruptedError.self) {
            _ = try DistillationRun(second).run(stopRequest: { .checkpoint })
        }
        // The teacher's outputs come first: nothing was trained, and nothing is claimed to be saved.
        #expect(!FileManager.default.fileExists(atPath: scratch.appending(path: "third.checkpoints").path))
        let error = #expect(throws: DistillationError.self) {
            second.checkpoints.resume = .checkpoint(scratch.appending(path: "other.checkpoints"))
            _ = try DistillationRun(second).run()
        }
        #expect(error?.description.contains("is no checkpoint") == true)
    }

    @Test("where no checkpoint can be written, a stop says so")
    func unwritable() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("student")
        request.checkpoints.saveSteps = 2
        try Data().write(to: scratch.appending(path: "student.checkpoints"))
        let taken = Counter()
        #expect(throws: FileError.self) {
            _ = try DistillationRun(request).run(
                onEvent: { if case .progress(let now) = $0, now.unit == "step" { taken.value += 1 } },
                stopRequest: { taken.value >= 4 ? .checkpoint : nil })
        }
    }

    @Test("with baselines the best checkpoint of the student stays")
    func retentionWithBaseline() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("student")
        request.checkpoints.saveSteps = 5
        (request.checkpoints.saveTotalLimit, request.checkpoints.retention) = (1, .best)
        (request.training.maxSteps, request.training.evalSteps, request.baseline) = (6, 3, true)
        let report = try DistillationRun(request).run()
        let best = try #require(report.epochs.last { $0.isBest }).step
        #expect(try checkpoints().contains("checkpoint-\(best)"))
    }

    // MARK: - Helpers

    private func stop(_ request: DistillRequest, after steps: Int) throws {
        let taken = Counter()
        #expect(throws: InterruptedError.self) {
            _ = try DistillationRun(request).run(
                onEvent: { if case .progress(let now) = $0, now.unit == "step" { taken.value += 1 } },
                stopRequest: { taken.value >= steps ? .checkpoint : nil })
        }
    }

    private func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
    }

    private func checkpoints() throws -> [String] {
        try FileManager.default.contentsOfDirectory(
            atPath: scratch.appending(path: "student.checkpoints").path
        ).sorted()
    }
}
