import Datasets
import Distillation
import Foundation
import Safetensors
import Transformers

/// A benchmark of language models under way: the workers, and their answers.
final class GenerationBenchmarkSession {
    private let request: BenchmarkRequest
    private let names: [String]
    private let threads: Int
    private let shouldStop: () -> Bool
    private var workers: [WorkerProcess] = []
    /// The answer of each worker once it had loaded its model.
    private var loaded: [WorkerAnswer] = []
    private var loadTimes: [[Double]]

    init(_ request: BenchmarkRequest, names: [String], threads: Int, _ shouldStop: @escaping () -> Bool) {
        (self.request, self.names, self.threads, self.shouldStop) = (request, names, threads, shouldStop)
        loadTimes = names.map { _ in [] }
    }

    func close() {
        for worker in workers { worker.close() }
        workers = []
    }

    /// Starts fresh workers for each model, in turn, a few times; the last ones stay.
    func load(times: Int) throws {
        var environment = request.environment
        environment["OMP_NUM_THREADS"] = String(threads)
        for round in 0..<times {
            close()
            var started = [WorkerProcess?](repeating: nil, count: names.count)
            defer { workers = started.compactMap(\.self) }
            loaded = names.map { _ in WorkerAnswer() }
            try inTurn(round) { index in
                let worker = try WorkerProcess(
                    name: names[index], command: request.worker, environment: environment)
                started[index] = worker
                let answer = try worker.ask(
                    WorkerRequest(
                        command: .loadLanguageModel, model: request.models[index].path(percentEncoded: false),
                        threads: threads, precision: request.precision.rawValue), "loading the model")
                loadTimes[index].append(answer.loadSeconds ?? 0)
                loaded[index] = answer
            }
        }
    }

    func cell(_ batch: Int, _ length: Int) throws -> GenerationBenchmarkReport.Cell {
        for (name, answer) in zip(names, loaded) {
            guard let positions = answer.positions, length + request.newTokens > positions else { continue }
            throw DistillationError(
                "\(name): reads at most \(positions) tokens, so that prompts of \(length) with \(request.newTokens) new tokens cannot be "
                    + "measured; give shorter --lengths or fewer --new-tokens")
        }
        let purpose = "writing \(batch) texts after prompts of \(length) tokens"
        func ask(_ index: Int, passes: Int) throws -> [Double] {
            try workers[index].ask(
                WorkerRequest(
                    command: .generate, batch: batch, length: length, inputs: [ids(index, batch * length)],
                    passes: passes, newTokens: request.newTokens), purpose
            ).seconds ?? []
        }
        var passes = [Int](repeating: 1, count: names.count)
        try inTurn(0) { index in
            let once = try ask(index, passes: 1).reduce(0, +)
            let wanted = request.seconds / Double(request.rounds) / max(once, 1e-6)
            passes[index] = Int(min(max(wanted.rounded(.up), 1), 1000))
        }
        var prefill = [[[Double]]](repeating: [], count: names.count)
        var decode = prefill
        for round in 0..<request.rounds {
            try inTurn(round) { index in
                let times = try ask(index, passes: passes[index])
                prefill[index].append(times.enumerated().filter { $0.offset % 2 == 0 }.map(\.element))
                decode[index].append(times.enumerated().filter { $0.offset % 2 == 1 }.map(\.element))
            }
        }
        let (first, rest) = (try summaries(prefill, purpose), try summaries(decode, purpose))
        func rate(_ tokens: Int, _ timing: TimingSummary) -> Double {
            Double(tokens) / max(timing.p50Milliseconds / 1e3, 1e-9)
        }
        return GenerationBenchmarkReport.Cell(
            batch: batch, promptTokens: length, newTokens: request.newTokens,
            results: names.indices.map { index in
                GenerationBenchmarkReport.Result(
                    prefill: first[index], prefillTokensPerSecond: rate(batch * length, first[index]),
                    prefillSpeedup: first[index].speedup(over: first[0]), decode: rest[index],
                    decodeTokensPerSecond: rate(batch * (request.newTokens - 1), rest[index]),
                    decodeSpeedup: rest[index].speedup(over: rest[0]))
            })
    }

    private func summaries(_ times: [[[Double]]], _ purpose: String) throws -> [TimingSummary] {
        try times.enumerated().map { index, rounds in
            guard let summary = TimingSummary(rounds: rounds), summary.p50Milliseconds.isFinite,
                summary.roundMediansMilliseconds.count == request.rounds
            else { throw DistillationError("\(names[index]): its worker gave no times while \(purpose)") }
            return summary
        }
    }

    /// Random tokens of the model's vocabulary.
    private func ids(_ index: Int, _ count: Int) -> [Int32] {
        let vocabulary = Int32(clamping: loaded[index].vocabulary ?? 1)
        var generator = SeededGenerator(seed: request.seed &+ UInt64(count))
        return (0..<count).map { _ in Int32.random(in: 0..<max(1, vocabulary), using: &generator) }
    }

    /// Gives each model its turn, in another order from round to round.
    private func inTurn(_ round: Int, _ body: (Int) throws -> Void) throws {
        for turn in names.indices {
            if shouldStop() { throw InterruptedError() }
            usleep(UInt32(BenchmarkRun.pauseSeconds * 1e6))
            try body((turn + round) % names.count)
        }
    }

    func models() -> [GenerationBenchmarkReport.Model] {
        names.indices.map { index in
            let path = request.models[index]
            let file =
                AutoModel.isGGUF(path) ? try? FileManager.default.attributesOfItem(atPath: path.path) : nil
            return GenerationBenchmarkReport.Model(
                name: names[index], path: path.path(percentEncoded: false),
                runtime: loaded[index].runtime ?? "",
                parameters: loaded[index].parameters ?? 0,
                weightBytes: file?[.size] as? Int ?? SafetensorsCheckpoint.weightBytes(in: path),
                loadedMemoryBytes: loaded[index].peakMemory ?? 0, peakMemoryBytes: workers[index].peakMemory,
                loadMilliseconds: quantile(loadTimes[index].map { $0 * 1e3 }.sorted(), 0.5),
                idleCpuShare: workers[index].idleShare)
        }
    }
}
