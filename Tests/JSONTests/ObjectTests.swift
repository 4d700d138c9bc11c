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

    @Test("objects of whole numbers, packed or not, are what their members say")
    func integers() throws {
        var generator = SeededGenerator(seed: 7)
        let letters = ["a", "é", "e\u{301}", "\\", "\"", "\n", "世", " ", "\0"]
        var packed = 0
        for round in 0..<400 {
            var members: [(key: String, value: JSONValue)] = []
            // Mostly whole numbers, and now and then something else between them.
            let others: [JSONValue] = [1.5, "x", nil, [1], ["y": 2], .number(1e30), true]
            for place in 0..<Int.random(in: 0...60, using: &generator) {
                let length = Int.random(in: 0...9, using: &generator)
                let key = (0..<length).map { _ in letters.randomElement(using: &generator) ?? "" }.joined()
                let isOther = round % 2 == 1 && Int.random(in: 0..<40, using: &generator) == 0
                let number = Int.random(in: -3...(place % 2 == 0 ? 9 : .max), using: &generator)
                let value = isOther ? others.randomElement(using: &generator) ?? nil : .integer(number)
                let isNew = !members.contains { $0.key.utf8.elementsEqual(key.utf8) }
                if isNew { members.append((key, value)) }
            }
            let text = JSONValue.object(JSONObject(members)).serialized()
            var object = try #require(try JSONValue.parse(text).objectValue)
            packed += object.integers == nil ? 0 : 1
            let isWhole = members.allSatisfy { $0.value.intValue != nil }
            #expect((object.integers != nil) == (isWhole && members.count > 16), "\(text)")
            #expect(object.count == members.count && object.isEmpty == members.isEmpty)
            #expect(zip(object.keys, members).allSatisfy { $0.utf8.elementsEqual($1.key.utf8) })
            #expect(object.values == members.map(\.value))
            #expect(members.allSatisfy { object[$0.key] == $0.value } && object["nowhere"] == nil)
            #expect(object == JSONObject(members) && JSONObject(members) == object)
            #expect(JSONValue.object(object).serialized() == text)
            object["new"] = 5
            #expect(object.integers == nil && object.count == members.count + 1 && object["new"] == 5)
            #expect(members.allSatisfy { object[$0.key] == $0.value })
        }
        #expect(packed > 100)
    }

    @Test("what is wrong in an object of whole numbers is told where it is")
    func brokenIntegers() throws {
        let start = "{" + (0..<30).map { "\"k\($0)\":\($0)," }.joined() + "\n"
        for (end, place, reason) in [
            ("\"k7\":1}", 1, "the key \"k7\" occurs twice"), ("\"k\" 1}", 5, "expected ':'"),
            ("\"k\":01}", 5, "may not start with 0"), ("\"k\":1;", 6, "expected ',' or '}'"),
            ("\"k\":-}", 6, "expected a digit"), ("\"k\":1", 6, "expected ',' or '}'"),
            ("\"k", 1, "no closing quote"), ("\"k\u{1}\":1}", 3, "control characters"),
            ("\"k\":}", 5, "expected a value"), (",", 1, "expected a key"),
            ("\"\\x\":1}", 2, "unknown escape"),
        ] {
            let error = #expect(throws: JSONError.self) { try JSONValue.parse(start + end) }
            let text = "\(try #require(error))"
            #expect(text.contains(reason) && text.contains("line 2, column \(place)"), "\(end): \(text)")
        }
        let bytes = Array((start + "\"k").utf8) + [0xC3, 0x28] + Array("\":1}".utf8)
        #expect(throws: JSONError.self) { try JSONValue.parse(bytes) }
        let python = try Array((start + "\"k7\":1}").utf8).withUnsafeBytes {
            try JSONValue.parse($0, dialect: .python)
        }
        #expect(python.objectValue?.count == 30 && python.objectValue?["k7"] == 1)
    }
}
