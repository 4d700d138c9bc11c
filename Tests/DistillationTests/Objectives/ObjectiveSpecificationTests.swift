import Foundation
import Testing

@testable import Distillation

@Suite("Objectives and schedules as text")
struct ObjectiveSpecificationTests {
    @Test("a name, its weight and options")
    func parsing() throws {
        let plain = try ObjectiveSpecification(text: " cross_entropy ")
        #expect(plain == ObjectiveSpecification("cross_entropy"))
        let full = try ObjectiveSpecification(
            text: "kl(weight = 0.7, temperature = linear(8, 1), layers = [1:2, 2:4])")
        #expect(full.name == "kl" && full.weight == 0.7)
        #expect(full.options == ["temperature": "linear(8, 1)", "layers": "[1:2, 2:4]"])
        #expect(try ObjectiveSpecification(text: "kl()") == ObjectiveSpecification("kl"))
        #expect(
            try ObjectiveSpecification(text: "kl(weight = cosine(1, 0))").weight == .cosine(from: 1, to: 0))
    }

    @Test(
        "what it writes, it reads",
        arguments: [
            "kl", "kl(temperature = linear(8, 1), weight = step(1, 0.5 @ 0.25, 0 @ 0.5))",
            "hidden_mse(weight = 100, layers = [1:2, 2:4], projection = none)",
        ])
    func roundTrip(_ text: String) throws {
        let specification = try ObjectiveSpecification(text: text)
        #expect(try ObjectiveSpecification(text: specification.description) == specification)
        let data = try JSONEncoder().encode(specification)
        #expect(try JSONDecoder().decode(ObjectiveSpecification.self, from: data) == specification)
    }

    @Test("a list from a file, which has no brackets there, is read from what is written")
    func listFromFile() throws {
        let node: SettingNode = ["name": "hidden_mse", "layers": [["1", "2"], ["2", "4"]]]
        let specification = try ObjectiveSpecification(setting: node)
        let again = try ObjectiveSpecification(text: specification.description)
        #expect(again.options == ["layers": "[1:2, 2:4]"])
        #expect(again.description == specification.description)
    }

    @Test(
        "text that is none",
        arguments: [
            ("kl(temperature = 2", "the last parenthesis is missing"), ("kl(2)", "'2' is no option"),
            ("kl(weight = heavy)", "weight must be a number, linear(a, b)"),
            ("kl(temperature = 1, temperature = 2)", "temperature is given twice"),
            ("kl(weight = 1, weight = 2)", "weight is given twice"), ("", "has no name"),
            ("(weight = 1)", "has no name"),
            (
                "kl(temperature = linear(8, 1), a = m))b))",
                "')' in 'temperature = linear(8, 1), a = m))b)' has no"
            ),
            ("hidden_mse(layers = [1:2, 2:4)", "'[' in"), ("hidden_mse(layers = [1:2))", "')' in"),
        ])
    func badText(_ text: String, _ expected: String) {
        let error = #expect(throws: DistillationError.self) { try ObjectiveSpecification(text: text) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test(
        "a schedule's values",
        arguments: [
            ("3", [3.0, 3, 3, 3, 3]), ("linear(8, 2)", [8, 6.5, 5, 3.5, 2]),
            ("cosine(8, 2)", [8, 5 + 3 * 0.5.squareRoot(), 5, 5 - 3 * 0.5.squareRoot(), 2]),
            ("step(4, 2 @ 0.5, 1 @ 0.75)", [4, 4, 2, 1, 1]),
        ])
    func values(_ text: String, _ expected: [Double]) throws {
        let schedule = try #require(Schedule(text))
        for (index, value) in expected.enumerated() {
            #expect(abs(schedule.value(at: Double(index) / 4) - value) < 1e-12)
        }
        // Beyond its ends it stays.
        #expect(schedule.value(at: -1) == expected.first && schedule.value(at: 2) == schedule.value(at: 1))
        #expect(Schedule(schedule.description) == schedule)
        let data = try JSONEncoder().encode(schedule)
        #expect(try JSONDecoder().decode(Schedule.self, from: data) == schedule)
    }

    @Test("extremes, and the schedule of one minus it")
    func extremes() throws {
        let schedule = try #require(Schedule("step(0.25, 0.5 @ 0.5)"))
        #expect(schedule.extremes == [0.25, 0.5])
        let rest = schedule.map { 1 - $0 }
        #expect(rest == .step(first: 0.75, changes: [Schedule.Change(0.5, at: 0.5)]))
    }

    @Test(
        "text that is no schedule",
        arguments: [
            "", "warm", "nan", "inf", "linear(1)", "linear(1, 2, 3)", "linear(1, 2", "step(1)", "step(1, 2)",
            "step(1, 2 @ 1)", "step(1, 2 @ 0)", "step(1, 2 @ 0.5, 3 @ 0.5)", "step(1, 2 @ 0.5, 3 @ 0.2)",
            "exp(1, 2)",
        ])
    func badSchedule(_ text: String) {
        #expect(Schedule(text) == nil)
    }
}
