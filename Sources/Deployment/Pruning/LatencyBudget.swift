import Distillation
import Transformers

/// At most so much time for a forward pass of a text alone, measured here.
///
/// A shape is timed with random weights, on which the time does not depend, in turn with the model, so that what else the machine does
/// affects both: what counts is the ratio of both medians.
final class LatencyBudget: ShapeBudget {
    /// The median times of the model and of a smaller one, in milliseconds.
    struct Times {
        let model: Double
        let pruned: Double

        /// The smaller model's as a fraction of the model's.
        var ratio: Double { pruned / max(model, 1e-9) }
    }

    private let model: TransformerModel
    /// The model as it was named, for messages.
    private let name: String
    private let texts: EncodedDataset
    private let target: LatencyTarget
    private let shouldStop: () -> Bool
    /// The most that a search allows, as a fraction of the model's time.
    private var limit: Double
    private var ratios: [ModelShape: Double]
    /// The least time that was measured.
    private var least: Times?

    /// Forward passes of each model for one measurement.
    private static let samples = 24
    /// What a search stays below its limit once a result was over the target.
    private static let margin = 0.98

    /// - Parameters:
    ///   - model: The model that is pruned.
    ///   - name: The model as it was named, for messages.
    ///   - texts: The texts that are timed.
    ///   - target: The most that is allowed.
    ///   - shouldStop: Polled before each measurement.
    /// - Throws: `DistillationError` where the model is that fast already.
    init(
        _ model: TransformerModel, name: String, texts: EncodedDataset, target: LatencyTarget,
        shouldStop: @escaping () -> Bool = { false }
    ) throws {
        (self.model, self.name, self.texts, self.target) = (model, name, texts, target)
        self.shouldStop = shouldStop
        ratios = [model.configuration.shape: 1]
        limit = 1
        switch target {
        case .fraction(let fraction): limit = fraction
        case .milliseconds(let milliseconds):
            let median = try Self.medians([model], texts, samples: 2 * Self.samples)[0]
            guard milliseconds < median else {
                throw DistillationError(
                    "--target-latency \(target): \(name) already takes \(Self.rounded(median)) ms for "
                        + "\(Self.length(of: texts)); choose less")
            }
            limit = milliseconds / median
        }
    }

    /// The median length of the texts that are timed.
    var tokens: Int { Self.tokens(of: texts) }

    func holds(_ shape: ModelShape) throws -> Bool { try ratio(shape) <= limit }

    /// The time of a shape as a fraction of the model's.
    func ratio(_ shape: ModelShape) throws -> Double {
        if let known = ratios[shape] { return known }
        let configuration = try model.configuration.pruned(to: shape, layers: Array(0..<shape.layers))
        let other = try AutoModel.make(configuration, source: nil, seed: 0, device: model.device)
        var times = try times(of: other, samples: Self.samples)
        // Less than a part of the shape takes: the machine was busy with something else, so it counts what more samples say.
        if ratios.contains(where: { $0.key.isPart(of: shape) && $0.value > 1.05 * times.ratio }) {
            times = try self.times(of: other, samples: 2 * Self.samples)
        }
        ratios[shape] = times.ratio
        if times.pruned < least?.pruned ?? .infinity { least = times }
        return times.ratio
    }

    /// The median times of the model and of another, which are timed in turns.
    private func times(of other: TransformerModel, samples: Int) throws -> Times {
        if shouldStop() { throw InterruptedError() }
        let medians = try Self.medians([model, other], texts, samples: samples)
        return Times(model: medians[0], pruned: medians[1])
    }

    /// Times a pruned model in turns with the model, more often than a shape in a search, and takes that for its shape's time.
    func result(_ pruned: TransformerModel, _ shape: ModelShape) throws -> PruneReport.Latency {
        let times = try times(of: pruned, samples: 4 * Self.samples)
        ratios[shape] = times.ratio
        var latency = PruneReport.Latency(
            milliseconds: times.pruned, modelMilliseconds: times.model, ratio: times.ratio,
            textTokens: tokens, isMet: false)
        switch target {
        case .fraction(let fraction):
            latency.targetRatio = fraction
            latency.isMet = times.ratio <= fraction
        case .milliseconds(let milliseconds):
            latency.targetMilliseconds = milliseconds
            latency.isMet = times.pruned <= milliseconds
        }
        return latency
    }

    /// Allows the next search less by as much as a result was over the target.
    func tighten(by result: PruneReport.Latency) {
        limit *= min(1, 1 / max(result.excess, 1e-9)) * Self.margin
    }

    func impossible() -> DistillationError {
        let found =
            least.map {
                "; the least found is \(Self.rounded($0.pruned)) ms of \(Self.rounded($0.model)) ms (\(Self.rounded($0.ratio)) of it) for "
                    + Self.length(of: texts)
            } ?? ""
        return DistillationError(
            "--target-latency \(target): no part of \(name) that is tried takes so little time\(found); allow more, or leave out sizes that "
                + "are given")
    }

    /// The median times of models that are timed in turns, in milliseconds.
    private static func medians(
        _ models: [TransformerModel], _ texts: EncodedDataset, samples: Int
    ) throws -> [Double] {
        let rounds = max(1, samples / max(1, min(samples, texts.count)))
        let subjects = models.map { LatencyProbe.Subject(model: $0, dataset: texts) }
        let times = try LatencyProbe.measure(subjects, samples: samples, rounds: rounds, warmUps: 3)
        return times.map { $0?.p50 ?? 0 }
    }

    private static func tokens(of texts: EncodedDataset) -> Int {
        let lengths = texts.lengths.sorted()
        return lengths.isEmpty ? 0 : Int(lengths[lengths.count / 2])
    }

    /// Says how long a text is.
    private static func length(of texts: EncodedDataset) -> String {
        let tokens = tokens(of: texts)
        return "a text of \(tokens) token\(tokens == 1 ? "" : "s") (the median)"
    }

    /// A number with three decimals at most, and those of small numbers that count.
    private static func rounded(_ value: Double) -> String {
        let factor = value < 0.01 ? 1e6 : 1e3
        return LatencyTarget.number((value * factor).rounded() / factor)
    }
}

extension ModelShape {
    /// Returns true for a smaller shape none of whose sizes is above the other's.
    fileprivate func isPart(of other: ModelShape) -> Bool {
        self != other && layers <= other.layers && hiddenSize <= other.hiddenSize
            && intermediateSize <= other.intermediateSize && attentionHeads <= other.attentionHeads
            && keyValueHeads <= other.keyValueHeads
    }
}
