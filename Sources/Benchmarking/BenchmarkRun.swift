import Datasets
import Distillation
import Foundation
import Tokenizers
import Transformers

/// Measures several models side by side, each in a process of its own.
///
/// Each batch size and length is a cell. In a cell all models are warmed up; then each is measured once a round, in an
/// order that rotates from round to round, after a pause in which the threads of the model before fall asleep. So a
/// change of the machine's speed affects all models alike. `docs/benchmark.md` says more.
public struct BenchmarkRun {
    /// The request that is measured.
    public let request: BenchmarkRequest
    let subjects: [BenchmarkSubject]
    let threads: Int

    /// Before each turn: longer than OpenMP's and ONNX Runtime's threads spin.
    static let pauseSeconds = 0.05
    /// Fresh processes of each model for its loading time.
    static let loads = 3
    /// Different batches of a cell, used in turn.
    static let variants = 4
    /// Texts in a forward pass in bulk.
    static let bulkBatch = 64
    /// Texts that are timed in bulk, spread evenly over the data.
    static let bulkTexts = 1024

    /// Looks at the models' files.
    ///
    /// - Throws: `DistillationError` for invalid settings and for models that cannot be measured; the error of a
    ///   file that cannot be read, which names it.
    public init(_ request: BenchmarkRequest) throws {
        try request.validate()
        self.request = request
        subjects = try BenchmarkSubject.all(request.models)
        threads = request.threads ?? ProcessInfo.processInfo.activeProcessorCount
        for subject in subjects {
            if let length = request.lengths.max(), length > subject.maximumLength {
                throw DistillationError(
                    "\(subject.path.path): takes at most \(subject.maximumLength) tokens, so the length \(length) cannot "
                        + "be measured; give shorter --lengths")
            }
        }
    }

    /// Measures.
    ///
    /// - Parameters:
    ///   - onEvent: Told what goes on.
    ///   - shouldStop: Asked between turns.
    /// - Throws: `DistillationError` where a worker refuses or dies; `InterruptedError` where `shouldStop` became
    ///   true.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> BenchmarkReport {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        log.warnWithoutOptimization()
        // Read first: an error in the data must not come after the measurements.
        let data = try request.data.map { url in
            try log.phase("Reading and tokenizing data") {
                try subjects.map { try BenchmarkData(url, request, $0, among: subjects, log) }
            }
        }
        let session = BenchmarkSession(self, log, shouldStop)
        defer { session.close() }
        do {
            try log.phase("Loading") { try session.load() }
            let cells = try log.phase("Timing") { try session.cells() }
            let bulk = try data.map { data in try log.phase("Timing in bulk") { try session.bulk(data) } }
            let logits = try data.map { data in try log.phase("Evaluating") { try session.logits(data) } }
            var models = session.models()
            if let data, let logits { try evaluate(&models, data, logits) }
            return BenchmarkReport(
                models: models, cells: cells, bulk: bulk, settings: settings, machine: .measured,
                data: data?.first?.record, version: Version.current)
        } catch {
            // The same Ctrl-C ends the workers.
            if shouldStop() { throw InterruptedError() }
            throw error
        }
    }

    private var settings: BenchmarkReport.Settings {
        .init(
            rounds: request.rounds, seconds: request.seconds, threads: threads,
            precision: request.precision.rawValue, pauseMilliseconds: Self.pauseSeconds * 1e3,
            ompWaitPolicy: request.environment["OMP_WAIT_POLICY"], seed: request.seed)
    }

    private func evaluate(
        _ models: inout [BenchmarkReport.Model], _ data: [BenchmarkData], _ logits: [Logits]
    ) throws {
        for index in models.indices {
            let own = logits[index]
            if data[index].dataset.labeledCount > 0 {
                models[index].metrics = try Evaluator.validation(own, targets: data[index].dataset.targets)
            }
            guard index > 0, data[index].labels == data[0].labels, own.classes == logits[0].classes else {
                continue
            }
            models[index].agreement =
                try data[0].dataset.problemType.outputs.compare(student: own, teacher: logits[0])[
                    .agreement]
        }
    }
}
