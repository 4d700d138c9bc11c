import Foundation
import Testing

@testable import Distillation
@testable import Tuning

@Suite("Search spaces")
struct SearchSpaceTests {
    private func parse(_ text: String) throws -> SearchDomain {
        try SearchDimension(name: "x", parsing: text).domain
    }

    private func choice(_ texts: String...) -> SearchDomain { .choice(texts.map { SearchValue($0) }) }

    @Test("the grammar reads lists, lists of lists, and ranges")
    func grammar() throws {
        let list = choice("1", "2", "4")
        for text in ["1,2,4", " 1 , 2,4 ", "[1, 2, 4]", "choice(1, 2, 4)"] {
            #expect(try parse(text) == list)
        }
        #expect(try parse("1e-4") == choice("1e-4"))
        #expect(try parse("linear(8,1), 4") == choice("linear(8,1)", "4"))
        #expect(try parse("linear(8,1)") == choice("linear(8,1)"))
        #expect(try parse("[0,2,4],[1,3,5]") == choice("[0,2,4]", "[1,3,5]"))
        #expect(try parse("[[0,2,4], [1,3,5]]") == choice("[0,2,4]", "[1,3,5]"))
        #expect(try parse("\"a, b\", c") == choice("\"a, b\"", "c"))
        #expect(try parse("don't, do") == choice("don't", "do"))
        #expect(try parse("uniform(0.1, 1)") == .uniform(low: 0.1, high: 1))
        #expect(try parse("loguniform(1e-5,1e-3)") == .logUniform(low: 1e-5, high: 1e-3))
        #expect(try parse("log_uniform(1e-5, 1e-3)") == .logUniform(low: 1e-5, high: 1e-3))
        #expect(try parse("int(-2, 6)") == .int(low: -2, high: 6))
    }

    @Test("an option is a name, hyphens or underscores, and values")
    func option() throws {
        let dimension = try SearchDimension(option: "learning-rate=loguniform(1e-5,1e-3)")
        #expect(dimension.name == "learning_rate")
        #expect(dimension.domain == .logUniform(low: 1e-5, high: 1e-3))
        #expect(try SearchDimension(option: "x=a=b,c").domain == choice("a=b", "c"))
    }

    @Test(
        "what is wrong is refused with the setting's name",
        arguments: [
            ("x=", "search: x: the list is empty"), ("x=[]", "search: x: the list is empty"),
            ("x=choice()", "search: x: the list is empty"), ("x=1,,2", "search: x: a value is empty"),
            ("x=1,2,1.0", "search: x: 1.0 is there twice (as 1); remove one"),
            ("x=a,a", "search: x: a is there twice; remove one"),
            ("x=uniform(2, 1)", "search: x: uniform(2.0, 1.0) needs low < high"),
            ("x=uniform(1, 1)", "needs low < high"), ("x=int(3, 3)", "int needs low < high, got 3 and 3"),
            ("x=loguniform(0, 1)", "search: x: loguniform needs numbers above 0, got 0.0"),
            ("x=loguniform(-1, 1)", "numbers above 0"),
            ("x=loguniform(1e-5)", "search: x: loguniform needs two numbers, low and high"),
            ("x=uniform(a, 1)", "uniform needs two numbers"),
            ("x=int(1, 2.5)", "int needs two whole numbers"),
            ("x=uniform(0, inf)", "needs finite numbers"), ("x=uniform(nan, 1)", "needs finite numbers"),
            ("x=linear(8,1", "search: x: 'linear(8,1' has brackets or quotes that do not close"),
            ("x=(1]", "brackets or quotes that do not close"), ("x=\"a", "do not close"),
            ("temperature", "must be written as name=values"),
            ("2x=1", "search: '2x' is not a setting's name"), ("=1", "search: '' is not a setting's name"),
            ("Größe=1", "is not a setting's name"),
        ])
    func refusals(option: String, expected: String) throws {
        let error = #expect(throws: DistillationError.self) { try SearchDimension(option: option) }
        let message = try #require(error?.description)
        #expect(message.contains(expected) && !message.contains("\n"), "\(message)")
    }

    @Test("a space needs a setting, and each only once")
    func spaces() throws {
        #expect(throws: DistillationError.self) { try SearchSpace([]) }
        let error = #expect(throws: DistillationError.self) {
            try SearchSpace([SearchDimension(option: "top-k=1"), SearchDimension(option: "top_k=2")])
        }
        #expect(error?.description.hasPrefix("search: top_k: the setting is there twice") == true)
    }

    @Test("a description is read back as the same values, also from JSON")
    func roundTrip() throws {
        for text in [
            "1,2", "a", "[[1,2]]", "linear(8,1), 4", "uniform(0,1)", "[uniform(0,1), 2]",
            "loguniform(1e-5,1)",
            "int(2,6)", "\"a, b\"",
        ] {
            let dimension = try SearchDimension(name: "x", parsing: text)
            #expect(
                try SearchDimension(name: "x", parsing: dimension.domain.description) == dimension, "\(text)")
            let json = try JSONText.encode(dimension)
            #expect(try JSONText.decode(SearchDimension.self, from: json) == dimension)
        }
    }
}
