import Files
import Foundation
import Safetensors
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("The recipe's loss")
struct RecipeLossTests {
    @Test(
        "total, soft and hard loss and the gradient equal PyTorch's",
        arguments: ["1", "2", "4", "10"], ["0", "0.3", "0.7", "1"])
    func golden(temperature: String, alpha: String) throws {
        let file = try SafetensorsFile(contentsOf: Support.fixtures.appending(path: "losses.safetensors"))
        let student = try Support.tensor(file, "student")
        try student.setRequiresGrad(true)
        let labels: [Int64] = try Support.tensor(file, "labels").array()
        let weight = try #require(Double(alpha))
        let terms = try loss(
            student, Support.tensor(file, "teacher"), labels.map { Int($0) }, alpha: weight,
            temperature: #require(Double(temperature)))
        try terms.total.backward()

        let name = "t\(temperature)_a\(alpha)"
        for (ours, theirs) in [
            (try terms.total.item(), "total"),
            (try #require(terms.values()["kl"]), "soft"),
            (try #require(terms.values()["cross_entropy"]), "hard"),
        ] {
            let expected = try Support.tensor(file, "\(name).\(theirs)").item()
            #expect(abs(ours - expected) <= 1e-5 * max(1, abs(expected)), "\(name).\(theirs)")
        }
        let gradient = try #require(try student.gradient)
        let expected = try Support.tensor(file, "\(name).grad")
        let error = try (gradient - expected).absolute().max().item()
        #expect(try error <= 1e-5 * max(1e-2, expected.absolute().max().item()))
    }

    @Test("the soft loss is T² times the KL divergence of the definition, summed by hand")
    func independentFormula() throws {
        let student = [[0.3, -1.2, 2.0], [1.0, 0.0, -3.0]]
        let teacher = [[1.5, 0.2, -0.7], [-2.0, 4.0, 0.1]]
        for temperature in [0.5, 1, 3, 20] {
            var expected = 0.0
            for (s, t) in zip(student, teacher) {
                let (p, q) = (softmax(t, temperature), softmax(s, temperature))
                expected += zip(p, q).reduce(0) { $0 + $1.0 * (log($1.0) - log($1.1)) }
            }
            expected *= temperature * temperature / Double(student.count)
            let ours = try soft(tensor(student), tensor(teacher), temperature).item()
            #expect(abs(ours - expected) < 1e-4 * max(1, expected), "T = \(temperature)")
        }
    }

    @Test("both sides are divided by T: scaling all logits and T together only scales the loss by T²")
    func bothSidesDivided() throws {
        let student = try Tensor.normal([16, 4], seed: 1)
        let teacher = try Tensor.normal([16, 4], seed: 2)
        let plain = try soft(student, teacher, 1).item()
        let scaled = try soft(student * 5, teacher * 5, 5).item()
        #expect(abs(scaled - 25 * plain) < 1e-4 * scaled)
    }

    @Test("the soft term's gradient keeps its size as T grows, thanks to the factor T²")
    func gradientMagnitude() throws {
        func norm(_ temperature: Double) throws -> Double {
            let student = try Tensor.normal([64, 5], seed: 3)
            try student.setRequiresGrad(true)
            let teacher = try Tensor.normal([64, 5], seed: 4)
            try soft(student, teacher, temperature).backward()
            return try #require(try student.gradient).norm().item()
        }
        // For large T the gradient tends to (student − teacher, each centred) / (classes · batch).
        let (at10, at20, at100) = (try norm(10), try norm(20), try norm(100))
        #expect(abs(at20 / at10 - 1) < 0.1)
        #expect(abs(at100 / at20 - 1) < 0.1)
        // Without T² it would fall with the square of T.
        #expect(at100 > 0.5 * (try norm(2)))
    }

    @Test("a student equal to its teacher has no soft loss and no gradient from it")
    func zeroAtEquality() throws {
        let student = try Tensor.normal([8, 6], seed: 5)
        let teacher = try student.clone()
        try student.setRequiresGrad(true)
        let loss = try soft(student, teacher, 4)
        try loss.backward()
        #expect(abs(try loss.item()) < 1e-5)
        #expect(try #require(try student.gradient).absolute().max().item() < 1e-6)
    }

    @Test("no gradient flows into the teacher's logits")
    func teacherHasNoGradient() throws {
        let student = try Tensor.normal([4, 3], seed: 6)
        let teacher = try Tensor.normal([4, 3], seed: 7)
        try student.setRequiresGrad(true)
        try teacher.setRequiresGrad(true)
        try loss(student, teacher, [0, 1, 2, 0], alpha: 0.7, temperature: 4).total.backward()
        #expect(try teacher.gradient == nil)
        #expect(try student.gradient != nil)
    }

    private func request(_ change: (inout DistillRequest) -> Void) -> DistillRequest {
        let url = URL(filePath: "nowhere")
        var request = DistillRequest(teacher: url, data: DataRequest(train: url), output: url)
        change(&request)
        return request
    }

    @Test("settings out of range are refused by name", arguments: [0, -1, .nan, .infinity])
    func badTemperature(_ temperature: Double) {
        let error = #expect(throws: DistillationError.self) {
            try DistillationRun(request { $0.temperature = .constant(temperature) })
        }
        #expect(error?.description.contains("temperature must be above 0") == true)
    }

    @Test(
        "a temperature whose loss float32 cannot tell is refused",
        arguments: [1e-40, 1e-5, 1001, 1e8, 1e20])
    func extremeTemperature(_ temperature: Double) {
        let error = #expect(throws: DistillationError.self) {
            try DistillationRun(request { $0.temperature = .linear(from: 4, to: temperature) })
        }
        #expect(error?.description.contains("temperature must be from 0.0001 to 1000.0") == true)
    }

    @Test(
        "the least and the largest temperature give a gradient of numbers, and a loss near that of float64",
        arguments: [1e-4, 1e3])
    func boundaryTemperature(_ temperature: Double) throws {
        #expect(Schedule.constant(temperature).temperatureRule == nil)
        let (student, teacher) = (try Tensor.normal([16, 4], seed: 8), try Tensor.normal([16, 4], seed: 9))
        try student.setRequiresGrad(true)
        let loss = try soft(student, teacher, temperature)
        try loss.backward()
        func probabilities(_ logits: ArraySlice<Float>) -> [Double] {
            let largest = Double(logits.max() ?? 0)
            let powers: [Double] = logits.map { exp((Double($0) - largest) / temperature) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum }
        }
        let (students, teachers) = (try student.array() as [Float], try teacher.array() as [Float])
        var divergence = 0.0
        for row in 0..<16 {
            let range = 4 * row..<4 * row + 4
            for (p, q) in zip(probabilities(teachers[range]), probabilities(students[range])) where p > 0 {
                divergence += p * log(p / max(q, 1e-300))
            }
        }
        let expected = temperature * temperature * divergence / 16
        if temperature > 1 { #expect(abs(Double(try loss.item()) - expected) < 0.05 * expected) }
        #expect(try loss.item().isFinite)
        #expect(try #require(try student.gradient).norm().item().isFinite)
    }

    @Test("alpha outside 0…1 is refused", arguments: [-0.1, 1.01, .nan])
    func badAlpha(_ alpha: Double) {
        let error = #expect(throws: DistillationError.self) {
            try DistillationRun(request { $0.alpha = .linear(from: 1, to: alpha) })
        }
        #expect(error?.description.contains("alpha must be from 0") == true)
    }

    /// The recipe's loss of logits (B, C).
    private func loss(
        _ student: Tensor, _ teacher: Tensor, _ labels: [Int], alpha: Double, temperature: Double
    ) throws -> LossTerms {
        let configuration = try Support.configuration(classes: student.size(1))
        let objectives = try ObjectiveSum(
            Support.objectives(alpha, temperature: temperature),
            models: ObjectiveModels(
                student: configuration, teacher: configuration,
                learned: ParameterScope(store: ParameterStore(), source: nil, seed: 1)))
        let terms = try objectives(
            ObjectiveBatch(
                student: ModelOutput(logits: student), teacherLogits: teacher.detached(),
                labels: BatchLabels(classes: labels), offsets: Array(0...labels.count)))
        // What is not minimised at all is not among the terms.
        guard !terms.terms.contains(where: { $0.name == "kl" }) else { return terms }
        let divergence = try soft(student.detached(), teacher, temperature)
        return LossTerms(total: terms.total, terms: terms.terms + [("kl", divergence)])
    }

    /// T² · KL(softmax(teacher / T) ‖ softmax(student / T)).
    private func soft(_ student: Tensor, _ teacher: Tensor, _ temperature: Double) throws -> Tensor {
        let configuration = try Support.configuration(classes: student.size(1))
        let objective = try ObjectiveRegistry.standard.make(
            .init("kl", options: ["temperature": String(temperature)]))
        _ = try objective.prepare(
            ObjectiveModels(
                student: configuration, teacher: configuration,
                learned: ParameterScope(store: ParameterStore(), source: nil, seed: 1)))
        let count = try student.size(0)
        return try objective.loss(
            ObjectiveBatch(
                student: ModelOutput(logits: student), teacherLogits: teacher,
                labels: BatchLabels(classes: [Int](repeating: 0, count: count)), offsets: Array(0...count)))
    }

    private func softmax(_ logits: [Double], _ temperature: Double) -> [Double] {
        let exponentials = logits.map { exp($0 / temperature) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }

    private func tensor(_ rows: [[Double]]) throws -> Tensor {
        try Tensor(rows.flatMap { $0.map { Float($0) } }, shape: [rows.count, rows[0].count])
    }
}
