import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("Micro-batches of unequal sizes add up to one batch")
struct AccumulationTests {
    /// Lengths of the examples, and where the micro-batches are cut: of 1, 3 and 2 examples, the last without labels.
    private static let lengths = [4, 1, 9, 2, 3, 7]
    private static let cuts = [0..<1, 1..<4, 4..<6]

    private static func targets(_ type: TaskIdentifier) -> Targets {
        switch type {
        case .singleLabel, .tokenClassification, .causalLanguageModel:
            .classes([1, -100, 3, 0, -100, -100], count: 5)
        case .multiLabel: .sets([[0, 3], nil, [], [1], nil, nil], count: 5)
        case .regression: .values([0.5, .nan, -1, 2, .nan, .nan])
        case .embedding:
            .scores(PairScores(values: [Float](repeating: .nan, count: 6), rows: [0, 1, 2, 3, 4, 5]))
        case .ranking: .groups(RankingFixture.targets([6], hasQueries: false))
        }
    }

    private static func leaf(_ shape: [Int], _ seed: UInt64) throws -> Tensor {
        let tensor = try Tensor.normal(shape, seed: seed)
        try tensor.setRequiresGrad(true)
        return tensor
    }

    private static func outputs(_ width: Int, seed: UInt64) throws -> ModelOutput {
        let tokens = lengths.reduce(0, +)
        func state(_ number: UInt64) throws -> Tensor { try leaf([tokens, 8], seed * 100 + number) }
        return ModelOutput(
            logits: try leaf([lengths.count, width], seed),
            hiddenStates: [0: try state(0), 1: try state(1), 2: try state(2)],
            projections: try Dictionary(
                uniqueKeysWithValues: (0..<2).map { layer in
                    let first = 10 * UInt64(layer + 1)
                    return (
                        layer,
                        AttentionProjections(
                            query: try state(first), key: try state(first + 1), value: try state(first + 2),
                            heads: 2)
                    )
                }))
    }

    /// The outputs for some of the examples, in the graph of all.
    private static func part(_ whole: ModelOutput, _ examples: Range<Int>) throws -> ModelOutput {
        let start = lengths[..<examples.lowerBound].reduce(0, +)
        let tokens = start..<start + lengths[examples].reduce(0, +)
        return ModelOutput(
            logits: try whole.logits[examples],
            hiddenStates: try whole.hiddenStates.mapValues { try $0[tokens] },
            projections: try whole.projections.mapValues {
                AttentionProjections(
                    query: try $0.query[tokens], key: try $0.key[tokens], value: try $0.value[tokens],
                    heads: $0.heads)
            })
    }

    private static func leaves(_ outputs: ModelOutput) throws -> [Tensor] {
        try [outputs.logits] + outputs.leaves
    }

    private static let texts =
        ObjectiveRegistry.standard.names.filter { !RankingFixture.names.contains($0) } + [
            "cross_entropy(label_smoothing = 0.1, class_weights = [1, 2, 3, 4, 5])",
            "labels(class_weights = [5, 1, 2, 1, 3])",
            "attention_kl(heads = match)", "kl(direction = jensen_shannon)",
        ]

    private static func type(_ name: String) -> TaskIdentifier {
        switch name {
        case "binary_cross_entropy", "soft_binary_cross_entropy": .multiLabel
        case "mse": .regression
        case _ where name.hasPrefix("sentence_") || ["similarity_mse", "similarity_rank"].contains(name):
            .embedding
        default: .singleLabel
        }
    }

    @Test("the gradient of every registered objective", arguments: texts)
    func gradients(_ text: String) throws {
        let type = Self.type(text)
        let objective = try objective(text)
        let width = type == .regression ? 1 : 5
        _ = try objective.prepare(
            .tiny(hidden: (8, 8), heads: (2, 2), layers: (2, 2), problemType: type, classes: width))
        let (student, teacher) = (try Self.outputs(width, seed: 21), try Self.outputs(width, seed: 22))
        func batch(_ examples: Range<Int>) throws -> (ObjectiveBatch, LossCounts) {
            let offsets = Self.lengths[examples].reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
            let targets = Self.targets(type).subset(Array(examples))
            let theirs = try Self.part(teacher, examples)
            return (
                ObjectiveBatch(
                    student: try Self.part(student, examples), teacher: theirs, teacherLogits: theirs.logits,
                    labels: try targets.batchLabels(), offsets: offsets),
                LossCounts(offsets: offsets, targets: targets)
            )
        }
        let parts = try Self.cuts.map(batch)
        let fractions = ObjectiveSum.fractions(parts.map { [objective.count($0.1)] }).map { $0[0] }
        #expect(abs(fractions.reduce(0, +) - 1) < 1e-12)
        for (part, fraction) in zip(parts, fractions) { try (objective.loss(part.0) * fraction).backward() }
        let added = try Self.leaves(student).map { try $0.gradient?.array(of: Double.self) }
        for leaf in try Self.leaves(student) { try leaf.clearGradient() }

        if objective.unit == .comparisons {
            // What accumulation means for them: the mean of the micro-batches' losses, by their examples.
            #expect(zip(fractions, [1, 3, 2]).allSatisfy { abs($0 - $1 / 6) < 1e-12 })
            return
        }
        try objective.loss(batch(0..<6).0).backward()
        var compared = 0
        for (leaf, added) in zip(try Self.leaves(student), added) {
            guard let whole = try leaf.gradient?.array(of: Double.self) else { continue }
            compared += 1
            let size = whole.map(abs).max() ?? 0
            let error = zip(whole, added ?? []).map { abs($0 - $1) }.max() ?? .infinity
            #expect(error <= 1e-6 * size, "\(text): \(error) of \(size)")
        }
        #expect(compared > 0)
    }
}
