import CTorch
import Foundation

/// An average of the weights over the steps of training, which often predicts better than the last of them (Polyak and
/// Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992).
///
/// Each step, average ← d · average + (1 − d) · weight. The first averages would be mostly the initial weights, so
/// step n, counted from 0, decays by min(d, (1 + n) / (10 + n)), as in TensorFlow and timm.
///
/// A table that ``AdamW`` updates row by row must be whole before it is averaged, which reads all of it. So averages
/// can be taken every k-th step only (`updateAfter`): as if the weights had stood still since the last time, by the
/// product of the steps' decays, about dᵏ.
///
/// ```swift
/// try optimizer.step(learningRate: rate)
/// if average.isDue { try optimizer.synchronize() }
/// try average.update()
/// …
/// try optimizer.synchronize()
/// try average.withAverages { try evaluate(model) }
/// ```
public final class ExponentialMovingAverage {
    /// Everything that is remembered between steps.
    public struct State {
        /// The steps so far.
        public var step: Int
        /// Those at the last average.
        public var averagedStep: Int
        /// By parameter name.
        public var averages: [String: Tensor]

        /// - Parameters:
        ///   - step: The steps so far.
        ///   - averagedStep: Those at the last average.
        ///   - averages: By parameter name.
        public init(step: Int, averagedStep: Int, averages: [String: Tensor]) {
            self.step = step
            self.averagedStep = averagedStep
            self.averages = averages
        }
    }

    public let decay: Double
    /// The steps from one average to the next.
    public let updateAfter: Int
    /// The steps so far: calls of ``update()``.
    public private(set) var step = 0

    private let entries: [ParameterStore.Entry]
    private let averages: [Tensor]
    private var averagedStep = 0
    /// The parameters' own values while they hold the averages.
    private var weights: [Tensor]?

    /// Averages start as the weights are.
    ///
    /// - Parameters:
    ///   - store: Its parameters are averaged, but for frozen ones.
    ///   - decay: The fraction that an average keeps at each step, such as 0.999; from 0 up to, but not including, 1.
    ///   - updateAfter: The steps from one average to the next; 1 for every step.
    /// - Throws: ``TorchError`` where a number is out of its range, or memory is short.
    public init(_ store: ParameterStore, decay: Double, updateAfter: Int = 1) throws {
        guard decay >= 0, decay < 1 else {
            throw TorchError("an average's decay must be from 0 up to, but not including, 1, got \(decay)")
        }
        guard updateAfter > 0 else {
            throw TorchError("an average's steps between updates must be at least 1, got \(updateAfter)")
        }
        self.decay = decay
        self.updateAfter = updateAfter
        entries = store.entries.filter(\.tensor.requiresGrad)
        averages = try entries.map { try $0.tensor.detached().clone() }
    }

    /// True if the next ``update()`` reads the weights, which must be up to date then (``AdamW/synchronize()``).
    public var isDue: Bool { step + 1 - averagedStep >= updateAfter }

    /// Counts a step of the optimizer, and averages where that is due.
    ///
    /// - Throws: ``TorchError`` inside of ``withAverages(_:)``.
    public func update() throws {
        try requireWeights("update")
        step += 1
        if step - averagedStep >= updateAfter { try average() }
    }

    /// Averages now, where steps have passed since the last time: before the averages are used for good.
    ///
    /// - Throws: ``TorchError`` inside of ``withAverages(_:)``.
    public func catchUp() throws {
        try requireWeights("catchUp")
        if step > averagedStep { try average() }
    }

    private func average() throws {
        let kept = pendingDecay
        try Tensor.withHandles(averages) { averages, count in
            try Tensor.withHandles(entries.map(\.tensor)) { weights, _ in
                try check(ct_lerp_(averages, weights, count, 1 - kept))
            }
        }
        averagedStep = step
    }

    /// What the averages keep of themselves over the steps since the last update.
    private var pendingDecay: Double {
        var kept = 1.0
        for past in averagedStep..<step { kept *= min(decay, Double(1 + past) / Double(10 + past)) }
        return kept
    }

    /// True while the parameters hold the averages.
    public var areInUse: Bool { weights != nil }

    /// Gives the parameters the averages' values, until ``useWeights()``.
    ///
    /// Parameters stay the tensors they are. Training meanwhile is lost.
    ///
    /// - Parameter includingPending: Whether steps since the last update count too, as ``catchUp()`` would let them, while
    ///   the averages themselves stay as they are.
    /// - Throws: ``TorchError`` where the parameters hold the averages already, or memory is short.
    public func useAverages(includingPending: Bool = false) throws {
        try requireWeights("useAverages")
        let own = try entries.map { try $0.tensor.detached().clone() }
        weights = own
        do {
            for (entry, average) in zip(entries, averages) { try entry.tensor.copy(from: average) }
            guard includingPending, step > averagedStep else { return }
            let kept = pendingDecay
            try Tensor.withHandles(entries.map(\.tensor)) { parameters, count in
                try Tensor.withHandles(own) { own, _ in
                    try check(ct_lerp_(parameters, own, count, 1 - kept))
                }
            }
        } catch {
            try useWeights()
            throw error
        }
    }

    /// Gives the parameters their own values again, bit for bit; nothing where they hold them.
    ///
    /// - Throws: ``TorchError``.
    public func useWeights() throws {
        guard let weights else { return }
        for (entry, weight) in zip(entries, weights) { try entry.tensor.copy(from: weight) }
        self.weights = nil
    }

    /// Runs a body in which the parameters have the averages' values; afterwards they have their own again, also where the
    /// body throws.
    ///
    /// - Parameter body: A function that evaluates or saves the averages.
    /// - Returns: The result of the body.
    /// - Throws: What the body throws; ``TorchError`` inside of another such body, or where memory is short.
    public func withAverages<Result>(_ body: () throws -> Result) throws -> Result {
        try requireWeights("withAverages")
        try useAverages()
        let result: Result
        do { result = try body() } catch {
            try useWeights()
            throw error
        }
        try useWeights()
        return result
    }

    private func requireWeights(_ call: String) throws {
        guard weights == nil else {
            throw TorchError("\(call): the parameters hold their averages now; call it after withAverages")
        }
    }
}

extension ExponentialMovingAverage {
    /// A copy of the state, which later steps do not change.
    public func state() throws -> State {
        var copies: [String: Tensor] = [:]
        for (entry, average) in zip(entries, averages) { copies[entry.name] = try average.clone() }
        return State(step: step, averagedStep: averagedStep, averages: copies)
    }

    /// Goes back to a saved state.
    ///
    /// - Parameter state: Of the same parameters.
    /// - Throws: ``TorchError`` where it is of other parameters, or inside of ``withAverages(_:)``; nothing has changed
    ///   then.
    public func restore(_ state: State) throws {
        try requireWeights("restore")
        guard state.averagedStep >= 0, state.averagedStep <= state.step else {
            throw TorchError(
                "the averages' state is of step \(state.step), its last average of step \(state.averagedStep)"
            )
        }
        var copies: [(from: Tensor, to: Tensor)] = []
        for (entry, average) in zip(entries, averages) {
            guard let saved = state.averages[entry.name] else {
                throw TorchError("the averages' state lacks the parameter '\(entry.name)'")
            }
            guard saved.shape == average.shape else {
                throw TorchError(
                    "parameter '\(entry.name)' has shape \(average.shape), the averages' state \(saved.shape)"
                )
            }
            copies.append((saved, average))
        }
        for copy in copies { try copy.to.copy(from: copy.from) }
        step = state.step
        averagedStep = state.averagedStep
    }
}
