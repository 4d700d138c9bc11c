import Files
import Foundation
import Testing
import Torch

@testable import Transformers

@Suite("Students fitted to a teacher by least squares")
struct ProjectedTeacherTests {
    /// Random texts of 3 to 12 tokens.
    private func texts(_ count: Int, vocabulary: Int = 40, seed: UInt64 = 3) throws -> [PackedInput] {
        var state = seed
        func next(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(limit))
        }
        return (0..<max(1, count / 16)).map { _ in
            var (ids, offsets) = ([Int32](), [0])
            for _ in 0..<16 {
                ids += (0..<3 + next(10)).map { _ in Int32(4 + next(vocabulary - 4)) }
                offsets.append(ids.count)
            }
            return PackedInput(inputIDs: ids, offsets: offsets)
        }
    }

    private func teacher(_ change: (inout ModelConfiguration) -> Void = { _ in }) throws -> TransformerModel {
        let model = try smallModel(change)
        try model.parameters.freeze()
        for (index, entry) in model.parameters.entries.enumerated() {
            try entry.tensor.copy(
                from: .normal(
                    entry.tensor.shape, mean: entry.name.hasSuffix("LayerNorm.weight") ? 1 : 0,
                    standardDeviation: 0.3, seed: 900 + UInt64(index)))
        }
        return model
    }

    /// The mean squared error of the student's logits on new texts, relative to the teacher's variance.
    private func error(_ student: TransformerModel, _ teacher: TransformerModel) throws -> Double {
        var (errors, squares, sums, count) = (0.0, 0.0, [Double](), 0.0)
        for input in try texts(64, seed: 77) {
            let (own, theirs) = try withNoGrad { (try student(input).logits, try teacher(input).logits) }
            errors += try (own - theirs).square().sum().item()
            squares += try theirs.square().sum().item()
            let sum = try theirs.sum(0).array(of: Double.self)
            sums = sums.isEmpty ? sum : zip(sums, sum).map { $0 + $1 }
            count += Double(input.count)
        }
        return errors / (squares - sums.reduce(0) { $0 + $1 * $1 } / count)
    }

    @Test("least squares finds the layer that made its targets, and the groups that matter")
    func regression() throws {
        let inputs = try Tensor.normal([200, 6], mean: 0.5, standardDeviation: 2, seed: 1)
        // Of three groups of two inputs the second is not read, and the third read most.
        let weight = try Tensor([1, -2, 0, 0, 9, 3, 0.5, 1, 0, 0, -7, 8] as [Float], shape: [2, 6])
        let bias = try Tensor([3, -1] as [Float])
        var fit = LeastSquares()
        for start in [0, 120] {
            let rows = try inputs[start..<start + 80]
            try fit.add(rows, rows.linear(weight, bias: bias))
        }
        let (found, constant) = try fit.solve(ridge: 1e-12)
        try expectClose(found.to(.float32), weight, within: 1e-5, "weight")
        try expectClose(constant.to(.float32), bias, within: 1e-5, "bias")
        #expect(try LeastSquares.chooseGroups([fit], 1, size: 2, ridge: 1e-9) == [2])
        #expect(try LeastSquares.chooseGroups([fit, fit], 2, size: 2, ridge: 1e-9) == [0, 2])
        // The ridge estimate of one input: the covariance divided by the variance and the penalty.
        var single = LeastSquares()
        try single.add(
            Tensor([0, 2] as [Float], shape: [2, 1]), Tensor([1, 7] as [Float], shape: [2, 1]))
        let shrunk = try single.solve(ridge: 0.5)
        let (coefficient, intercept) = (try shrunk.weight.item(), try shrunk.bias.item())
        #expect(abs(coefficient - 2) < 1e-9 && abs(intercept - 2) < 1e-9)
        #expect(throws: TransformersError.self) { try LeastSquares().solve(ridge: 1) }
    }

    @Test("a norm's fit finds gains and biases; a dimension that never varies keeps its mean")
    func norms() throws {
        var rows: [Float] = []
        for row in 0..<50 { rows += [Float(row % 7), Float((row * 3) % 5), 4] }
        let inputs = try Tensor(rows, shape: [50, 3])
        var fit = NormFit()
        let gains = try Tensor([2, -3, 0] as [Float])
        let biases = try Tensor([1, 0.5, 6] as [Float])
        let targets = try inputs * gains + biases
        try fit.add(inputs, targets)
        let (weight, bias) = try fit.solve()
        try expectClose(weight.to(.float32), gains, within: 1e-5, "gains")
        try expectClose(bias.to(.float32), biases, within: 1e-5, "biases")
    }

    @Test("the basis is orthonormal, spans the principal directions, and the least is the constant one")
    func basis() throws {
        let energies: [Double] = [1, 9, 4, 0.25, 16, 2]
        var diagonal = [Double](repeating: 0, count: 36)
        for place in 0..<6 { diagonal[place * 7] = energies[place] }
        let moment = try Tensor(diagonal, shape: [6, 6])
        let basis = try ProjectionBasis(moment: moment, width: 3, device: .cpu)
        #expect(abs(basis.kept - 29 / 32.25) < 1e-12)
        let unit: [Float] = [1, 0, 0, 0, 1, 0, 0, 0, 1]
        let identity = try Tensor(unit, shape: [3, 3])
        try expectClose(
            basis.matrix.transposed().matmul(basis.matrix), identity, within: 1e-6, "products")
        let rows = try basis.matrix.norm(1).array(of: Float.self)
        for (row, isKept) in [false, true, true, false, true, false].enumerated() {
            #expect(abs(rows[row] - (isKept ? 1 : 0)) < 1e-6)
        }
        // The third direction, of energy 4, has the same coefficient in all dimensions.
        let least = try basis.matrix[2].array(of: Float.self)
        let equal = Float(1 / 3.0.squareRoot())
        #expect(least.allSatisfy { abs(abs($0) - equal) < 1e-6 && $0 * least[0] > 0 }, "\(least)")
    }

    @Test("with the teacher's sizes the student computes its logits")
    func sameSizes() throws {
        let teacher = try teacher()
        let student = try AutoModel.make(teacher.configuration, source: nil, seed: 7)
        try withNoGrad {
            try ProjectionFit(teacher: teacher, student: student, texts: texts(512), ridge: 1e-10)
                .run(layers: [0, 1, 2, 3])
        }
        // Measured: 4e-8; with a layer left as it was drawn, above 0.5.
        let error = try error(student, teacher)
        #expect(error < 1e-4, "\(error)")
    }

    @Test("a narrower student is nearer to its teacher than a selection, by far nearer than chance")
    func narrower() throws {
        let teacher = try teacher {
            $0.hiddenSize = 32
            $0.numAttentionHeads = 4
            $0.intermediateSize = 64
        }
        var configuration = teacher.configuration
        configuration.hiddenSize = 24
        configuration.numAttentionHeads = 3
        configuration.intermediateSize = 48
        let layers = [0, 1, 2, 3]
        let projected = try AutoModel.make(
            configuration,
            source: ProjectedTeacherSource(
                teacher: teacher, layers: layers, student: configuration, texts: texts(2048)), seed: 7)
        let narrowed = try AutoModel.make(
            configuration,
            source: NarrowedTeacherSource(teacher: teacher, layers: layers, student: configuration), seed: 7)
        let (own, other) = (try error(projected, teacher), try error(narrowed, teacher))
        #expect(own < 0.6 && own < 0.6 * other, "projected \(own), narrowed \(other)")
        #expect(projected.parameters.tensors.allSatisfy { $0.requiresGrad })
    }

    @Test("the bits do not depend on the number of threads, which stays as it was")
    func threads() throws {
        let teacher = try teacher {
            $0.hiddenSize = 32
            $0.numAttentionHeads = 4
        }
        var configuration = teacher.configuration
        configuration.hiddenSize = 16
        configuration.numAttentionHeads = 2
        configuration.numHiddenLayers = 2
        var all: Set<[String: [UInt8]]> = []
        for count in [1, 2, 3] {
            try Runtime.withThreadCount(count) {
                let source = try ProjectedTeacherSource(
                    teacher: teacher, layers: [1, 3], student: configuration, texts: texts(128))
                #expect(Runtime.threadCount == count)
                all.insert(try bytes(AutoModel.make(configuration, source: source, seed: 7)))
            }
        }
        #expect(all.count == 1)
    }

    @Test(
        "families with BERT's layers are fitted, for both heads; others are refused by name",
        arguments: ["families", "token-families"])
    func families(folder: String) throws {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/\(folder)")
        var fitted: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: fixtures.path).sorted() {
            let directory = fixtures.appending(path: name)
            guard FileManager.default.fileExists(atPath: directory.appending(path: "config.json").path)
            else { continue }
            let teacher = try AutoModel.load(from: directory).model
            try teacher.parameters.freeze()
            var configuration = teacher.configuration
            configuration.numHiddenLayers = 1
            configuration.numAttentionHeads = teacher.configuration.numAttentionHeads / 2
            configuration.hiddenSize = configuration.numAttentionHeads * teacher.configuration.headSize
            do {
                let source = try ProjectedTeacherSource(
                    teacher: teacher, layers: [0], student: configuration,
                    texts: texts(64, vocabulary: min(40, teacher.configuration.vocabSize)))
                let student = try AutoModel.make(configuration, source: source, seed: 7)
                let logits = try student(texts(16)[0]).logits.array(of: Float.self)
                let isFinite = logits.allSatisfy { $0.isFinite }
                #expect(isFinite, "\(name)")
                fitted.append(configuration.family.modelType)
            } catch let error as TransformersError {
                let title = configuration.family.title
                #expect(
                    "\(error)".contains("cannot fit \(title)'s layers")
                        && "\(error)".contains("--init random"),
                    "\(name): \(error)")
            }
        }
        let all: Set = ["roberta", "xlm-roberta", "camembert", "distilbert", "electra", "mpnet"]
        #expect(Set(fitted).subtracting(["bert"]) == all, "\(Set(fitted).sorted())")
    }

    @Test("what cannot be fitted is refused with what can be done")
    func refusals() throws {
        let teacher = try teacher()
        func message(_ teacher: TransformerModel, _ change: (inout ModelConfiguration) -> Void) throws
            -> String
        {
            var configuration = teacher.configuration
            change(&configuration)
            let error = #expect(throws: (any Error).self) {
                try ProjectedTeacherSource(
                    teacher: teacher, layers: Array(0..<configuration.numHiddenLayers),
                    student: configuration, texts: texts(16))
            }
            return error.map { "\($0)" } ?? ""
        }
        let wide = try message(teacher) {
            $0.hiddenSize = 64
            $0.numAttentionHeads = 16
        }
        #expect(wide.contains("hidden size is 64") && wide.contains("16"), "\(wide)")
        let heads = try message(teacher) { $0.hiddenSize = 12 }
        #expect(heads.contains("head size") && heads.contains("--init narrowed-teacher"), "\(heads)")
        let layers = try message(teacher) { $0.numHiddenLayers = 5 }
        #expect(layers.contains("no layer 4"), "\(layers)")
    }
}
