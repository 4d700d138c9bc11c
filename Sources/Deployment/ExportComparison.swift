import Datasets
import Distillation
import Foundation
import Torch
import Transformers

/// Runs an exported model.
protocol ExportedModelRunner {
    /// The name of the runtime, with its version.
    var name: String { get throws }

    /// Its logits of each example, in their order.
    ///
    /// - Throws: `DistillationError` where it cannot be run.
    func logits(_ examples: [EncodedExample], classes: Int) throws -> Logits
}

/// The allowed difference between the logits of a model and those of its export.
enum ExportTolerance {
    /// The largest difference, as a fraction of the largest logit and at least of 1.
    case largest(Double)
    /// The root of the mean square of all differences, as a fraction of that of the logits.
    case mean(Double)
}

/// Compares an exported model with this package's own, on the same tokens.
struct ExportComparison {
    let own: LoadedModel
    let runner: any ExportedModelRunner
    let tolerance: ExportTolerance
    let request: ExportRequest
    let log: RunLog

    /// The allowed difference of the two metrics on labeled data, as a fraction.
    static let mostLost = 0.005

    /// - Throws: `DistillationError` where the two disagree.
    func check() throws -> ExportCheck {
        let loaded = try request.data.map(load)
        let examples =
            try loaded.map { data in try (0..<data.dataset.count).map { try data.dataset.example($0) } }
            ?? Self.examples(own.model.configuration)
        let ours = try logits(examples)
        try ours.requireFinite(of: own.directory.path)
        let theirs = try runner.logits(examples, classes: ours.classes)
        // Those of a file were counted when they were read.
        if loaded == nil { try log.advance(by: examples.count) }
        guard theirs.count == ours.count else {
            throw DistillationError(
                "the exported model gives \(theirs.count) predictions for \(ours.count) examples; nothing was saved"
            )
        }
        guard theirs.values.allSatisfy(\.isFinite) else {
            throw DistillationError(
                "the exported model gives logits that are no numbers; nothing was saved. Try --dtype float32")
        }
        let differences = zip(ours.values, theirs.values).map { Double(abs($0 - $1)) }
        let largest = differences.max() ?? 0
        let relative =
            Self.rootMeanSquare(differences) / max(0.1, Self.rootMeanSquare(ours.values.map(Double.init)))
        let reach = ours.values.reduce(1.0) { max($0, Double(abs($1))) }
        let (measured, allowed) =
            switch tolerance {
            case .largest(let fraction): (largest, fraction * reach)
            case .mean(let fraction): (relative, fraction)
            }
        guard measured <= allowed else {
            let what =
                if case .largest = tolerance { "a logit differs by" } else { "logits differ by the fraction" }
            throw DistillationError(
                "the exported model disagrees with this one: \(what) \(measured), more than \(allowed); "
                    + "nothing was saved. --no-check exports all the same")
        }
        let outputs = own.model.configuration.task.outputs
        var check = ExportCheck(
            runtime: try runner.name, examples: examples.count, largestDifference: largest,
            relativeDifference: relative)
        if outputs != .real {
            check.agreement = try outputs.compare(student: theirs, teacher: ours)[.agreement]
        }
        if let loaded {
            try evaluate(
                &check, loaded, ours: loaded.dataset.rows(ofTokens: ours, own.labels.names),
                theirs: loaded.dataset.rows(ofTokens: theirs, own.labels.names))
        }
        return check
    }

    /// Adds the metrics of both on labeled data.
    private func evaluate(
        _ check: inout ExportCheck, _ data: LoadedData, ours: Logits, theirs: Logits
    ) throws {
        let labeled = data.dataset.targets.labeledIndices
        let targets = data.dataset.targets.subset(labeled)
        let metric = MetricName.ofTask(own.model.configuration.task)
        let task = targets.task
        let ownValue = task.primaryValue(ours.subset(labeled), targets)
        let exported = task.primaryValue(theirs.subset(labeled), targets)
        (check.data, check.metric, check.own, check.exported) = (
            data.record, metric.rawValue, ownValue, exported
        )
        // One example more or less is no disagreement.
        let counted = task.countedExamples(targets)
        let allowed = max(Self.mostLost, 1.5 / Double(max(1, counted)))
        guard metric.improvement(of: ownValue, over: exported) <= allowed else {
            throw DistillationError(
                "\(data.record.path): the exported model's \(metric.rawValue) is \(exported), this one's \(ownValue): it "
                    + "loses more than \(allowed); nothing was saved. --no-check exports all the same")
        }
    }

    private static func rootMeanSquare(_ values: [Double]) -> Double {
        (values.reduce(0) { $0 + $1 * $1 } / Double(max(1, values.count))).squareRoot()
    }

    private func load(_ file: URL) throws -> LoadedData {
        try request.cache.loader(
            request.columns.options, tokenizer: own.tokenizer, directory: own.directory,
            maxLength: own.maxLength(request.maxLength),
            prompt: own.prompt, log: log
        ).load(file, labels: .given(own.labels), problemType: own.model.configuration.task)
    }

    /// This package's own logits.
    private func logits(_ examples: [EncodedExample]) throws -> Logits {
        try Self.logits(own.model, examples, batchSize: request.batchSize)
    }

    static func logits(
        _ model: TransformerModel, _ examples: [EncodedExample], batchSize: Int
    ) throws -> Logits {
        var values: [Float] = []
        for start in stride(from: 0, to: examples.count, by: batchSize) {
            let part = examples[start..<min(start + batchSize, examples.count)]
            let input = PackedInput(
                inputIDs: part.flatMap(\.inputIDs), tokenTypeIDs: part.flatMap(\.tokenTypeIDs),
                offsets: part.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.inputIDs.count) })
            values += try withNoGrad { try model(input).logits.array() }
        }
        return Logits(values: values, classes: model.configuration.outputCount)
    }

    /// Made-up examples of mixed lengths, from one token to as many as the model takes or 128, always the same: their
    /// tokens come from a generator with a fixed start.
    static func examples(_ configuration: ModelConfiguration) -> [EncodedExample] {
        let longest = min(128, configuration.maxLength)
        var state: UInt64 = 1
        func below(_ limit: Int) -> Int {
            // Knuth's MMIX generator; its high bits are the random ones.
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        return [longest, 1, longest / 2, 7, longest / 3, 16, 2, longest].map { length in
            var example = EncodedExample()
            let length = min(longest, max(1, length))
            let second = below(length + 1)
            for position in 0..<length {
                // Padding within a text has positions of its own in some runtimes.
                var token = below(configuration.vocabSize)
                if token == configuration.padTokenId { token = (token + 1) % configuration.vocabSize }
                example.inputIDs.append(Int32(token))
                let isSecond = position >= second && configuration.typeVocabSize > 1
                example.tokenTypeIDs.append(isSecond ? 1 : 0)
            }
            return example
        }
    }
}

/// Runs an export in Hugging Face form with this package.
struct OwnRunner: ExportedModelRunner {
    let directory: URL
    let batchSize: Int

    var name: String { "distill \(Version.current)" }

    func logits(_ examples: [EncodedExample], classes: Int) throws -> Logits {
        try ExportComparison.logits(
            AutoModel.load(from: directory, isMapped: true).model, examples, batchSize: batchSize)
    }
}
