import Files
import Foundation
import Testing

@testable import JSON

@Suite("Reading JSON")
struct ParseTests {
    @Test("values of every kind are read")
    func values() throws {
        let value = try JSONValue.parse(
            #" { "a" : [ 1 , -2.5e+1, true,false , null ] , "b" : { } , "c":[ ] , "d" : "x" } "# + "\r\n\t")
        #expect(value == ["a": [1, -25.0, true, false, nil], "b": [:], "c": [], "d": "x"])
        #expect(value.objectValue?.keys == ["a", "b", "c", "d"])
    }

    @Test(
        "whole numbers and others are told apart, and large ones become numbers",
        arguments: [
            ("0", JSONValue.integer(0)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
            ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)),
            ("-9223372036854775809", .number(-9_223_372_036_854_775_808)), ("1.0", .number(1)),
            ("1e2", .number(100)),
            ("1E-2", .number(0.01)), ("-0.0", .number(-0.0)), ("1e-400", .number(0)),
            ("123456789012345678901234567890", .number(1.2345678901234568e29)),
        ])
    func numbers(text: String, value: JSONValue) throws {
        #expect(try JSONValue.parse(text) == value)
        #expect(try JSONValue.parse("[\(text)]") == [value])
    }

    @Test("escapes are decoded, surrogate pairs included")
    func escapes() throws {
        let value = try JSONValue.parse(#""\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00\u0000é""#)
        #expect(value == .string("\"\\/\u{8}\u{C}\n\r\tA\u{E9}\u{1F600}\0é"))
    }

    @Test("a combining mark after an escape does not lose its bytes")
    func combiningMarks() throws {
        let text = try #require(try JSONValue.parse("\"\\u0065\u{301}\\u0301\u{301}\"").stringValue)
        #expect(Array(text.unicodeScalars) == ["e", "\u{301}", "\u{301}", "\u{301}"])
    }

    @Test("a byte order mark before the value is skipped, one and no more")
    func byteOrderMark() throws {
        #expect(try JSONValue.parse("\u{FEFF}{\"a\": 1}") == ["a": 1])
        #expect(throws: JSONError.self) { try JSONValue.parse("\u{FEFF}\u{FEFF}1") }
        #expect(throws: JSONError.self) { try JSONValue.parse("\u{FEFF}") }
        #expect(throws: JSONError.self) { try JSONValue.parse("[\u{FEFF}1]") }
    }

    @Test(
        "what is not JSON is refused with line, column and reason",
        arguments: [
            ("", 1, 1, "found the end of the text"), ("  ", 1, 3, "the end of the text"),
            ("[1,]", 1, 4, "expected a value, found ']'"), ("[1 2]", 1, 4, "expected ',' or ']'"),
            ("[1", 1, 3, "the end of the text"), ("{\"a\":1,}", 1, 8, "expected a key"),
            ("{a:1}", 1, 2, "expected a key"), ("{\"a\" 1}", 1, 6, "expected ':'"),
            ("{\"a\":1 \"b\"}", 1, 8, "expected ',' or '}'"), ("{\"a\":}", 1, 6, "expected a value"),
            ("1 2", 1, 3, "expected the end"), ("01", 1, 1, "may not start with 0"),
            ("-", 1, 2, "a digit after '-'"),
            ("1.", 1, 3, "after the decimal point"), (".5", 1, 1, "expected a value"),
            ("+1", 1, 1, "a value"),
            ("1e", 1, 3, "in the exponent"), ("1e+", 1, 4, "in the exponent"), ("-01", 1, 1, "start with 0"),
            ("1e999", 1, 1, "too large"), ("NaN", 1, 1, "are not JSON"),
            ("-Infinity", 1, 2, "a digit after '-'"),
            ("tru", 1, 1, "did you mean true"), ("nulL", 1, 1, "did you mean null"),
            ("truefalse", 1, 5, "expected the end"), ("\"abc", 1, 1, "no closing quote"),
            ("\"a\\nbc", 1, 1, "no closing quote"), ("\"\\x\"", 1, 2, "unknown escape"),
            ("\"\\u12G4\"", 1, 2, "four hexadecimal digits"), ("\"\\uD800\"", 1, 2, "surrogate"),
            ("\"\\uD800\\u0041\"", 1, 2, "surrogate"), ("\"\\uDC00\"", 1, 2, "surrogate"),
            ("\"\\", 1, 2, "escape"),
            ("\"a\nb\"", 1, 3, "control characters"), ("\"\\n\u{1}\"", 1, 4, "control characters"),
            ("{\n  \"é\": 1,\n  \"é\": x}", 3, 8, "found 'x'"), ("[\n\n  \"日本\" 1]", 3, 8, "',' or ']'"),
            ("{\"k\":1,\n \"k\":2}", 2, 2, "the key \"k\" occurs twice"),
            ("[1,\u{A0}2]", 1, 4, "byte 0xC2"), ("/* */1", 1, 1, "expected a value"),
            ("\0", 1, 1, "byte 0x00"),
            ("['a']", 1, 2, "expected a value"),
        ])
    func refused(text: String, line: Int, column: Int, reason: String) throws {
        let error = try #require(throws: JSONError.self) { try JSONValue.parse(text) }
        guard case .syntax(nil, let errorLine, let errorColumn, let errorReason) = error else {
            Issue.record("unexpected error \(error)")
            return
        }
        #expect((errorLine, errorColumn) == (line, column), "\(error)")
        #expect(errorReason.contains(reason), "\(error)")
        #expect(!error.description.contains("\n"))
    }

    @Test(
        "text that is not UTF-8 is refused where it goes wrong",
        arguments: [
            ([0xFF], 2), ([0x61, 0xC3], 3), ([0xC0, 0x80], 2), ([0xED, 0xA0, 0x80], 2),
            ([0xF0, 0x9F, 0x98], 2),
            ([0xF4, 0x90, 0x80, 0x80], 2), ([0x80], 2), ([0x5C, 0x6E, 0xFF], 4),
        ] as [([UInt8], Int)])
    func invalidUTF8(bytes: [UInt8], column: Int) throws {
        let quote = UInt8(ascii: "\"")
        let error = try #require(throws: JSONError.self) { try JSONValue.parse([quote] + bytes + [quote]) }
        #expect(error == .syntax(file: nil, line: 1, column: column, reason: "the text is not valid UTF-8"))
    }

    @Test("the replacement character itself is valid")
    func replacementCharacter() throws {
        #expect(try JSONValue.parse("\"\u{FFFD}\"") == "\u{FFFD}")
    }

    @Test("nesting is read up to the limit and refused beyond it")
    func nesting() throws {
        let limit = JSONValue.maximumNesting
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try JSONValue.parse(nested(limit)) }
        let tooDeep = [
            nested(limit + 1), String(repeating: "[", count: 1_000_000),
            String(repeating: "{\"a\":", count: 1_000_000),
        ]
        for text in tooDeep {
            let error = try #require(throws: JSONError.self) { try JSONValue.parse(text) }
            #expect(error.description.contains("nested more than \(limit) levels"))
        }
    }

    @Test("a file's errors name it")
    func files() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).json")
        let path = url.path(percentEncoded: false)
        #expect(throws: JSONError.unreadable(file: path, reason: "no such file; check the path")) {
            try JSONValue.load(contentsOf: url)
        }
        defer { try? FileManager.default.removeItem(at: url) }
        try Data("{\"a\": [1, 2]}".utf8).write(to: url)
        #expect(try JSONValue.load(contentsOf: url) == ["a": [1, 2]])
        try Data("{\"a\":\n[1 2]}".utf8).write(to: url)
        let error = #expect(throws: JSONError.self) { try JSONValue.load(contentsOf: url) }
        #expect(error?.description == "\(path): line 2, column 4: expected ',' or ']' in an array, found '2'")
        let directory = #expect(throws: JSONError.self) {
            try JSONValue.load(contentsOf: FileManager.default.temporaryDirectory)
        }
        #expect(directory?.description.hasSuffix("is a directory; give a JSON file") == true)
    }
}
