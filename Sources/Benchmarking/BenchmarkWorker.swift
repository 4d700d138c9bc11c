import Distillation
import Files
import Foundation
import Torch
import Transformers

/// The process that runs one model for a benchmark: it reads requests from standard input, a line each, and answers on
/// standard output. `distill benchmark` starts it by a hidden command.
public final class BenchmarkWorker {
    var model: TransformerModel?
    var precision = Precision.float32
    private var inputs: [PackedInput] = []
    private var tokens: TokenFile?
    private var batches: [PackedInput] = []
    /// The sentences of each batch.
    private var batchIndices: [[Int]] = []
    private var nextInput = 0

    /// The length of the first sentence, whose logits end the loading.
    static let firstLength = 8

    private init() {}

    /// Answers requests until the input ends. A request that cannot be met is answered with the reason, and ends it.
    public static func run() {
        let worker = BenchmarkWorker()
        while let line = readLine() {
            let before = ProcessUsage.processorSeconds
            var answer: WorkerAnswer
            do {
                answer = try worker.answer(JSONText.decode(WorkerRequest.self, from: line))
            } catch {
                answer = WorkerAnswer(error: "\(error)")
            }
            answer.cpuBefore = before
            answer.cpuAfter = ProcessUsage.processorSeconds
            answer.peakMemory = ProcessUsage.peakMemory
            guard let text = try? JSONText.encode(answer, pretty: false) else { return }
            do { try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8)) } catch { return }
            if answer.error != nil { return }
        }
    }

    private func answer(_ request: WorkerRequest) throws -> WorkerAnswer {
        switch request.command {
        case .load: return try load(request)
        case .loadLanguageModel: return try loadLanguageModel(request)
        case .generate: return try generate(request)
        case .warm: return try warm(request)
        case .run: return try run(passes: request.passes ?? 1)
        case .texts: return try texts(request)
        case .bulk:
            return WorkerAnswer(seconds: [try time { for input in batches { _ = try logits(input) } }])
        case .logits: return try writeLogits(request)
        }
    }

    // MARK: - Requests

    private func load(_ request: WorkerRequest) throws -> WorkerAnswer {
        let directory = URL(filePath: try required(request.model, "model"))
        try Runtime.setThreadCount(try required(request.threads, "threads"))
        var classes = 0
        let seconds = try time {
            try LoadedModel.requireClassifier(directory)
            let (model, report) = try AutoModel.load(from: directory, isMapped: true)
            guard report.newlyInitialized.isEmpty else {
                throw DistillationError(
                    "\(directory.path): the checkpoint lacks \(report.newlyInitialized.prefix(3).joined(separator: ", ")); "
                        + "give a model with a trained classifier head")
            }
            try model.parameters.freeze()
            if let precision = request.precision.flatMap(Precision.init(rawValue:)) {
                self.precision = precision
            }
            self.model = model
            let length = min(Self.firstLength, model.configuration.maxLength)
            let ids = [Int32](repeating: 0, count: length)
            _ = try logits(PackedInput(inputIDs: ids, offsets: [0, length]))
            classes = model.configuration.labelNames.count
        }
        return WorkerAnswer(
            runtime: "distill \(Version.current), libtorch \(Runtime.version)",
            parameters: model?.parameters.elementCount, classes: classes, loadSeconds: seconds)
    }

    private func warm(_ request: WorkerRequest) throws -> WorkerAnswer {
        let (batch, length) = (try required(request.batch, "batch"), try required(request.length, "length"))
        inputs = try required(request.inputs, "inputs").map { ids in
            guard ids.count == batch * length else {
                throw DistillationError("\(ids.count) ids are not \(batch) sentences of \(length) tokens")
            }
            return PackedInput(inputIDs: ids, offsets: (0...batch).map { $0 * length })
        }
        guard !inputs.isEmpty else { throw DistillationError("the request has no inputs") }
        let result = try WarmUp().run(pass)
        return WorkerAnswer(seconds: [result.seconds], passes: result.passes, isStable: result.isStable)
    }

    private func run(passes: Int) throws -> WorkerAnswer {
        // The first wakes threads and fills caches that the other models' turns emptied.
        _ = try pass()
        return WorkerAnswer(seconds: try (0..<passes).map { _ in try pass() })
    }

    private func texts(_ request: WorkerRequest) throws -> WorkerAnswer {
        let tokens = try TokenFile(contentsOf: URL(filePath: try required(request.file, "file")))
        self.tokens = tokens
        batchIndices = tokens.batches(of: max(1, request.batch ?? 64))
        batches = batchIndices.map { indices in
            var input = PackedInput(inputIDs: [], tokenTypeIDs: [], offsets: [0])
            for index in indices {
                let range = tokens.range(of: index)
                input.inputIDs += tokens.ids[range]
                input.tokenTypeIDs? += tokens.types[range]
                input.offsets.append(input.inputIDs.count)
            }
            if input.tokenTypeIDs?.allSatisfy({ $0 == 0 }) == true { input.tokenTypeIDs = nil }
            return input
        }
        return WorkerAnswer()
    }

    private func writeLogits(_ request: WorkerRequest) throws -> WorkerAnswer {
        let file = URL(filePath: try required(request.file, "file"))
        guard let tokens else { throw DistillationError("there are no texts; ask to take some first") }
        let logits = try batches.map(self.logits)
        // A token classifier gives each token a row, other models each sentence.
        let hasTokenRows = model?.configuration.task.labelsWords == true
        let count = hasTokenRows ? tokens.ids.count : tokens.count
        let classes = logits.reduce(0) { $0 + $1.count } / max(1, count)
        var rows = [UInt32](repeating: 0, count: count * classes)
        for (values, sentences) in zip(logits, batchIndices) {
            let indices = hasTokenRows ? sentences.flatMap { tokens.range(of: $0) } : sentences
            for (row, index) in indices.enumerated() {
                for column in 0..<classes {
                    rows[index * classes + column] = values[row * classes + column].bitPattern.littleEndian
                }
            }
        }
        try rows.withUnsafeBytes { bytes in try AtomicFile.write(to: file) { try $0.write(bytes) } }
        return WorkerAnswer(classes: classes)
    }

    // MARK: - Passes

    /// The seconds from the ids of the next batch to its logits.
    private func pass() throws -> Double {
        guard !inputs.isEmpty else { throw DistillationError("there are no inputs; ask to warm up first") }
        let input = inputs[nextInput % inputs.count]
        nextInput += 1
        return try time { _ = try logits(input) }
    }

    private func logits(_ input: PackedInput) throws -> [Float] {
        guard let model else { throw DistillationError("no model is loaded") }
        return try withNoGrad { try model(input, ForwardOptions(precision: precision)).logits.array() }
    }

    func time(_ body: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        try body()
        return (clock.now - start) / .seconds(1)
    }

    func required<Value>(_ value: Value?, _ key: String) throws -> Value {
        guard let value else { throw DistillationError("the request has no '\(key)'") }
        return value
    }
}
