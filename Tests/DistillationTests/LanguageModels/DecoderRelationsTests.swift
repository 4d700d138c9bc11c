import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("MiniLMv2's relations in decoders")
struct DecoderRelationsTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "TransformersTests/Fixtures/decoders")
    private static let input = PackedInput(
        inputIDs: (0..<12).map { Int32($0 * 5 % 59 + 2) }, offsets: [0, 7, 12])
    private static let last = 2
    private static let heads = 4

    /// A model with its last layer's queries, keys and values, computed here in double from that layer's input.
    private struct Side {
        let model: TransformerModel
        let output: ModelOutput
        /// Each (12, width).
        let projections: [[[Double]]]

        init(_ name: String) throws {
            model = try AutoModel.load(from: DecoderRelationsTests.fixtures.appending(path: name)).model
            output = try model(
                DecoderRelationsTests.input,
                ForwardOptions(
                    features: FeatureSelection(
                        hiddenStates: [DecoderRelationsTests.last], projections: [DecoderRelationsTests.last])
                ))
            let hidden: [Float] = try output.hiddenState(DecoderRelationsTests.last).array()
            let prefix = "model.layers.\(DecoderRelationsTests.last)."
            let parameters = model.parameters
            func values(_ name: String) throws -> [Double]? {
                try parameters[prefix + name].map { try $0.detached().array(of: Float.self).map(Double.init) }
            }
            let gain = try #require(try values("input_layernorm.weight"))
            let width = gain.count
            let rows = (0..<12).map { row -> [Double] in
                let x = hidden[row * width..<(row + 1) * width].map(Double.init)
                let size = (x.reduce(0) { $0 + $1 * $1 } / Double(width) + 1e-6).squareRoot()
                return zip(x, gain).map { $0 / size * $1 }
            }
            let attentionHeads = model.configuration.numAttentionHeads
            var wide = 0
            projections = try ["q_proj", "k_proj", "v_proj"].map { name in
                let weight = try #require(try values("self_attn.\(name).weight"))
                let bias = try values("self_attn.\(name).bias")
                let outputs = weight.count / width
                wide = max(wide, outputs)
                let headSize = wide / attentionHeads
                return rows.map { row in
                    let own = (0..<outputs).map { out in
                        (bias?[out] ?? 0)
                            + (0..<width).reduce(0.0) { $0 + row[$1] * weight[out * width + $1] }
                    }
                    // Heads that share keys and values have the same ones.
                    let shared = wide / outputs
                    return (0..<wide).map { own[$0 / headSize / shared * headSize + $0 % headSize] }
                }
            }
        }

        /// Log-probabilities of a relation: of one token to those that it sees.
        func relation(_ kind: Int, head: Int, query: Int, from start: Int) -> [Double] {
            let rows = projections[kind]
            let size = rows[0].count / DecoderRelationsTests.heads
            let scores = (start...query).map { key in
                (head * size..<(head + 1) * size).reduce(0.0) { $0 + rows[query][$1] * rows[key][$1] }
                    / Double(size).squareRoot()
            }
            let sum = log(scores.reduce(0.0) { $0 + exp($1) })
            return scores.map { $0 - sum }
        }
    }

    @Test("the loss is the definition's, on models of other widths and with shared heads")
    func loss() throws {
        let (student, teacher) = (try Side("llama"), try Side("llama-biases"))
        for (kind, side) in [student, teacher].enumerated() {
            let theirs: [Float] = try side.output.projections(ofLayer: Self.last).key.array()
            let own = side.projections[1].joined()
            #expect(
                zip(theirs, own).allSatisfy { abs(Double($0) - $1) < 1e-4 * (1 + abs($1)) }, "side \(kind)")
        }
        let objective = try MiniLMv2Objective(
            ObjectiveSpecification(text: "minilm_v2(relation_heads=\(Self.heads))"))
        _ = try objective.prepare(
            ObjectiveModels(
                student: student.model.configuration, teacher: teacher.model.configuration,
                problemType: .causalLanguageModel,
                learned: ParameterScope(store: ParameterStore(), source: nil, seed: 1)))
        let loss = try objective.loss(
            ObjectiveBatch(
                student: student.output, teacher: teacher.output, teacherLogits: nil,
                labels: BatchLabels(classes: [0]), offsets: Self.input.offsets))
        var expected = 0.0
        for (start, end) in zip(Self.input.offsets, Self.input.offsets.dropFirst()) {
            for (kind, head) in (0..<3).flatMap({ kind in (0..<Self.heads).map { (kind, $0) } }) {
                for query in start..<end {
                    let p = teacher.relation(kind, head: head, query: query, from: start)
                    let q = student.relation(kind, head: head, query: query, from: start)
                    expected += zip(p, q).reduce(0.0) { $0 + exp($1.0) * ($1.0 - $1.1) }
                }
            }
        }
        expected /= Double(Self.heads * 12)
        let value = try loss.item()
        #expect(expected > 0.01 && abs(value - expected) < 1e-4 * expected, "\(value), \(expected)")
        try loss.backward()
        // Of the student's last layer only what makes queries, keys and values has a gradient.
        let gradient = try #require(
            try student.model.parameters["model.layers.2.self_attn.k_proj.weight"]?.gradient)
        #expect(try gradient.absolute().max().item() > 0)
        #expect(try student.model.parameters["model.layers.2.mlp.down_proj.weight"]?.gradient == nil)
    }
}
