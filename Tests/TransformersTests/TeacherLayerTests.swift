import Testing
import Torch

@testable import Transformers

@Suite("Students from a teacher's layers")
struct TeacherLayerTests {
    private func student(
        of teacher: TransformerModel, layers: [Int],
        _ changes: (inout ModelConfiguration) -> Void = { _ in }
    ) throws -> TransformerModel {
        var configuration = teacher.configuration
        configuration.numHiddenLayers = layers.count
        changes(&configuration)
        return try AutoModel.make(
            configuration, source: TeacherLayerSource(teacher: teacher, layers: layers), seed: 7)
    }

    @Test("the student has the teacher's embeddings, pooler, head and chosen layers")
    func copies() throws {
        let teacher = try smallModel()
        let layers = [3, 1, 1]
        let (own, other) = (try bytes(student(of: teacher, layers: layers)), try bytes(teacher))
        for (name, value) in own {
            var parts = name.split(separator: ".").map(String.init)
            if parts[1] == "encoder", let layer = Int(parts[3]) { parts[3] = String(layers[layer]) }
            #expect(other[parts.joined(separator: ".")] == value, "\(name)")
        }
        #expect(own.count == 5 + 3 * 16 + 4)
    }

    @Test("a student with all of the teacher's layers gives its logits")
    func allLayers() throws {
        let teacher = try smallModel()
        let input = try batch([[2, 9, 8, 3], [2, 30, 3]])
        let student = try student(of: teacher, layers: [0, 1, 2, 3])
        #expect(try student(input).logits.bytes() == teacher(input).logits.bytes())
    }

    @Test("training the student leaves a frozen teacher alone")
    func separate() throws {
        let teacher = try smallModel()
        try teacher.parameters.freeze()
        let before = try bytes(teacher)
        let student = try student(of: teacher, layers: [0, 3])
        #expect(student.parameters.tensors.allSatisfy { $0.requiresGrad })
        #expect(!teacher.parameters.tensors.contains { $0.requiresGrad })
        for tensor in student.parameters.tensors { try tensor.fill(0.25) }
        #expect(try bytes(teacher) == before)
    }

    @Test("sizes that differ are refused with the name and both shapes")
    func sizes() throws {
        let teacher = try smallModel()
        expectRefusal("bert.embeddings.word_embeddings.weight", "[60, 8]", "[60, 16]", "--init random") {
            _ = try student(of: teacher, layers: [0]) { $0.hiddenSize = 8 }
        }
        expectRefusal("'bert.encoder.layer.0.intermediate", "layer.3.intermediate", "[64, 16]", "[32, 16]") {
            _ = try student(of: teacher, layers: [3, 3]) { $0.intermediateSize = 64 }
        }
        expectRefusal("classifier.weight", "[3, 16]", "[2, 16]") {
            _ = try student(of: teacher, layers: [0]) { $0.labelNames = ["a", "b", "c"] }
        }
    }

    @Test("layers that the teacher does not have, or that are not chosen, are refused")
    func layers() throws {
        let teacher = try smallModel()
        for wrong in [4, -1] {
            expectRefusal("no layer \(wrong)", "0 to 3") { _ = try student(of: teacher, layers: [0, wrong]) }
        }
        expectRefusal("bert.encoder.layer.1", "choose one for each") {
            _ = try student(of: teacher, layers: [0]) { $0.numHiddenLayers = 2 }
        }
    }

    @Test("layers are chosen by name, or refused where the teacher has too few")
    func choices() throws {
        let expected: [(LayerChoice, Int, Int, [Int])] = [
            (.uniform, 12, 4, [2, 5, 8, 11]), (.first, 12, 4, [0, 1, 2, 3]), (.last, 12, 4, [8, 9, 10, 11]),
            (.alternate, 12, 6, [0, 2, 4, 6, 8, 10]), (.alternate, 5, 3, [0, 2, 4]),
            (.alternate, 12, 2, [0, 2]),
            (.last, 3, 3, [0, 1, 2]), (.first, 1, 1, [0]),
        ]
        for (choice, teacher, student, layers) in expected {
            #expect(try choice.layers(teacher: teacher, student: student) == layers, "\(choice)")
        }
        #expect(
            LayerChoice.allCases.map(\.rawValue)
                == ["uniform", "first", "last", "alternate", "influence", "loss-drop"])
        expectRefusal("'alternate'", "at most 3", "5 layers", "has 4") {
            _ = try LayerChoice.alternate.layers(teacher: 5, student: 4)
        }
        for choice in [LayerChoice.uniform, .first, .last] {
            expectRefusal("'\(choice.rawValue)'", "at most 4", "has 5") {
                _ = try choice.layers(teacher: 4, student: 5)
            }
            expectRefusal("at least 1 layer") { _ = try choice.layers(teacher: 4, student: 0) }
        }
    }

    @Test("the uniform map is TinyBERT's")
    func uniform() {
        #expect(uniformLayers(teacher: 12, student: 4) == [2, 5, 8, 11])
        #expect(uniformLayers(teacher: 12, student: 6) == [1, 3, 5, 7, 9, 11])
        #expect(uniformLayers(teacher: 6, student: 3) == [1, 3, 5])
        #expect(uniformLayers(teacher: 12, student: 5) == [2, 4, 7, 9, 11])
        #expect(uniformLayers(teacher: 6, student: 6) == [0, 1, 2, 3, 4, 5])
        #expect(uniformLayers(teacher: 6, student: 1) == [5])
        #expect(uniformLayers(teacher: 2, student: 4) == [0, 0, 1, 1])
        for (teacher, student) in [(0, 3), (3, 0), (-1, 2)] {
            #expect(uniformLayers(teacher: teacher, student: student).isEmpty)
        }
        #expect(uniformLayers(teacher: .max, student: 2).last == Int.max - 1)
    }

    @Test("the uniform map ascends, is as even as it can be, and ends with the last layer")
    func uniformProperties() {
        for teacher in 1...30 {
            for student in 1...teacher {
                let layers = uniformLayers(teacher: teacher, student: student)
                #expect(layers.count == student && layers.last == teacher - 1)
                let gaps = zip(layers, [-1] + layers).map { $0 - $1 }
                #expect(gaps.allSatisfy { $0 >= 1 })
                #expect((gaps.max() ?? 0) - (gaps.min() ?? 0) <= 1)
            }
        }
    }
}
