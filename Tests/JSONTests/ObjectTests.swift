import TestSupport
import Testing

@testable import JSON

@Suite("JSON objects")
struct ObjectTests {
    @Test("keys are compared by their bytes, not by canonical equivalence")
    func keysAreBytes() throws {
        let (one, two) = ("\u{E9}", "e\u{301}")
        #expect(one == two)  // to Swift
        for padding in [0, 100] {  // searched, and indexed
            var object = JSONObject((0..<padding).map { ("k\($0)", .integer($0)) })
            object[one] = 1
            #expect(object[two] == nil)
            object[two] = 2
            #expect(object[one] == 1)
            #expect(object[two] == 2)
            #expect(object.count == padding + 2)
        }
        #expect(try JSONValue.parse("{\"\(one)\":1,\"\(two)\":2}").objectValue?.count == 2)
        #expect(JSONValue.string(one) != JSONValue.string(two))
        #expect(JSONObject([(one, .integer(1))]) != JSONObject([(two, .integer(1))]))
    }

    @Test("setting, replacing and removing behave as a plain list of pairs would")
    func againstModel() {
        var generator = SeededGenerator(seed: 1)
        var object = JSONObject()
        var model: [(key: String, value: Int)] = []
        for step in 0..<3000 {
            let key =
                String(repeating: "k", count: .random(in: 0..<3, using: &generator))
                + "\(Int.random(in: 0..<60, using: &generator))"
            let position = model.firstIndex { $0.key == key }
            if Bool.random(using: &generator) || step < 100 {
                object[key] = .integer(step)
                if let position { model[position].value = step } else { model.append((key, step)) }
            } else {
                object[key] = nil
                if let position { model.remove(at: position) }
            }
            #expect(object.count == model.count)
            #expect(object[key]?.intValue == model.first { $0.key == key }?.value)
        }
        #expect(object.keys == model.map(\.key))
        #expect(object.values == model.map { .integer($0.value) })
    }

    @Test("a vocabulary of 30,000 entries keeps its order, and every entry is found")
    func vocabulary() throws {
        let text = "{" + (0..<30_000).map { "\"##w\($0)é\":\($0)" }.joined(separator: ",") + "}"
        let object = try #require(try JSONValue.parse(text).objectValue)
        #expect(object.count == 30_000)
        #expect((0..<30_000).allSatisfy { (id: Int) in object["##w\(id)é"]?.intValue == id })
        #expect(object["##w30000é"] == nil)
        #expect(object.keys.prefix(2) == ["##w0é", "##w1é"])
        let error = #expect(throws: JSONError.self) {
            try JSONValue.parse(String(text.dropLast()) + ",\"##w7é\":1}")
        }
        #expect(error?.description.contains("\"##w7é\" occurs twice") == true)
    }

    @Test("equality does not depend on the order of the members")
    func equality() throws {
        #expect(try JSONValue.parse(#"{"a":1,"b":[{}]}"#) == JSONValue.parse(#"{"b":[{}],"a":1}"#))
        #expect(try JSONValue.parse(#"{"a":1}"#) != JSONValue.parse(#"{"a":1.0}"#))
        #expect(try JSONValue.parse(#"{"a":1}"#) != JSONValue.parse(#"{"a":1,"b":2}"#))
        #expect(try JSONValue.parse(#"{"a":1,"c":2}"#) != JSONValue.parse(#"{"a":1,"b":2}"#))
    }

    @Test("of a key given twice in a literal the last value counts")
    func literals() {
        let object: JSONObject = ["a": 1, "b": 2.5, "a": "x"]
        #expect(object.keys == ["a", "b"])
        #expect(object["a"] == "x")
    }

    @Test("each accessor answers for its own kind only")
    func accessors() {
        let values: [JSONValue] = [nil, true, 1, 1.5, "s", [], [:]]
        #expect(values.map(\.isNull) == [true, false, false, false, false, false, false])
        #expect(values.map(\.boolValue) == [nil, true, nil, nil, nil, nil, nil])
        #expect(values.map(\.intValue) == [nil, nil, 1, nil, nil, nil, nil])
        #expect(values.map(\.doubleValue) == [nil, nil, 1, 1.5, nil, nil, nil])
        #expect(values.map(\.stringValue) == [nil, nil, nil, nil, "s", nil, nil])
        #expect(values.map { $0.arrayValue != nil } == [false, false, false, false, false, true, false])
        #expect(values.map { $0.objectValue != nil } == [false, false, false, false, false, false, true])
        #expect(
            values.map(\.typeName) == [
                "null", "a boolean", "an integer", "a number", "a string", "an array", "an object",
            ])
    }
}
