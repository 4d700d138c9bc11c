import Datasets
import Foundation
import Testing
import Torch

@testable import Distillation

@Suite("How students start")
struct StudentStartTests {
    private let interop = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../InteropTests/Fixtures").standardizedFileURL

    private func builder(_ change: (inout StudentOptions) -> Void) throws -> StudentBuilder {
        var options = StudentOptions()
        options.layers = 2
        options.hiddenSize = 16
        options.initialization = .narrowed
        change(&options)
        return StudentBuilder(
            options: options, teacher: try LoadedModel(interop.appending(path: "tiny-teacher")),
            seed: 1,
            device: .cpu)
    }

    @Test("a narrowed student has the asked sizes, and as many heads as keep theirs")
    func narrowed() throws {
        let builder = try builder { $0.intermediateSize = 40 }
        let built = try builder.build()
        let (model, notes) = (built.model, built.notes)
        // The teacher has 32 in 4 heads of 8.
        #expect(model.configuration.hiddenSize == 16 && model.configuration.numAttentionHeads == 2)
        #expect(model.configuration.intermediateSize == 40 && model.configuration.numHiddenLayers == 2)
        #expect(notes == ["The student starts from the teacher's layers 1, 3, narrowed to its sizes."])
        let teacher = try #require(builder.teacher).model.parameters
        let name = "bert.encoder.layer.1.attention.self.key.bias"
        let own = try #require(model.parameters[name]).array(of: Float.self)
        let other = try #require(teacher[name.replacing("layer.1", with: "layer.3")]).array(of: Float.self)
        #expect(own.count == 16 && Set(own).isSubset(of: Set(other)))
    }

    @Test(
        "a student fitted to its teacher has the asked sizes, needs texts, and is fitted once for all seeds")
    func projected() throws {
        var builder = try builder { $0.initialization = .projected }
        let error = #expect(throws: DistillationError.self) { try builder.build() }
        #expect("\(error.map { "\($0)" } ?? "")".contains("training texts"))
        let teacher = try #require(builder.teacher)
        let loader = DatasetLoader(
            options: DatasetOptions(), tokenizer: teacher.tokenizer, tokenizerDirectory: teacher.directory,
            maxLength: 32, root: nil, memo: DigestMemo(root: nil), warn: { _ in })
        let data = try loader.load(
            interop.appending(path: "reviews.csv"), labels: .given(teacher.labels))
        builder.projection = TeacherProjection(data.dataset)
        let first = try builder.build()
        #expect(
            first.model.configuration.hiddenSize == 16 && first.model.configuration.numAttentionHeads == 2)
        #expect(
            first.notes == [
                "The student starts from the teacher's layers 1, 3, fitted to them on \(data.dataset.lengths.reduce(0, +)) tokens of training texts."
            ])
        let weights = try first.model.parameters.snapshot().mapValues { try $0.bytes() }
        // Training changes the first student, not the next.
        for tensor in first.model.parameters.tensors { try withNoGrad { try tensor.fill(0.5) } }
        let second = try builder.build().model
        let again = try second.parameters.snapshot().mapValues { try $0.bytes() }
        #expect(again == weights)
    }

    @Test("other widths, heads that are asked for, and other starts leave the heads alone")
    func heads() throws {
        #expect(try builder { $0.hiddenSize = 20 }.configuration().numAttentionHeads == 4)
        #expect(try builder { $0.attentionHeads = 4 }.configuration().numAttentionHeads == 4)
        #expect(try builder { $0.initialization = .random }.configuration().numAttentionHeads == 4)
    }

    @Test("a narrowed student that is wider is refused with both sizes")
    func wider() throws {
        let error = #expect(throws: (any Error).self) {
            try builder { $0.hiddenSize = 64 }.build()
        }
        let message = error.map { "\($0)" } ?? ""
        #expect(message.contains("64") && message.contains("32"), "\(message)")
    }

    @Test(
        "layers are chosen by rule or by number",
        arguments: [(.choice(.first), [0, 1]), (.numbers([3, 0]), [3, 0])] as [(TeacherLayers, [Int])])
    func layers(choice: TeacherLayers, expected: [Int]) throws {
        let builder = try builder {
            $0.hiddenSize = 32
            $0.initialization = .teacherLayers
            $0.teacherLayers = choice
        }
        let model = try builder.build().model
        for (own, other) in expected.enumerated() {
            let name = "output.dense.weight"
            #expect(
                try model.parameters["bert.encoder.layer.\(own).\(name)"]?.bytes()
                    == builder.teacher?.model.parameters["bert.encoder.layer.\(other).\(name)"]?.bytes())
        }
    }

    @Test("too many layers for a rule are refused by the option's name")
    func tooMany() throws {
        let error = #expect(throws: DistillationError.self) {
            try builder {
                $0.layers = 3
                $0.teacherLayers = .choice(.alternate)
            }.build()
        }
        #expect(error?.description.contains("--teacher-layers") == true)
        #expect(error?.description.contains("at most 2") == true)
    }

    @Test(
        "options are written as they are read, a list as a list",
        arguments: [.choice(.last), .numbers([0, 2])] as [TeacherLayers])
    func codable(layers: TeacherLayers) throws {
        var options = StudentOptions()
        options.teacherLayers = layers
        let data = try JSONEncoder().encode(options)
        #expect(try JSONDecoder().decode(StudentOptions.self, from: data) == options)
        let text = try #require(String(data: data, encoding: .utf8))
        #expect(text.contains("\"teacherLayers\":\"last\"") || text.contains("\"teacherLayers\":[0,2]"))
    }
}
