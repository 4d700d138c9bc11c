import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("What objectives must be whatever the numbers")
struct ObjectivePropertyTests {
    private func tensor(_ shape: [Int], _ seed: UInt64) throws -> Tensor {
        let tensor = try Tensor.normal(shape, seed: seed)
        try tensor.setRequiresGrad(true)
        return tensor
    }

    private func outputs(_ lengths: [Int], hidden: Int = 8, layers: Int = 2, heads: Int = 2, seed: UInt64)
        throws -> ModelOutput
    {
        let tokens = lengths.reduce(0, +)
        var states: [Int: Tensor] = [:]
        var projections: [Int: AttentionProjections] = [:]
        for number in 0...layers {
            states[number] = try tensor([tokens, hidden], seed &* 100 &+ UInt64(number))
        }
        for layer in 0..<layers {
            let first = seed &* 100 &+ 10 &* UInt64(layer + 1)
            projections[layer] = AttentionProjections(
                query: try tensor([tokens, hidden], first), key: try tensor([tokens, hidden], first + 1),
                value: try tensor([tokens, hidden], first + 2), heads: heads)
        }
        return ModelOutput(
            logits: try tensor([lengths.count, 5], seed), hiddenStates: states, projections: projections)
    }

    private func batch(
        _ student: ModelOutput, _ teacher: ModelOutput, _ lengths: [Int], classes: [Int]? = nil,
        progress: Double = 0
    ) throws -> ObjectiveBatch {
        ObjectiveBatch(
            student: student, teacher: teacher, teacherLogits: teacher.logits,
            labels: try BatchLabels(classes: classes ?? lengths.indices.map { $0 % 5 }),
            offsets: lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }, progress: progress)
    }

    private var twins: ObjectiveModels {
        get throws { try .tiny(hidden: (8, 8), heads: (2, 2), layers: (2, 2)) }
    }

    @Test(
        "a student like its teacher has no loss and no gradient",
        arguments: [
            "kl", "reverse_kl", "jensen_shannon", "logits_mse", "dkd", "dist", "standardized_kl",
            "hidden_mse",
            "hidden_cosine", "pkd", "embedding_mse", "attention_score_mse", "attention_kl",
            "attention_kl(heads = match)", "minilm", "minilm_v2", "rkd_distance", "rkd_angle",
            "similarity_preserving", "rkd_distance(feature = mean)",
        ])
    func zeroAtEquality(_ text: String) throws {
        let lengths = [4, 9, 2]
        let student = try outputs(lengths, seed: 3)
        let objective = try objective(text)
        _ = try objective.prepare(twins)
        let loss = try objective.loss(batch(student, outputs(lengths, seed: 3), lengths))
        try loss.backward()
        #expect(abs(try loss.item()) < 2e-6)
        let leaves =
            [student.logits] + student.hiddenStates.values
            + student.projections.values.flatMap { [$0.query, $0.key, $0.value] }
        var reached = 0
        for leaf in leaves {
            guard let gradient = try leaf.gradient else { continue }
            reached += 1
            #expect(try gradient.absolute().max().item() < 1e-5)
        }
        #expect(reached > 0)
    }

    @Test(
        "another example's length changes nothing: the loss is a mean over tokens of what each example gives",
        arguments: ["attention_kl", "minilm", "minilm_v2", "hidden_mse", "hidden_cosine", "embedding_mse"])
    func paddingByTokens(_ text: String) throws {
        try paddingInvariance(text) { Double($0) }
    }

    @Test("another example's length changes nothing: scores are a mean over pairs of tokens")
    func paddingByPairs() throws {
        try paddingInvariance("attention_score_mse") { Double($0 * $0) }
    }

    private func paddingInvariance(_ text: String, weight: (Int) -> Double) throws {
        let objective = try objective(text)
        _ = try objective.prepare(twins)
        let lengths = [3, 40, 17]
        let (student, teacher) = (try outputs(lengths, seed: 5), try outputs(lengths, seed: 6))
        let together = try objective.loss(batch(student, teacher, lengths))
        try together.backward()
        let total = lengths.reduce(0) { $0 + weight($1) }

        var expected = 0.0
        var start = 0
        for (row, length) in lengths.enumerated() {
            let (alone, leaves) = try student.example(row, start..<start + length)
            let (other, _) = try teacher.example(row, start..<start + length)
            let loss = try objective.loss(batch(alone, other, [length]))
            try loss.backward()
            expected += try loss.item() * weight(length) / total
            // Bit by bit the padded rows do not even reach the gradient.
            for (whole, part) in zip(try student.leaves, leaves) {
                guard let gradient = try whole.gradient, whole.shape[0] > lengths.count else { continue }
                let own = try #require(try part.gradient) * (weight(length) / total)
                let error = try (gradient[start..<start + length] - own).absolute().max().item()
                #expect(error < 1e-6)
            }
            start += length
        }
        #expect(abs(try together.item() - expected) < 1e-5 * max(1, expected))
    }

    @Test("cross_entropy of labelled examples gives the bits of crossEntropy")
    func sameAsCrossEntropy() throws {
        let student = try outputs([2, 3, 4], seed: 8)
        for text in ["cross_entropy", "labels"] {
            let objective = try objective(text)
            _ = try objective.prepare(twins)
            let ours = try objective.loss(batch(student, student, [2, 3, 4], classes: [4, 0, 2]))
            let theirs = try student.logits.crossEntropy(Tensor([4, 0, 2]))
            #expect(try ours.array(of: Float.self) == theirs.array(of: Float.self))
        }
    }

    @Test("one class in a multi-class problem is one class of a binary cross-entropy with weights by hand")
    func balancedWeights() throws {
        let models = try ObjectiveModels.tiny(classCounts: [4, 1, 0, 10, 5])
        let weights = try #require(try ClassWeights.balanced.classWeights(models, objective: "x"))
        // N / (C · count); 1 for a class that never occurs.
        #expect(try weights.array(of: Float.self) == [1, 4, 1, 0.4, 0.8])
        let multi = try ObjectiveModels.tiny(
            problemType: .multiLabel, classCounts: [4, 1, 0, 10, 5], exampleCount: 10)
        let positive = try #require(try ClassWeights.balanced.positiveWeights(multi, objective: "x"))
        #expect(try positive.array(of: Float.self) == [1.5, 9, 1, 0, 1])
    }

    @Test(
        "examples that are alike have finite gradients",
        arguments: [
            "rkd_distance", "rkd_angle", "similarity_preserving", "infonce", "dist", "standardized_kl",
        ])
    func degenerate(_ text: String) throws {
        let objective = try objective(text)
        _ = try objective.prepare(twins)
        let states = try Tensor.ones([4, 8])
        try states.setRequiresGrad(true)
        let logits = try Tensor.zeros([4, 5])
        try logits.setRequiresGrad(true)
        let student = ModelOutput(logits: logits, hiddenStates: [2: states])
        let loss = try objective.loss(batch(student, outputs([1, 1, 1, 1], seed: 4), [1, 1, 1, 1]))
        try loss.backward()
        #expect(try loss.item().isFinite)
        for leaf in [states, logits] {
            guard let gradient = try leaf.gradient else { continue }
            #expect(try gradient.absolute().max().item() < 100)
        }
    }

    @Test(
        "a last batch too small to compare gives 0 or a finite loss, in the graph",
        arguments: ["rkd_distance", "rkd_angle", "similarity_preserving", "infonce", "dist"])
    func smallBatch(_ text: String) throws {
        let objective = try objective(text)
        _ = try objective.prepare(twins)
        let student = try outputs([3], seed: 1)
        let loss = try objective.loss(batch(student, outputs([3], seed: 2), [3]))
        try loss.backward()
        #expect(try loss.item().isFinite)
        if text != "dist" { #expect(abs(try loss.item()) < 1e-6) }
    }

    @Test("angles of examples that are alike to the student are counted for triples alone")
    func angleOfAlike() throws {
        let objective = try objective("rkd_angle(feature = logits)")
        _ = try objective.prepare(twins)
        // The corners of half a square: two ordered triples with a cosine of 0, four of √½, whose Huber loss is ¼.
        let corners: [Float] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]
        let batch = ObjectiveBatch(
            student: ModelOutput(logits: try .ones([3, 5])),
            teacherLogits: try Tensor(corners, shape: [3, 5]), labels: try BatchLabels(classes: [0, 1, 2]),
            offsets: [0, 1, 2, 3])
        #expect(abs(try objective.loss(batch).item() - 1 / 6) < 1e-6)
    }

    @Test("temperatures follow their schedule")
    func scheduledTemperature() throws {
        let (student, teacher) = (try outputs([2, 3], seed: 8), try outputs([2, 3], seed: 9))
        let scheduled = try objective("kl(temperature = cosine(6, 2))")
        _ = try scheduled.prepare(twins)
        for (progress, temperature) in [(0.0, 6.0), (0.5, 4), (1, 2)] {
            let constant = try objective("kl(temperature = \(temperature))")
            _ = try constant.prepare(twins)
            let ours = try scheduled.loss(batch(student, teacher, [2, 3], progress: progress)).item()
            let theirs = try constant.loss(batch(student, teacher, [2, 3])).item()
            #expect(abs(ours - theirs) < 1e-6)
        }
    }
}

extension ModelOutput {
    /// In one order.
    var leaves: [Tensor] {
        get throws {
            hiddenStates.keys.sorted().compactMap { hiddenStates[$0] }
                + projections.keys.sorted().compactMap { projections[$0] }.flatMap {
                    [$0.query, $0.key, $0.value]
                }
        }
    }

    /// One example alone, its tensors new leaves.
    func example(_ row: Int, _ tokens: Range<Int>) throws -> (ModelOutput, [Tensor]) {
        func part(_ tensor: Tensor, _ range: Range<Int>) throws -> Tensor {
            let leaf = try tensor.detached()[range].clone()
            try leaf.setRequiresGrad(true)
            return leaf
        }
        let outputs = ModelOutput(
            logits: try part(logits, row..<row + 1),
            hiddenStates: try hiddenStates.mapValues { try part($0, tokens) },
            projections: try projections.mapValues {
                AttentionProjections(
                    query: try part($0.query, tokens), key: try part($0.key, tokens),
                    value: try part($0.value, tokens), heads: $0.heads)
            })
        return (outputs, try outputs.leaves)
    }
}
