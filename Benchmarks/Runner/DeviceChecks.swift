import Distillation
import Foundation
import JSON
import Torch
import Transformers

/// Whether a device computes what the CPU computes: families, objectives, training, and what happens when things go wrong.
///
/// Each check is a name, the worst difference that was found, and what is allowed; one that fails or throws does not hide
/// the others.
final class DeviceChecks {
    private let device: Device
    private let precision: Precision
    private let families: URL
    private var checks: [JSONValue] = []
    /// Bytes that the device's libraries keep for themselves.
    private var kept = 0

    /// All checks of a request: its `device`, `precision`, and `families`, a directory of small model directories.
    static func run(_ request: Request) throws -> JSONValue {
        let place = (try? request.string("families")) ?? "Tests/TransformersTests/Fixtures/families"
        let checks = DeviceChecks(
            device: try Device(request.string("device")), precision: try request.precision(),
            families: URL(filePath: place))
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
    private func check(_ name: String, tolerance: Double, _ body: () throws -> Double) {
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
    /// Examples of several lengths, with segments where the model tells them apart.
    private static let input = PackedInput(
        inputIDs: (0..<53).map { Int32(3 + ($0 &* 7) % 50) },
        tokenTypeIDs: nil, offsets: [0, 9, 10, 27, 36, 53])
    private static let labels = [0, 2, 1, 1, 0]

    private static func bert(layers: Int, heads: Int, on device: Device, dropout: Double = 0.1) throws
        -> any SequenceClassifier
    {
        let json: JSONObject = [
            "model_type": "bert", "vocab_size": 60, "hidden_size": 64, "num_hidden_layers": .integer(layers),
            "num_attention_heads": .integer(heads), "intermediate_size": 128, "max_position_embeddings": 40,
            "initializer_range": 0.1, "hidden_dropout_prob": .number(dropout),
            "attention_probs_dropout_prob": .number(dropout),
            "id2label": ["0": "negative", "1": "neutral", "2": "positive"],
        ]
        return try EncoderForSequenceClassification(
            ModelConfiguration(json: json, source: "check"), source: nil, seed: 7, device: device)
    }

    /// Logits, loss and every gradient of a model on the CPU and on the device.
    private func checkModel(
        _ name: String, _ make: (Device) throws -> any SequenceClassifier
    ) {
        if precision == .bfloat16 {
            checkHalfPrecision(name, make)
            return
        }
        do {
            let (cpu, other) = (try make(.cpu), try make(device))
            cpu.precision = .float32
            other.precision = .float32
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
        _ name: String, _ make: (Device) throws -> any SequenceClassifier
    ) {
        func logits(_ place: Device, _ precision: Precision) throws -> Tensor {
            let model = try make(place)
            model.precision = precision
            return try withNoGrad {
                try model(Self.input, dropout: nil).logits.to(.float32, .cpu).logSoftmax()
            }
        }
        do {
            let exact = try logits(.cpu, .float32)
            let own = try logits(.cpu, .bfloat16).klDivergenceBatchMean(logTarget: exact).item()
            check("\(name): KL divergence", tolerance: 4 * own + 1e-3) {
                try logits(device, .bfloat16).klDivergenceBatchMean(logTarget: exact).item()
            }
            let (cpu, other) = (try make(.cpu), try make(device))
            cpu.precision = .float32
            other.precision = .bfloat16
            let (wanted, found) = (try Self.pass(cpu), try Self.pass(other))
            check("\(name): 1 − cosine of all gradients", tolerance: 0.02) {
                Self.distance(found.gradients, wanted.gradients)
            }
        } catch {
            check(name, tolerance: 1e-3) { throw error }
        }
    }

    private struct Pass {
        var logits: [Float]
        var loss: Double
        var gradients: [String: [Float]]
    }

    private static func pass(_ model: any SequenceClassifier) throws -> Pass {
        let logits = try model(input, dropout: nil).logits
        let loss = try logits.crossEntropy(Tensor(labels, device: model.device))
        try loss.backward()
        return Pass(
            logits: try logits.detached().to(.float32, .cpu).array(), loss: try loss.item(),
            gradients: try gradients(of: model.parameters))
    }

    private static func gradients(of store: ParameterStore) throws -> [String: [Float]] {
        var gradients: [String: [Float]] = [:]
        for entry in store.entries {
            gradients[entry.name] = try entry.tensor.gradient.map { try $0.to(.float32, .cpu).array() }
        }
        return gradients
    }

    /// The largest difference, as a share of the largest number.
    private static func difference(_ a: [Float], _ b: [Float], floor: Float = 1e-3) -> Double {
        guard a.count == b.count, a.allSatisfy(\.isFinite) else { return .infinity }
        let worst = zip(a, b).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        return Double(worst / max(floor, b.reduce(0) { max($0, abs($1)) }))
    }

    /// That of every tensor; tensors of small gradients count as if their largest were a hundredth of all's.
    private static func worst(_ a: [String: [Float]], _ b: [String: [Float]]) -> Double {
        guard Set(a.keys) == Set(b.keys), !a.isEmpty else { return .infinity }
        let largest = b.values.reduce(Float(0)) { $1.reduce($0) { max($0, abs($1)) } }
        return a.reduce(0) { max($0, difference($1.value, b[$1.key] ?? [], floor: largest * 1e-2)) }
    }

    /// One minus the cosine of all gradients together.
    private static func distance(_ a: [String: [Float]], _ b: [String: [Float]]) -> Double {
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

// MARK: - Objectives

extension DeviceChecks {
    private func checkObjective(_ name: String) {
        do {
            let (wanted, found) = (try objective(name, on: .cpu), try objective(name, on: device))
            check("objective \(name): loss", tolerance: 1e-4) {
                abs(found.loss - wanted.loss) / max(1e-2, abs(wanted.loss))
            }
            check("objective \(name): gradients", tolerance: 1e-3) {
                Self.worst(found.gradients, wanted.gradients)
            }
        } catch {
            check("objective \(name)", tolerance: 1e-4) { throw error }
        }
    }

    private func objective(_ name: String, on place: Device) throws -> Pass {
        let teacher = try Self.bert(layers: 4, heads: 4, on: place)
        let student = try Self.bert(layers: 2, heads: 4, on: place)
        student.precision = .float32
        teacher.precision = .float32
        // Of the kinds of labels, the first that the objective takes.
        var refusal: (any Error)?
        for kind in [ProblemType.singleLabel, .multiLabel, .regression] {
            let learned = ParameterStore()
            let sum: ObjectiveSum
            do {
                sum = try ObjectiveSum(
                    [WeightedObjective(ObjectiveRegistry.standard.make(.init(name)))],
                    models: ObjectiveModels(
                        student: student.configuration, teacher: teacher.configuration, problemType: kind,
                        classCounts: [2, 2, 1], batchSize: 5, exampleCount: 5,
                        learned: ParameterScope(store: learned, source: nil, seed: 3, device: place)))
            } catch {
                refusal = refusal ?? error
                continue
            }
            return try pass(sum, student, teacher, learned, kind, on: place)
        }
        throw refusal ?? RunnerError("no kind of labels suits")
    }

    private func pass(
        _ sum: ObjectiveSum, _ student: any SequenceClassifier, _ teacher: any SequenceClassifier,
        _ learned: ParameterStore, _ kind: ProblemType, on place: Device
    ) throws -> Pass {
        let needs = sum.needs
        func outputs(_ model: any SequenceClassifier, _ states: Set<Int>, _ layers: Set<Int>) throws
            -> ModelOutputs
        {
            let features = try model(
                Self.input, dropout: nil,
                features: FeatureSelection(hiddenStates: states, projections: layers))
            return ModelOutputs(
                logits: features.logits, hiddenStates: features.hiddenStates,
                projections: features.projections)
        }
        let theirs = try withNoGrad {
            try outputs(teacher, needs.teacherHiddenStates, needs.teacherProjections)
        }
        let own = try outputs(student, needs.studentHiddenStates, needs.studentProjections)
        let labels =
            switch kind {
            case .singleLabel: try BatchLabels(classes: Self.labels, device: place)
            case .multiLabel:
                try BatchLabels(sets: [[0], [], nil, [1, 2], [2]], classes: 3, device: place)
            case .regression: try BatchLabels(values: [0, 1, 2, .nan, 3], device: place)
            }
        let terms = try sum(
            ObjectiveBatch(
                student: own, teacher: theirs, teacherLogits: theirs.logits, labels: labels,
                offsets: Self.input.offsets, indices: [0, 1, 2, 3, 4], progress: 0.5))
        try terms.total.backward()
        var gradients = try Self.gradients(of: student.parameters)
        for (name, values) in try Self.gradients(of: learned) { gradients["learned " + name] = values }
        return Pass(logits: [], loss: try terms.total.item(), gradients: gradients)
    }
}

// MARK: - Training, and what goes wrong

extension DeviceChecks {
    /// A few steps with dropout; returns the weights.
    private func trained(steps: Int, breaking broken: Int? = nil) throws -> [[Float]] {
        let model = try Self.bert(layers: 2, heads: 4, on: device)
        model.precision = precision
        let optimizer = try AdamW(model.parameters, weightDecay: 0.01, sparseTables: model.sparseTables)
        let dropout = DropoutState(seed: 3)
        for step in 0..<steps {
            try optimizer.clearGradients()
            try optimizer.prepare(rows: Self.input.inputIDs)
            var loss = try model(Self.input, dropout: dropout).logits.crossEntropy(
                Tensor(Self.labels, device: device))
            if step == broken { loss = try loss * Double.nan }
            try loss.backward()
            if device.kind == .cpu {
                if try optimizer.clipGradients(maxNorm: 1).isFinite { try optimizer.step(learningRate: 1e-2) }
            } else {
                _ = try optimizer.stepWithoutWaiting(
                    learningRate: 1e-2, maxNorm: 1, losses: [loss.detached()])
            }
        }
        try optimizer.synchronize()
        return try model.parameters.entries.map { try $0.tensor.detached().to(.float32, .cpu).array() }
    }

    /// How many numbers differ.
    private static func count(_ a: [[Float]], _ b: [[Float]]) -> Double {
        Double(zip(a, b).reduce(0) { $0 + zip($1.0, $1.1).count { $0.bitPattern != $1.bitPattern } })
    }

    private func checkTraining() {
        check("training with dropout twice: numbers that differ", tolerance: 0) {
            try Self.count(trained(steps: 8), trained(steps: 8))
        }
        check("training changes the weights (1 where it does not)", tolerance: 0) {
            try Self.count(trained(steps: 1), trained(steps: 3)) > 100 ? 0 : 1
        }
    }

    /// The loss on one batch after some steps without dropout: what is learnt, not only computed.
    private func learntLoss(on place: Device, _ precision: Precision) throws -> Double {
        let model = try Self.bert(layers: 2, heads: 4, on: place, dropout: 0)
        model.precision = precision
        let optimizer = try AdamW(model.parameters, weightDecay: 0.01, sparseTables: model.sparseTables)
        let dropout = DropoutState(seed: 3)
        var last = Double.infinity
        for step in 0..<30 {
            try optimizer.clearGradients()
            try optimizer.prepare(rows: Self.input.inputIDs)
            let loss = try model(Self.input, dropout: dropout).logits.crossEntropy(
                Tensor(Self.labels, device: place))
            try loss.backward()
            if place.kind == .cpu {
                try optimizer.clipGradients(maxNorm: 1)
                try optimizer.step(learningRate: 1e-3)
            } else {
                _ = try optimizer.stepWithoutWaiting(
                    learningRate: 1e-3, maxNorm: 1, losses: [loss.detached()])
            }
            if step == 29 { last = try loss.item() }
        }
        return last
    }

    private func checkLearning() {
        check("the loss after 30 steps, against the CPU's in float32", tolerance: 0.02) {
            let (own, wanted) = (
                try learntLoss(on: device, precision), try learntLoss(on: .cpu, .float32)
            )
            return abs(own - wanted)
        }
        check("logits of a batch's shape later on, against the first", tolerance: 0.05) {
            let model = try Self.bert(layers: 3, heads: 4, on: device)
            model.precision = precision
            return try withNoGrad {
                let first: [Float] = try model(Self.input, dropout: nil).logits.to(.float32, .cpu).array()
                var worst = 0.0
                for _ in 0..<3 {
                    let next: [Float] = try model(Self.input, dropout: nil).logits.to(.float32, .cpu).array()
                    worst = max(worst, Self.difference(next, first))
                }
                return worst
            }
        }
    }

    private func checkNonFinite() {
        check("after a loss that is no number nothing changes: numbers that differ", tolerance: 0) {
            let broken = try trained(steps: device.kind == .cpu ? 3 : 6, breaking: 2)
            return try Self.count(broken, trained(steps: 2))
        }
    }

    /// An allocation that no device can make is one error of one line.
    private func checkOutOfMemory() {
        // Where memory is lent beyond what there is, the CPU's would be filled.
        guard device.kind != .cpu else { return }
        check("out of memory is told (1 where it is not)", tolerance: 0) {
            do {
                _ = try Tensor.zeros([1 << 22, 1 << 20], device: device)
                return 1
            } catch let error as TorchError {
                return error.kind == .outOfMemory && !"\(error)".contains("\n") ? 0 : 1
            }
        }
    }

    /// What the checks have held is free again.
    private func checkMemory() {
        check("bytes of the device's memory still held", tolerance: 1_048_576) {
            try Runtime.synchronize(device)
            return Double(try Runtime.memory(of: device).now - kept)
        }
    }

    /// Steps, after which the libraries have what they keep.
    private func warmUp() throws {
        _ = try trained(steps: 4)
        try Runtime.synchronize(device)
        kept = try Runtime.memory(of: device).now
    }
}
