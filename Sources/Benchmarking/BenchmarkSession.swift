import Datasets
import Distillation
import Files
import Foundation
import Tokenizers

/// A benchmark under way: the workers, and their answers.
final class BenchmarkSession {
    private let run: BenchmarkRun
    private let log: RunLog
    private let shouldStop: () -> Bool
    private var workers: [WorkerProcess] = []
    /// The answer of each worker once it had loaded its model.
    private var loaded: [WorkerAnswer] = []
    private var loadTimes: [[Double]]
    /// The folder through which the processes exchange texts and logits; made at the first exchange.
    private var folder: TemporaryFolder?

    private var subjects: [BenchmarkSubject] { run.subjects }
    private var request: BenchmarkRequest { run.request }

    init(_ run: BenchmarkRun, _ log: RunLog, _ shouldStop: @escaping () -> Bool) {
        self.run = run
        self.log = log
        self.shouldStop = shouldStop
        loadTimes = run.subjects.map { _ in [] }
    }

    func close() {
        for worker in workers { worker.close() }
        workers = []
        folder = nil
    }

    // MARK: - Loading

    /// Starts fresh workers for each model, in turn; the last ones stay.
    func load() throws {
        for round in 0..<BenchmarkRun.loads {
            for worker in workers { worker.close() }
            var started = [WorkerProcess?](repeating: nil, count: subjects.count)
            defer { workers = started.compactMap(\.self) }
            loaded = subjects.map { _ in WorkerAnswer() }
            try inTurn(round) { index in
                let subject = subjects[index]
                let worker = try WorkerProcess(
                    name: subject.name, command: try command(for: subject), environment: environment)
                started[index] = worker
                let answer = try worker.ask(
                    WorkerRequest(
                        command: .load, model: subject.path.path(percentEncoded: false), threads: run.threads,
                        precision: request.precision.rawValue), "loading the model")
                loadTimes[index].append(answer.loadSeconds ?? 0)
                loaded[index] = answer
            }
        }
    }

    private func command(for subject: BenchmarkSubject) throws -> BenchmarkRequest.Command {
        switch subject.kind {
        case .ours: request.worker
        case .onnx: try OnnxWorker.command(request.environment)
        }
    }

    private var environment: [String: String] {
        var environment = request.environment
        environment["OMP_NUM_THREADS"] = String(run.threads)
        return environment
    }

    // MARK: - Cells

    func cells() throws -> [BenchmarkReport.Cell] {
        var cells: [BenchmarkReport.Cell] = []
        let total = request.batchSizes.count * request.lengths.count
        var sentences = 0
        for batch in request.batchSizes {
            for length in request.lengths {
                cells.append(try cell(batch, length))
                let passes = cells.last?.results.reduce(0) { $0 + $1.passesPerRound * request.rounds } ?? 0
                sentences += passes * batch
                log.send(
                    .progress(
                        RunProgress(
                            completed: cells.count, total: total, unit: "cell", examples: sentences,
                            detail: "batch \(batch), length \(length)")))
            }
        }
        return cells
    }

    private func cell(_ batch: Int, _ length: Int) throws -> BenchmarkReport.Cell {
        let purpose = "measuring batches of \(batch), length \(length)"
        var warm = [WorkerAnswer?](repeating: nil, count: workers.count)
        try inTurn(0) { index in
            warm[index] = try workers[index].ask(
                WorkerRequest(
                    command: .warm, batch: batch, length: length,
                    inputs: inputs(subjects[index], batch, length)), purpose)
        }
        let passes = warm.map { answer in
            let once = answer?.seconds?.first ?? 0
            let wanted = request.seconds / Double(request.rounds) / max(once, 1e-6)
            return Int(min(max(wanted.rounded(.up), 3), 20_000))
        }
        var times = [[[Double]]](repeating: [], count: workers.count)
        for round in 0..<request.rounds {
            try inTurn(round) { index in
                let answer = try workers[index].ask(
                    WorkerRequest(command: .run, passes: passes[index]), purpose)
                times[index].append(answer.seconds ?? [])
            }
        }
        let timings = try summaries(times, purpose)
        let results = timings.enumerated().map { index, timing in
            BenchmarkReport.CellResult(
                timing: timing, sentencesPerSecond: Double(batch) / max(timing.p50Milliseconds / 1e3, 1e-9),
                speedup: timing.speedup(over: timings[0]), warmUpPasses: warm[index]?.passes ?? 0,
                isWarmUpStable: warm[index]?.isStable ?? false, passesPerRound: passes[index])
        }
        return BenchmarkReport.Cell(batch: batch, length: length, results: results)
    }

    private func summaries(_ times: [[[Double]]], _ purpose: String) throws -> [TimingSummary] {
        try times.enumerated().map { index, rounds in
            guard let summary = TimingSummary(rounds: rounds), summary.p50Milliseconds.isFinite,
                summary.roundMediansMilliseconds.count == request.rounds
            else {
                throw DistillationError("\(subjects[index].name): its worker gave no times while \(purpose)")
            }
            return summary
        }
    }

    /// Batches of random tokens of the model's vocabulary between its own special ones.
    private func inputs(_ subject: BenchmarkSubject, _ batch: Int, _ length: Int) -> [[Int32]] {
        guard let tokenizer = subject.tokenizer else { return [] }
        let named = [
            tokenizer.padTokenID, tokenizer.unknownTokenID, tokenizer.clsTokenID, tokenizer.sepTokenID,
            tokenizer.maskTokenID,
        ]
        let special = Set(named.compactMap(\.self))
        let limit = min(Int32(subject.configuration?.vocabSize ?? .max), tokenizer.largestTokenID + 1)
        let words = (0..<limit).filter { !special.contains($0) }
        var generator = SeededGenerator(seed: request.seed &+ UInt64(batch &* 8192 &+ length))
        return (0..<BenchmarkRun.variants).map { _ in
            (0..<batch * length).map { position in
                if position % length == 0, let id = tokenizer.clsTokenID { return id }
                if position % length == length - 1, let id = tokenizer.sepTokenID { return id }
                return words.randomElement(using: &generator) ?? 0
            }
        }
    }

    // MARK: - Data

    func bulk(_ data: [BenchmarkData]) throws -> BenchmarkReport.Bulk {
        let samples = data.map { $0.sample(BenchmarkRun.bulkTexts) }
        try give(samples, "reading the texts")
        let purpose = "measuring the data's texts in bulk"
        var times = [[[Double]]](repeating: [], count: workers.count)
        // The first round warms up.
        for round in 0...request.rounds {
            try inTurn(round) { index in
                let answer = try workers[index].ask(WorkerRequest(command: .bulk), purpose)
                if round > 0 { times[index].append(answer.seconds ?? []) }
            }
            log.send(
                .progress(
                    RunProgress(
                        completed: round + 1, total: request.rounds + 1, unit: "round",
                        examples: (round + 1) * samples.reduce(0) { $0 + $1.count })))
        }
        let timings = try summaries(times, purpose)
        let results = timings.enumerated().map { index, timing in
            let sample = samples[index]
            return BenchmarkReport.BulkResult(
                timing: timing,
                sentencesPerSecond: Double(sample.count) / max(timing.p50Milliseconds / 1e3, 1e-9),
                speedup: timing.speedup(over: timings[0]),
                meanLength: Double(sample.lengths.reduce(0) { $0 + Int($1) }) / Double(max(1, sample.count)))
        }
        return BenchmarkReport.Bulk(
            sentences: samples[0].count, batch: BenchmarkRun.bulkBatch, results: results)
    }

    /// Each model's logits of all texts.
    func logits(_ data: [BenchmarkData]) throws -> [Logits] {
        try give(data.map(\.dataset), "reading the texts")
        return try workers.indices.map { index in
            try check()
            let file = try exchange("logits-\(index)")
            let answer = try workers[index].ask(
                WorkerRequest(command: .logits, file: file.path(percentEncoded: false)),
                "evaluating the data's texts")
            let (dataset, classes) = (data[index].dataset, data[index].labels.count)
            // A token classifier gives each token a row.
            let count =
                dataset.problemType.labelsWords
                ? dataset.lengths.reduce(0) { $0 + Int($1) } : dataset.count
            guard answer.classes == classes else {
                throw DistillationError(
                    "\(subjects[index].path.path): has \(answer.classes ?? 0) outputs, its labels are \(classes) "
                        + "(\(data[index].labels.prefix(5).joined(separator: ", "))); give the config.json that belongs to it"
                )
            }
            let mapped = try MappedFile(file)
            let bytes = mapped.bytes
            guard bytes.count == 4 * count * classes else {
                throw DistillationError(
                    "\(subjects[index].name): its worker wrote \(bytes.count) bytes of logits")
            }
            let values = withExtendedLifetime(mapped) {
                (0..<count * classes).map {
                    Float(
                        bitPattern: UInt32(
                            littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
                }
            }
            try log.advance(by: dataset.count)
            let logits = dataset.rows(
                ofTokens: Logits(values: values, classes: classes), data[index].labels)
            try logits.requireFinite(of: subjects[index].path.path(percentEncoded: false))
            return logits
        }
    }

    /// A file that both processes know.
    private func exchange(_ name: String) throws -> URL {
        let folder = try self.folder ?? TemporaryFolder()
        self.folder = folder
        return folder.url.appending(path: name)
    }

    private func give(_ datasets: [EncodedDataset], _ purpose: String) throws {
        for index in workers.indices {
            let file = try exchange("texts-\(index)")
            try TokenFile(datasets[index]).write(to: file)
            _ = try workers[index].ask(
                WorkerRequest(
                    command: .texts, batch: BenchmarkRun.bulkBatch, file: file.path(percentEncoded: false)),
                purpose)
        }
    }

    // MARK: - Turns

    /// Gives each model its turn, in another order from round to round.
    private func inTurn(_ round: Int, _ body: (Int) throws -> Void) throws {
        for turn in subjects.indices {
            try check()
            usleep(UInt32(BenchmarkRun.pauseSeconds * 1e6))
            try body((turn + round) % subjects.count)
        }
    }

    private func check() throws { if shouldStop() { throw InterruptedError() } }

    // MARK: - Models

    func models() -> [BenchmarkReport.Model] {
        subjects.enumerated().map { index, subject in
            let loads = loadTimes[index].map { $0 * 1e3 }
            let cost = subject.configuration.flatMap { ForwardCost($0) }
            return BenchmarkReport.Model(
                name: subject.name, path: subject.path.path(percentEncoded: false),
                runtime: loaded[index].runtime ?? "",
                tokenizer: subject.tokenizerDirectory?.path(percentEncoded: false) ?? "",
                parameters: loaded[index].parameters ?? subject.configuration?.parameterCount,
                weightBytes: subject.weightBytes,
                loadedMemoryBytes: loaded[index].peakMemory ?? 0, peakMemoryBytes: workers[index].peakMemory,
                loadMilliseconds: quantile(loads.sorted(), 0.5), loadsMilliseconds: loads,
                idleCpuShare: workers[index].idleShare,
                multiplyAdds: cost.map { cost in
                    request.lengths.map {
                        .init(length: $0, needed: cost.needed(length: $0), full: cost.full(length: $0))
                    }
                })
        }
    }
}
