import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

/// What `scripts/fixtures/objectives.py` wrote: inputs, and every objective's value and gradients.
struct ObjectiveFixture: Decodable, Sendable {
    struct Values: Decodable, Sendable {
        let shape: [Int]
        let values: [Double]

        func tensor() throws -> Tensor { try Tensor(values.map { Float($0) }, shape: shape) }
    }

    struct Labels: Decodable, Sendable {
        let classes: [String: [Int]]
        let sets: [String: [[Int]?]]
        let values: [String: [Double?]]
    }

    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let objective: String
        let problemType: TaskIdentifier
        let teacher: String
        let labels: String
        let scale: Double?
        let progress: Double?
        let classCounts: [Int]?
        let exampleCount: Int?
        let parameters: [String: Values]
        let value: Double
        let gradients: [String: Values]

        var testDescription: String { "\(objective), \(problemType.rawValue), labels: \(labels)" }
    }

    let lengths: [Int]
    let inputs: [String: Values]
    let labels: Labels
    let cases: [Case]

    static let shared: ObjectiveFixture = {
        do {
            let data = try Data(contentsOf: Support.fixtures.appending(path: "objectives.json"))
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(ObjectiveFixture.self, from: data)
        } catch {
            fatalError("objectives.json: \(error)")
        }
    }()

    var offsets: [Int] { lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) } }

    /// Two models' outputs, whose tensors all want a gradient.
    struct Outputs {
        var tensors: [String: Tensor] = [:]
        let student: ModelOutput
        let teacher: ModelOutput
    }

    func outputs(teacher name: String, _ problemType: TaskIdentifier) throws -> Outputs {
        var tensors: [String: Tensor] = [:]
        for (key, values) in inputs {
            let tensor = try values.tensor()
            try tensor.setRequiresGrad(true)
            tensors[key] = tensor
        }
        func side(_ name: String, logits: String, layers: Int, heads: Int) throws -> ModelOutput {
            func tensor(_ key: String) throws -> Tensor {
                guard let tensor = tensors[key] else { throw DistillationError("no \(key)") }
                return tensor
            }
            var states: [Int: Tensor] = [:]
            for number in 0...layers { states[number] = try tensor("\(name).hidden.\(number)") }
            var projections: [Int: AttentionProjections] = [:]
            for layer in 0..<layers where tensors["\(name).query.\(layer)"] != nil {
                projections[layer] = AttentionProjections(
                    query: try tensor("\(name).query.\(layer)"), key: try tensor("\(name).key.\(layer)"),
                    value: try tensor("\(name).value.\(layer)"), heads: heads)
            }
            let kind = problemType == .regression ? "number" : "logits"
            return ModelOutput(
                logits: try tensor("\(logits).\(kind)"), hiddenStates: states, projections: projections)
        }
        let columns = name == "narrow" ? "narrow" : "wide"
        return Outputs(
            tensors: tensors, student: try side("student", logits: "student", layers: 2, heads: 2),
            teacher: try side(columns, logits: "wide", layers: 4, heads: name == "wide" ? 4 : 2))
    }

    func batchLabels(_ name: String, _ problemType: TaskIdentifier) throws -> BatchLabels {
        switch problemType {
        case .singleLabel, .tokenClassification, .causalLanguageModel:
            try BatchLabels(classes: labels.classes[name] ?? [])
        case .multiLabel: try BatchLabels(sets: labels.sets[name] ?? [], classes: 5)
        case .regression, .embedding, .ranking:
            try BatchLabels(values: (labels.values[name] ?? []).map { $0.map { Float($0) } ?? .nan })
        }
    }
}

extension ObjectiveModels {
    /// The fixture's models, or others like them.
    static func tiny(
        hidden: (student: Int, teacher: Int) = (8, 12), heads: (student: Int, teacher: Int) = (2, 4),
        layers: (student: Int, teacher: Int) = (2, 4), hasTeacher: Bool = true, tokensDiffer: String? = nil,
        problemType: TaskIdentifier = .singleLabel, classCounts: [Int] = [], exampleCount: Int = 0,
        batchSize: Int = 4, classes: Int = 5, scope: ParameterScope? = nil
    ) throws -> ObjectiveModels {
        ObjectiveModels(
            student: try Support.configuration(
                layers: layers.student, hidden: hidden.student, heads: heads.student, classes: classes),
            teacher: hasTeacher
                ? try Support.configuration(
                    layers: layers.teacher, hidden: hidden.teacher, heads: heads.teacher, classes: classes)
                : nil,
            tokensDiffer: tokensDiffer, problemType: problemType, classCounts: classCounts,
            batchSize: batchSize, exampleCount: exampleCount,
            learned: scope ?? ParameterScope(store: ParameterStore(), source: nil, seed: 1))
    }
}

/// Parameters of a fixture.
struct GivenParameters: ParameterSource {
    let values: [String: ObjectiveFixture.Values]

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        guard let found = values[name], found.shape == shape else {
            throw DistillationError("the fixture has no \(name) of shape \(shape)")
        }
        return try found.tensor()
    }
}

/// An objective from its text.
func objective(_ text: String) throws -> any Objective {
    try ObjectiveRegistry.standard.make(ObjectiveSpecification(text: text))
}
