import Datasets
import Distillation
import Files
import Foundation
import Safetensors
import Transformers

/// Measures language models side by side, each in a process of its own: prefill, which reads all prompts, and decode, which writes
/// one token of every text at a time with the keys and values of those before it.
///
/// A batch size and a length of the prompts is a cell. Models take turns as in ``BenchmarkRun``. Tokens are random, and every text is
/// continued by the most probable token, whatever it is.
public struct GenerationBenchmarkRun {
    /// The request that is measured.
    public let request: BenchmarkRequest
    private let names: [String]
    private let threads: Int

    /// Returns true for a language model: a GGUF file, or a directory whose `config.json` is a decoder's.
    ///
    /// - Parameter url: A model that may be benchmarked.
    public static func takes(_ url: URL) -> Bool {
        AutoModel.isGGUF(url) || (try? ModelConfiguration(contentsOf: url).isDecoder) == true
    }

    /// Looks at the request.
    ///
    /// - Parameter request: The models, the batch sizes, and for lengths those of the prompts.
    /// - Throws: `DistillationError` for invalid settings and for models that are no language models.
    public init(_ request: BenchmarkRequest) throws {
        try request.validate()
        guard request.newTokens >= 2 && request.newTokens <= 100_000 else {
            throw DistillationError(
                "new tokens must be from 2 to 100000, the first of which belongs to the prefill; got \(request.newTokens)"
            )
        }
        if let other = request.models.first(where: { !Self.takes($0) }) {
            throw DistillationError(
                "\(other.path): is no language model, so that it cannot be measured beside one; measure each kind by itself"
            )
        }
        if let data = request.data {
            throw DistillationError(
                "\(data.path): the benchmark of language models reads no data; use `distill evaluate` for their quality"
            )
        }
        self.request = request
        threads = request.threads ?? ProcessInfo.processInfo.activeProcessorCount
        let own = request.models.map { $0.standardizedFileURL.lastPathComponent }
        names = own.indices.map { index in
            let isShared = own.indices.contains { $0 != index && own[$0] == own[index] }
            return isShared ? "\(own[index]) (\(own[...index].count { $0 == own[index] }))" : own[index]
        }
    }

    /// Measures.
    ///
    /// - Parameters:
    ///   - onEvent: Told what goes on.
    ///   - shouldStop: Asked between turns.
    /// - Throws: `DistillationError` where a worker refuses or dies; `InterruptedError` where `shouldStop` became true.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> GenerationBenchmarkReport {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        log.warnWithoutOptimization()
        let session = GenerationBenchmarkSession(request, names: names, threads: threads, shouldStop)
        defer { session.close() }
        do {
            try log.phase("Loading") { try session.load(times: BenchmarkRun.loads) }
            let total = request.batchSizes.count * request.lengths.count
            var cells: [GenerationBenchmarkReport.Cell] = []
            try log.phase("Timing") {
                for batch in request.batchSizes {
                    for length in request.lengths {
                        cells.append(try session.cell(batch, length))
                        var progress = RunProgress(
                            completed: cells.count, total: total, unit: "cell", examples: cells.count,
                            detail: "batch \(batch), prompts of \(length)")
                        progress.counted = "cell"
                        log.send(.progress(progress))
                    }
                }
            }
            return GenerationBenchmarkReport(
                models: session.models(), cells: cells,
                settings: .init(
                    rounds: request.rounds, seconds: request.seconds, threads: threads,
                    precision: request.precision.rawValue,
                    pauseMilliseconds: BenchmarkRun.pauseSeconds * 1e3,
                    ompWaitPolicy: request.environment["OMP_WAIT_POLICY"], seed: request.seed),
                machine: .measured, version: Version.current)
        } catch {
            // The same Ctrl-C ends the workers.
            if shouldStop() { throw InterruptedError() }
            throw error
        }
    }
}
