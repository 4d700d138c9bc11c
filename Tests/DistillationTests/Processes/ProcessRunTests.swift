import Files
import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

/// Whole runs by several processes, against the run of one.
@Suite("Runs by several processes", .serialized)
struct ProcessRunTests {
    private let scratch: URL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(
            path: "distill-process-runs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func request(_ name: String) -> DistillRequest {
        var request = DistillRequest(
            teacher: Support.teacher, data: DataRequest(train: Support.reviews),
            output: scratch.appending(path: name))
        request.student.layers = 2
        request.student.hiddenSize = 32
        request.student.initialization = .teacherLayers
        request.training.numTrainEpochs = 2
        request.training.perDeviceTrainBatchSize = 8
        request.training.learningRate = 2e-4
        request.training.loggingSteps = 4
        request.precision = .float32
        request.cache.directory = scratch.appending(path: "cache-\(name)")
        return request
    }

    private func weights(_ request: DistillRequest) throws -> [String: [Float]] {
        let (model, _) = try AutoModel.load(from: request.output)
        var values: [String: [Float]] = [:]
        for entry in model.parameters.entries { values[entry.name] = try entry.tensor.array() }
        return values
    }

    /// The difference of two models' weights, relative to their size.
    private func difference(_ one: [String: [Float]], _ other: [String: [Float]]) -> Double {
        var (error, size) = (0.0, 0.0)
        for (name, values) in one {
            for (a, b) in zip(values, other[name] ?? []) {
                error += Double(a - b) * Double(a - b)
                size += Double(a) * Double(a)
            }
        }
        return (error / size).squareRoot()
    }

    @Test(
        "two and three processes give one's weights but for rounding, its history, and the same bits each time"
    )
    func sameRun() throws {
        var alone = request("alone")
        alone.seeds = 2
        alone.baseline = true
        let expected = try DistillationRun(alone).run()
        let reference = try weights(alone)
        for count in [2, 3, 2] {
            var shared = alone
            shared.output = scratch.appending(path: "together-\(count)")
            shared.cache.directory = scratch.appending(path: "cache-\(UUID().uuidString)")
            let again = FileManager.default.fileExists(atPath: shared.output.path)
            let before = again ? try weights(shared) : nil
            shared.overwrite = again
            let request = shared
            let reports = try Together.run(count) { try DistillationRun(request).run(processes: $0) }
            #expect(reports.allSatisfy { $0 == reports[0] }, "all have process 0's report")
            let report = reports[0]
            let own = try weights(shared)
            #expect(difference(reference, own) < 1e-4)
            if let before { #expect(before == own) }
            #expect(report.epochs.count == expected.epochs.count && report.steps == expected.steps)
            for (a, b) in zip(report.epochs, expected.epochs) {
                #expect((a.step, a.isBest) == (b.step, b.isBest))
                #expect(abs(a.trainLoss - b.trainLoss) < 1e-3 * b.trainLoss)
            }
            #expect(report.teacher?.metrics == expected.teacher?.metrics)
        }
    }

    @Test("a run that two processes begin goes on with three, and with one")
    func resume() throws {
        let alone = request("undisturbed")
        _ = try DistillationRun(alone).run()
        var stopped = request("stopped")
        stopped.checkpoints.saveSteps = 4
        let request = stopped
        let results = try Together.results(2) { processes in
            let taken = Counter()
            return try DistillationRun(request).run(
                onEvent: {
                    if case .progress(let now) = $0, now.unit == "step" { taken.value = now.completed }
                },
                // One process is asked to stop: all do.
                stopRequest: { processes.rank == 1 && taken.value >= 6 ? .checkpoint : nil },
                processes: processes)
        }
        for result in results { #expect(throws: InterruptedError.self) { try result.get() } }
        stopped.checkpoints.resume = .latest
        let resumed = stopped
        let more = try Together.results(3) { processes in
            let taken = Counter()
            return try DistillationRun(resumed).run(
                onEvent: {
                    if case .progress(let now) = $0, now.unit == "step" { taken.value = now.completed }
                },
                stopRequest: { processes.rank == 0 && taken.value >= 12 ? .checkpoint : nil },
                processes: processes)
        }
        for result in more { #expect(throws: InterruptedError.self) { try result.get() } }
        let report = try DistillationRun(resumed).run()
        #expect(!report.interrupted)
        #expect(try difference(weights(alone), weights(stopped)) < 1e-4)
    }

    @Test("a process with other settings is named before anything is done")
    func otherSettings() throws {
        let request = request("other")
        let results = try Together.results(2) { processes in
            var own = request
            own.training.seed += UInt64(processes.rank)
            return try DistillationRun(own).run(processes: processes)
        }
        for result in results {
            let error = #expect(throws: DistillationError.self) { try result.get() }
            #expect(error?.description.contains("process 1 does not do the same as process 0") ?? false)
            #expect(error?.description.contains("seed was 42 and is 43") ?? false)
        }
    }

    @Test("what ends one process ends the others at once, and they name it")
    func failure() throws {
        struct Trouble: Error, CustomStringConvertible { let description = "the roof is on fire" }
        let start = Date()
        let results = try Together.results(3) { processes in
            for turn in 0..<5 {
                _ = try processes.group.sum([1])
                if turn == 3, processes.rank == 1 { throw Trouble() }
            }
        }
        #expect(-start.timeIntervalSinceNow < 30)
        #expect(throws: Trouble.self) { try results[1].get() }
        for rank in [0, 2] {
            let error = #expect(throws: ProcessLossError.self) { try results[rank].get() }
            #expect(error?.description == "process 1 of 3 ended: the roof is on fire")
        }
    }

    @Test("a process that does not start is named")
    func missing() throws {
        let server = try ProcessStore(host: "127.0.0.1", port: 0, isServer: true, timeout: 30)
        let error = #expect(throws: ProcessLossError.self) {
            try Processes(
                ProcessEnvironment(
                    rank: 1, worldSize: 3, localRank: 0, localWorldSize: 1, masterAddress: "127.0.0.1",
                    masterPort: server.port, hasAgentStore: true), startTimeout: 1)
        }
        #expect(error?.description == "processes 0, 2 of 3 did not start within 1 seconds")
    }

    @Test("fine-tuning by two processes")
    func fineTuning() throws {
        var alone = FineTuneRequest(
            model: Support.teacher, data: DataRequest(train: Support.reviews),
            output: scratch.appending(path: "finetuned"))
        alone.training.maxSteps = 10
        alone.training.perDeviceTrainBatchSize = 8
        alone.precision = .float32
        alone.cache = Support.cache
        let expected = try FineTuningRun(alone).run()
        var shared = alone
        shared.output = scratch.appending(path: "finetuned-together")
        let request = shared
        let reports = try Together.run(2) { try FineTuningRun(request).run(processes: $0) }
        #expect(abs((reports[0].student.metrics[.loss] ?? 0) - (expected.student.metrics[.loss] ?? 1)) < 1e-4)
    }
}
