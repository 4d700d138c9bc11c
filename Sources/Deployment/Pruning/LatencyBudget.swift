import Distillation
import Transformers

/// At most so much time for a forward pass of a text alone, measured here.
///
/// A shape is timed with random weights, on which the time does not depend, in turn with the model, so that what else the machine does
/// affects both: what counts is the ratio of both medians.
final class LatencyBudget: ShapeBudget {
    private let model: TransformerModel
    private let texts: EncodedDataset
    /// The most that is allowed, as a fraction of the model's time.
    private let target: Double
    private var ratios: [ModelShape: Double] = [:]

    /// Texts for one measurement.
    private static let samples = 12

    /// - Parameters:
    ///   - model: The model that is pruned.
    ///   - texts: The texts that are timed.
    ///   - target: The most that is allowed, as a fraction of the model's time.
    init(_ model: TransformerModel, texts: EncodedDataset, target: Double) {
        (self.model, self.texts, self.target) = (model, texts, target)
    }

    /// - Parameters:
    ///   - model: The model that is pruned.
    ///   - texts: The texts that are timed.
    ///   - milliseconds: The most that is allowed.
    /// - Throws: `DistillationError` where the model is that fast already.
    convenience init(_ model: TransformerModel, texts: EncodedDataset, milliseconds: Double) throws {
        let own = try LatencyProbe.measure([.init(model: model, dataset: texts)], samples: 3 * Self.samples)
        let median = own[0]?.p50 ?? 0
        guard milliseconds < median else {
            throw DistillationError(
                "--target-latency \(milliseconds)ms: a text takes \(model.configuration.source) \(Self.text(median)) ms here; choose "
                    + "less")
        }
        self.init(model, texts: texts, target: milliseconds / median)
    }

    func holds(_ shape: ModelShape) throws -> Bool { try ratio(shape) <= target }

    /// The time of a shape as a fraction of the model's.
    func ratio(_ shape: ModelShape) throws -> Double {
        if let known = ratios[shape] { return known }
        let configuration = try model.configuration.pruned(to: shape, layers: Array(0..<shape.layers))
        let other = try AutoModel.make(configuration, source: nil, seed: 0, device: model.device)
        let times = try times(of: other, samples: Self.samples)
        let ratio = times.pruned / max(times.model, 1e-9)
        ratios[shape] = ratio
        return ratio
    }

    /// The median times of the model and of another, in milliseconds.
    func times(of other: TransformerModel, samples: Int = 4 * samples) throws -> (
        model: Double, pruned: Double
    ) {
        let times = try LatencyProbe.measure(
            [.init(model: model, dataset: texts), .init(model: other, dataset: texts)], samples: samples)
        return (times[0]?.p50 ?? 0, times[1]?.p50 ?? 0)
    }

    func impossible() -> DistillationError {
        DistillationError(
            "--target-latency: no part of \(model.configuration.source) that is tried takes at most \(Self.text(target)) of its time; "
                + "allow more")
    }

    private static func text(_ value: Double) -> String { ((value * 1000).rounded() / 1000).description }
}
