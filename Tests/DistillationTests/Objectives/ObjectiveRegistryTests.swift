import Foundation
import Testing
import Torch

@testable import Distillation

@Suite("The registry of objectives")
struct ObjectiveRegistryTests {
    private final class Constant: Objective {
        let name = "constant"
        func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds { ObjectiveNeeds() }
        func loss(_ batch: ObjectiveBatch) throws -> Tensor { try batch.student.logits.zeroInGraph() + 7 }
    }

    @Test("an unknown name, with the nearest and all that there are")
    func unknown() {
        let error = #expect(throws: DistillationError.self) {
            try ObjectiveRegistry.standard.make(ObjectiveSpecification("hiden_mse"))
        }
        let message = error?.description ?? ""
        #expect(message.contains("there is no objective 'hiden_mse'; did you mean hidden_mse?"))
        for name in ObjectiveRegistry.standard.names { #expect(message.contains(name)) }
        let far = #expect(throws: DistillationError.self) {
            try ObjectiveRegistry.standard.make(ObjectiveSpecification("zzzzzzzz"))
        }
        #expect(far?.description.contains("did you mean") == false)
    }

    @Test("everything is made under its own name, and described", arguments: ObjectiveRegistry.standard.names)
    func names(_ name: String) throws {
        let entry = try #require(ObjectiveRegistry.standard[name])
        #expect(try ObjectiveRegistry.standard.make(ObjectiveSpecification(name)).name == name)
        #expect(!entry.summary.isEmpty && !entry.summary.contains("\n"))
        #expect(entry.options.allSatisfy { !$0.summary.isEmpty && !$0.defaultValue.isEmpty })
        // What help says is the default is what holds.
        let defaults = Dictionary(uniqueKeysWithValues: entry.options.map { ($0.name, $0.defaultValue) })
        let given = defaults.filter { $0.key != "beta" || name != "kl" }
        _ = try ObjectiveRegistry.standard.make(ObjectiveSpecification(name, options: given))
    }

    @Test("docs/objectives.md has every objective with its options and their defaults")
    func documented() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../docs/objectives.md").standardizedFileURL
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        for entry in ObjectiveRegistry.standard.entries {
            let row = try #require(lines.first { $0.hasPrefix("| `\(entry.name)` |") }, "\(entry.name)")
            for option in entry.options {
                #expect(
                    row.contains("`\(option.name)` (\(option.defaultValue))"), "\(entry.name): \(option.name)"
                )
            }
        }
    }

    @Test("one's own objective, in a registry of its own")
    func adding() throws {
        let registry = ObjectiveRegistry.standard.adding("constant", summary: "7") { _ in Constant() }
        #expect(try registry.make(ObjectiveSpecification("constant")) is Constant)
        #expect(registry.names.last == "constant" && registry["constant"]?.summary == "7")
        #expect(ObjectiveRegistry.standard["constant"] == nil)
        let replaced = registry.adding("kl") { _ in Constant() }
        #expect(try replaced.make(ObjectiveSpecification("kl")) is Constant)
        #expect(replaced.names == registry.names)
    }

    @Test("options that an objective reads without declaring are its mistake")
    func undeclared() throws {
        let options = try ObjectiveOptions(
            ObjectiveSpecification("mine"), known: [ObjectiveOption("a", default: "2", "a number")])
        #expect(try options.number("a", "above 0") { $0 > 0 } == 2)
        let error = #expect(throws: DistillationError.self) { try options.text("b") }
        #expect(error?.description == "objective mine: reads the option 'b' without declaring it")
    }
}
