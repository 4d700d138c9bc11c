import Distillation
import Foundation
import JSON
import Torch
import Transformers

/// Comparisons of a device with the CPU: families, objectives, training, and errors.
///
/// Each check is a name, the worst difference that was found, and the allowed one; a check that fails or throws does not hide
/// the others.
final class DeviceChecks {
    let device: Device
    let precision: Precision
    private let families: URL
    private var checks: [JSONValue] = []
    /// Bytes that the device's libraries keep for themselves.
    var kept = 0

    /// All checks of a request: its `device`, `precision`, and `families`, a directory of small model directories.
    static func run(_ request: Request) throws -> JSONValue {
        let families = (try? request.string("families")) ?? "Tests/TransformersTests/Fixtures/families"
        let checks = DeviceChecks(
            device: try Device(request.string("device")), precision: try request.precision(),
            families: URL(filePath: families))
        try checks.run()
        return .array(checks.checks)
    }

    private init(device: Device, precision: Precision, families: URL) {
        self.device = device
        self.precision = precision
        self.families = families
    }

    private func run() throws {
        try warmUp()
        let names = try FileManager.default.contentsOfDirectory(atPath: families.path(percentEncoded: false))
        for name in names.sorted() where !name.hasPrefix(".") {
            let directory = families.appending(path: name)
            checkModel(name) { try AutoModel.load(from: directory, device: $0).model }
        }
        for (name, heads) in [("bert, heads of 8", 8), ("bert, heads of 16", 4), ("bert, heads of 64", 1)] {
            checkModel(name) { try Self.bert(layers: 3, heads: heads, on: $0) }
        }
        try checkDecoders(in: families.deletingLastPathComponent().appending(path: "decoders"))
        if precision != .bfloat16 {
            for entry in ObjectiveRegistry.standard.entries { checkObjective(entry.name) }
        }
        checkTraining()
        checkLearning()
        checkNonFinite()
        checkOutOfMemory()
        checkMemory()
    }

    /// Adds a check; what it throws fails it.
    func check(_ name: String, tolerance: Double, _ body: () throws -> Double) {
        var result: JSONObject = ["name": .string(name), "tolerance": .number(tolerance)]
        do {
            let worst = try body()
            result["worst"] = .number(worst.isFinite ? worst : 1e30)
            result["ok"] = .bool(worst <= tolerance)
        } catch {
            result["ok"] = .bool(false)
            result["error"] = .string("\(error)")
        }
        checks.append(.object(result))
    }
}

// MARK: - Models

extension DeviceChecks {
    /// Examples of several lengths, with token types where the model distinguishes them.
    static let input = PackedInput(
        inputIDs: (0..<53).map { Int32(3 + ($0 &* 7) % 50) },
        tokenTypeIDs: nil, offsets: [0, 9, 10, 27, 36, 53])
    static let labels = [0, 2, 1, 1, 0]

    static func bert(layers: Int, heads: Int, on device: Device, dropout: Double = 0.1) throws
        -> TransformerModel
    {
        let json: JSONObject = [
            "model_type": "bert", "vocab_size": 60, "hidden_size": 64, "num_hidden_layers": .integer(layers),
            "num_attention_heads": .integer(heads), "intermediate_size": 128, "max_position_embeddings": 40,
            "initializer_range": 0.1, "hidden_dropout_prob": .number(dropout),
            "attention_probs_dropout_prob": .number(dropout),
            "id2label": ["0": "negative", "1": "neutral", "2": "positive"],
        ]
        return try TransformerModel(
            ModelConfiguration(json: json, source: "check"), source: nil, seed: 7, device: device)
    }

    /// Logits, loss and every gradient of a model on the CPU and on the device.
    private func checkModel(
        _ name: String, _ make: (Device) throws -> TransformerModel
    ) {
        if precision == .bfloat16 {
            checkHalfPrecision(name, make)
            return
        }
        do {
            let (cpu, other) = (try make(.cpu), try make(device))
            let (wanted, found) = (try Self.pass(cpu), try Self.pass(other))
            check("\(name): logits", tolerance: 1e-4) { Self.difference(found.logits, wanted.logits) }
            check("\(name): loss", tolerance: 1e-4) { abs(found.loss - wanted.loss) / max(1e-3, wanted.loss) }
            check("\(name): gradients", tolerance: 1e-4) { Self.worst(found.gradients, wanted.gradients) }
        } catch {
            check(name, tolerance: 1e-4) { throw error }
        }
    }

    /// The KL divergence of a model's probabilities in bfloat16 from those in float32 on the CPU, beside the CPU's own.
    private func checkHalfPrecision(
        _ name: String, _ make: (Device) throws -> TransformerModel
    ) {
        func logits(_ device: Device, _ precision: Precision) throws -> Tensor {
            let model = try make(device)
            return try withNoGrad {
                try model(Self.input, ForwardOptions(precision: precision)).logits.to(.float32, .cpu)
                    .logSoftmax()
            }
        }
        do {
            let exact = try logits(.cpu, .float32)
            let own = try logits(.cpu, .bfloat16).klDivergenceBatchMean(logTarget: exact).item()
            check("\(name): KL divergence", tolerance: 4 * own + 1e-3) {
                try logits(device, .bfloat16).klDivergenceBatchMean(logTarget: exact).item()
            }
            let (cpu, other) = (try make(.cpu), try make(device))
            let (wanted, found) = (try Self.pass(cpu), try Self.pass(other, .bfloat16))
            check("\(name): 1 − cosine of all gradients", tolerance: 0.02) {
                Self.distance(found.gradients, wanted.gradients)
            }
        } catch {
            check(name, tolerance: 1e-3) { throw error }
        }
    }

    struct Pass {
        var logits: [Float]
        var loss: Double
        var gradients: [String: [Float]]
    }

    private static func pass(_ model: TransformerModel, _ precision: Precision = .float32) throws -> Pass {
        let logits = try model(input, ForwardOptions(precision: precision)).logits
        let loss = try logits.crossEntropy(Tensor(labels, device: model.device))
        try loss.backward()
        return Pass(
            logits: try logits.detached().to(.float32, .cpu).array(), loss: try loss.item(),
            gradients: try gradients(of: model.parameters))
    }

    static func gradients(of store: ParameterStore) throws -> [String: [Float]] {
        var gradients: [String: [Float]] = [:]
        for entry in store.entries {
            gradients[entry.name] = try entry.tensor.gradient.map { try $0.to(.float32, .cpu).array() }
        }
        return gradients
    }

    /// The largest difference, as a fraction of the largest number.
    static func difference(_ a: [Float], _ b: [Float], floor: Float = 1e-3) -> Double {
        guard a.count == b.count, a.allSatisfy(\.isFinite) else { return .infinity }
        let worst = zip(a, b).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        return Double(worst / max(floor, b.reduce(0) { max($0, abs($1)) }))
    }

    /// That of every tensor; tensors of small gradients count as if their largest were a hundredth of all's.
    static func worst(_ a: [String: [Float]], _ b: [String: [Float]]) -> Double {
        guard Set(a.keys) == Set(b.keys), !a.isEmpty else { return .infinity }
        let largest = b.values.reduce(Float(0)) { $1.reduce($0) { max($0, abs($1)) } }
        return a.reduce(0) { max($0, difference($1.value, b[$1.key] ?? [], floor: largest * 1e-2)) }
    }

    /// One minus the cosine of all gradients together.
    static func distance(_ a: [String: [Float]], _ b: [String: [Float]]) -> Double {
        guard Set(a.keys) == Set(b.keys) else { return .infinity }
        var (product, own, other) = (0.0, 0.0, 0.0)
        for (name, values) in a {
            for (x, y) in zip(values, b[name] ?? []) {
                product += Double(x) * Double(y)
                own += Double(x) * Double(x)
                other += Double(y) * Double(y)
            }
        }
        return 1 - product / max(1e-30, (own * other).squareRoot())
    }
}
