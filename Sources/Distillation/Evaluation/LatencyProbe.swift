import Foundation
import Torch
import Transformers

/// Times single examples from token ids to logits.
package enum LatencyProbe {
    /// A model and the examples as its own tokenizer encodes them.
    package struct Subject {
        let model: TransformerModel
        let dataset: EncodedDataset
        var precision = Precision.float32

        package init(model: TransformerModel, dataset: EncodedDataset, precision: Precision = .float32) {
            (self.model, self.dataset, self.precision) = (model, dataset, precision)
        }
    }

    /// Times several models in turn on the same examples, so that a change of the machine's speed affects all of
    /// them alike.
    ///
    /// - Parameters:
    ///   - subjects: The models, each with the examples.
    ///   - samples: The number of examples, spread evenly over the data; each is timed after a warm-up.
    ///   - rounds: How often each example is timed.
    ///   - warmUps: The number of examples that each model runs before.
    /// - Returns: The statistics of each model, in milliseconds; `nil` without samples.
    package static func measure(
        _ subjects: [Subject], samples: Int, rounds: Int = 1, warmUps: Int = 10
    ) throws -> [LatencyStatistics?] {
        let available = subjects.map(\.dataset.count).min() ?? 0
        let count = min(samples, available)
        guard count > 0 else { return subjects.map { _ in nil } }
        let indices = (0..<count).map { $0 * available / count }
        for index in indices.prefix(warmUps) {
            for subject in subjects { _ = try milliseconds(subject, index) }
        }
        var times = [[Double]](repeating: [], count: subjects.count)
        for index in (0..<rounds).flatMap({ _ in indices }) {
            for (position, subject) in subjects.enumerated() {
                times[position].append(try milliseconds(subject, index))
            }
        }
        return times.map { LatencyStatistics(samples: $0) }
    }

    private static func milliseconds(_ subject: Subject, _ index: Int) throws -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        let batch = try Batch(subject.dataset, indices: [index])
        _ = try withNoGrad {
            try subject.model(batch.input, ForwardOptions(precision: subject.precision)).logits.array(
                of: Float.self)
        }
        return (clock.now - start) / .milliseconds(1)
    }
}
