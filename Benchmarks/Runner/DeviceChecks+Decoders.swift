import Distillation
import Foundation
import JSON
import Torch
import Transformers

extension DeviceChecks {
    /// Texts of several lengths, of token ids that every small decoder has.
    private static let texts = PackedInput(
        inputIDs: (0..<53).map { Int32(3 + ($0 &* 7) % 40) }, offsets: [0, 9, 10, 27, 36, 53])

    /// Logits, loss and gradients of every small decoder, each loss of the vocabulary, and training.
    func checkDecoders(in directory: URL) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path(percentEncoded: false))
        for name in names.sorted() where !name.hasPrefix(".") {
            checkDecoder(name) { try AutoModel.load(from: directory.appending(path: name), device: $0).model }
        }
        // Heads as wide as real models have them, which other kernels compute.
        checkDecoder("llama, heads of 64") { try Self.llama(on: $0) }
        checkDecoder("qwen2, heads of 64, window") { try Self.llama(on: $0, window: 5, family: "qwen2") }
        for (name, measure) in Self.measures { checkVocabularyLoss(name, measure) }
        check("a language model's training twice: numbers that differ", tolerance: 0) {
            try Self.count(trainedDecoder(), trainedDecoder())
        }
    }

    private static let measures: [(String, LossTerm.Measure)] = [
        ("cross-entropy", .crossEntropy), ("KL", .kl), ("reverse KL", .reverseKL),
        ("Jensen-Shannon", .jensenShannon(beta: 0.3)), ("skew KL", .skewKL(alpha: 0.1)),
        ("skew reverse KL", .skewReverseKL(alpha: 0.1)), ("total variation", .totalVariation),
        ("adaptive KL", .adaptiveKL()),
    ]

    private static func llama(on device: Device, window: Int? = nil, family: String = "llama") throws
        -> TransformerModel
    {
        var json: JSONObject = [
            "model_type": .string(family), "architectures": ["LlamaForCausalLM"], "vocab_size": 60,
            "hidden_size": 256, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
            "intermediate_size": 512, "max_position_embeddings": 64, "initializer_range": 0.1,
            "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "rope_theta": 10000, "hidden_act": "silu",
        ]
        if family == "qwen2" { json["architectures"] = ["Qwen2ForCausalLM"] }
        if let window {
            json["use_sliding_window"] = true
            json["sliding_window"] = .integer(window)
            json["max_window_layers"] = 1
        }
        return try TransformerModel(
            ModelConfiguration(json: json, source: "check"), source: nil, seed: 7, device: device)
    }

    private func checkDecoder(_ name: String, _ make: (Device) throws -> TransformerModel) {
        do {
            let (wanted, found) = (
                try Self.languagePass(make(.cpu), .float32), try Self.languagePass(make(device), precision)
            )
            guard precision == .bfloat16 else {
                check("\(name): logits", tolerance: 1e-4) { Self.difference(found.logits, wanted.logits) }
                check("\(name): loss", tolerance: 1e-4) { abs(found.loss - wanted.loss) / wanted.loss }
                check("\(name): gradients", tolerance: 1e-4) { Self.worst(found.gradients, wanted.gradients) }
                return
            }
            let own = try Self.languagePass(make(.cpu), .bfloat16)
            check(
                "\(name): loss, twice as far as the CPU's own",
                tolerance: 2 * abs(own.loss - wanted.loss) + 0.01
            ) { abs(found.loss - wanted.loss) }
            check("\(name): 1 − cosine of all gradients", tolerance: 0.02) {
                Self.distance(found.gradients, wanted.gradients)
            }
        } catch {
            check(name, tolerance: 1e-4) { throw error }
        }
    }

    private static func nextTokens(_ model: TransformerModel) throws -> (PackedInput, Tensor) {
        try texts.predictingNext(on: model.device)
    }

    /// The loss as training computes it, and the logits of a pass that ends with them.
    private static func languagePass(_ model: TransformerModel, _ precision: Precision) throws -> Pass {
        let (input, targets) = try nextTokens(model)
        guard let weight = model.outputWeight else { throw RunnerError("not a language model") }
        let options = ForwardOptions(precision: precision)
        let logits: [Float] = try withNoGrad { try model(input, options).logits.to(.float32, .cpu).array() }
        var before = options
        before.stopsBeforeHead = true
        let loss = try FusedLoss(
            student: .init(hidden: model(input, before).rows, weight: weight), targets: targets,
            terms: [LossTerm(.crossEntropy, weight: 1 / Double(targets.count))],
            dtype: precision.resolved(on: model.device).dtype
        ).loss
        try loss.backward()
        return Pass(logits: logits, loss: try loss.item(), gradients: try gradients(of: model.parameters))
    }

    /// One measure, at a temperature, of random hidden states: its value and both gradients, on the CPU and on the device.
    private func checkVocabularyLoss(_ name: String, _ measure: LossTerm.Measure) {
        func pass(_ device: Device, _ dtype: DType) throws -> Pass {
            func states(_ shape: [Int], _ seed: UInt64) throws -> Tensor {
                try Tensor.normal(shape, standardDeviation: 1, seed: seed).to(.float32, device)
            }
            let (hidden, weight) = (try states([70, 64], 1), try states([1003, 64], 2))
            let teacher = FusedLoss.Head(hidden: try states([70, 32], 3), weight: try states([1003, 32], 4))
            try hidden.setRequiresGrad(true)
            try weight.setRequiresGrad(true)
            let fused = try FusedLoss(
                student: .init(hidden: hidden, weight: weight), teacher: teacher,
                targets: Tensor((0..<70).map { Int64(($0 * 31) % 1003) }, device: device),
                tokenWeights: Tensor((0..<70).map { Float(1 + $0 % 3) }, device: device),
                terms: [
                    LossTerm(measure, weight: 0.5, temperature: 2), LossTerm(.crossEntropy, weight: 0.2),
                ],
                dtype: dtype)
            try fused.loss.backward()
            var gradients: [String: [Float]] = [:]
            for (name, tensor) in [("hidden", hidden), ("weight", weight)] {
                gradients[name] = try tensor.gradient?.to(.float32, .cpu).array()
            }
            return Pass(logits: [], loss: try fused.loss.item(), gradients: gradients)
        }
        do {
            let (wanted, found) = (
                try pass(.cpu, .float32), try pass(device, precision == .bfloat16 ? .bfloat16 : .float32)
            )
            let isHalf = precision == .bfloat16
            check("loss \(name): value", tolerance: isHalf ? 0.01 : 1e-4) {
                abs(found.loss - wanted.loss) / abs(wanted.loss)
            }
            check("loss \(name): gradients", tolerance: isHalf ? 0.02 : 1e-3) {
                isHalf
                    ? Self.distance(found.gradients, wanted.gradients)
                    : Self.worst(found.gradients, wanted.gradients)
            }
        } catch {
            check("loss \(name)", tolerance: 1e-4) { throw error }
        }
    }

    private func trainedDecoder() throws -> [[Float]] {
        let model = try Self.llama(on: device)
        let (input, targets) = try Self.nextTokens(model)
        guard let weight = model.outputWeight else { throw RunnerError("not a language model") }
        let optimizer = try AdamW(model.parameters, weightDecay: 0.01, sparseTables: [])
        var options = ForwardOptions(precision: precision)
        options.stopsBeforeHead = true
        for _ in 0..<5 {
            try optimizer.clearGradients()
            let loss = try FusedLoss(
                student: .init(hidden: model(input, options).rows, weight: weight), targets: targets,
                terms: [LossTerm(.crossEntropy, weight: 1 / Double(targets.count))],
                dtype: precision.resolved(on: device).dtype
            ).loss
            try loss.backward()
            try optimizer.update(after: loss, learningRate: 1e-3)
        }
        try optimizer.synchronize()
        return try model.parameters.entries.map { try $0.tensor.detached().to(.float32, .cpu).array() }
    }
}
