import DistillRuntime
import Foundation
import Transformers

extension Logits {
    /// The softmax of an example's logits.
    func softmax(_ index: Int) -> [Double] { Self.softmax(of: self[index].map(Double.init)) }

    /// The softmax of one row of logits.
    static func softmax(of row: [Double]) -> [Double] { DistillRuntime.softmax(row) }

    /// The logarithm of the softmax of an example's logits, also where a probability is too small for a number.
    func logSoftmax(_ index: Int) -> [Double] { Self.logSoftmax(of: self[index]) }

    /// The logarithm of the softmax of one row of logits.
    static func logSoftmax(of row: ArraySlice<Float>) -> [Double] {
        let row = row.map(Double.init)
        let largest = row.max() ?? 0
        let sum = log(row.reduce(0) { $0 + exp($1 - largest) })
        return row.map { $0 - largest - sum }
    }

    /// The sigmoid of each of an example's logits.
    func sigmoid(_ index: Int) -> [Double] { self[index].map { 1 / (1 + exp(-Double($0))) } }

    /// The classes whose probability, the sigmoid of their logit, is above a threshold: a set for each example.
    public func labelSets(threshold: Double = 0.5) -> [[Int]] {
        let limit = log(threshold / (1 - threshold))
        return (0..<count).map { index in zip(0..., self[index]).filter { Double($1) > limit }.map(\.0) }
    }

    /// The mean entropy of the rows, in nats: of the softmax, or of each decision. `nil` for numbers and without rows.
    ///
    /// - Parameter outputs: The kind of the logits.
    func meanEntropy(_ outputs: OutputKind) -> Double? {
        guard count > 0 else { return nil }
        if outputs == .sigmoid {
            return values.reduce(0.0) { $0 + bernoulliEntropy(Double($1)) } / Double(values.count)
        }
        let entropies = (0..<count).compactMap { outputs.entropy(self[$0]) }
        return entropies.isEmpty ? nil : entropies.reduce(0, +) / Double(count)
    }

    /// The mean entropy of the rows of a task's model.
    public func meanEntropy(_ task: TaskIdentifier) -> Double? { meanEntropy(task.definition.outputs) }

    /// Some rows, in any order and any number of times each.
    func rows(_ indices: [Int]) -> Logits {
        Logits(values: indices.flatMap { self[$0] }, classes: classes)
    }

    /// The rows of some examples.
    package func subset(_ indices: [Int]) -> Logits {
        indices.count == count ? self : Logits(values: indices.flatMap { self[$0] }, classes: classes)
    }
}

/// log(1 + exp(x)) without overflow: minus the logarithm of sigmoid(−x).
private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

/// The entropy of a decision, given as a logit.
func bernoulliEntropy(_ logit: Double) -> Double {
    let p = 1 / (1 + exp(-logit))
    return p * softplus(-logit) + (1 - p) * softplus(logit)
}

/// Binary cross-entropy of a logit with a label.
func binaryCrossEntropy(logit: Double, isPositive: Bool) -> Double { softplus(isPositive ? -logit : logit) }

/// KL between two Bernoulli distributions, given as logits.
func bernoulliKL(teacher: Double, student: Double) -> Double {
    let p = 1 / (1 + exp(-teacher))
    return p * (softplus(-student) - softplus(-teacher)) + (1 - p) * (softplus(student) - softplus(teacher))
}
