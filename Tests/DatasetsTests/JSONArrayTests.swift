import Foundation
import Testing

@testable import Datasets

@Suite("JSON that is one array")
struct JSONArrayTests {
    @Test(
        "an array of objects is read as lines of them are, however it is laid out",
        arguments: [
            "[\n  {\n    \"text\": \"a\",\n    \"label\": \"x\"\n  },\n  {\"text\": \"b\", \"label\": \"y\"}\n]\n",
            "[{\"text\":\"a\",\"label\":\"x\"},{\"text\":\"b\",\"label\":\"y\"}]",
            "\u{FEFF} \n[{\"n\": [1, {\"]\": \"}\"}], \"text\": \"a\", \"label\": \"x\"}\r\n , {\"text\": \"b\", \"label\": \"y\"} ]  ",
        ], ["d.json", "d.jsonl"])
    func layouts(_ text: String, _ name: String) throws {
        let data = try Support.load(text, as: name)
        #expect(data.examples.map(\.text) == ["a", "b"] && data.labels?.names == ["x", "y"])
        for size in [1, 2, 3, 7] {
            let texts = try Support.withFile(name, Array(text.utf8)) { url in
                let stream = try TextStream(url, chunkSize: size)
                return try stream.rows(10).map(\.text)
            }
            #expect(texts == ["a", "b"])
        }
    }

    @Test("texts may hold quotes, brackets and escapes")
    func texts() throws {
        let text = #"[{"text": "a \"]}, \\", "label": "x"}, {"text": "[{\u00e9", "label": "y"}]"#
        #expect(try Support.load(text, as: "d.json").examples.map(\.text) == ["a \"]}, \\", "[{é"])
    }

    @Test(
        "what is no such array is refused by its line",
        arguments: [
            ("[\n{\"text\": \"a\", \"label\": 1},\n{\"text\": }\n]", "line 3: this is not JSON"),
            (
                "[\n{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\"}]",
                "line 3: this is not JSON: expected ',' or ']'"
            ),
            (
                "[\n{\"text\": \"a\", \"label\": 1},",
                "line 2: this is not JSON: expected the end of the element"
            ),
            (
                "[\n{\"text\": \"a\", \"label\": 1}",
                "line 2: this is not JSON: expected ',' or ']' in the array, found the end"
            ),
            ("[{\"text\": \"a", "line 1: this is not JSON: expected a closing quote"),
            ("[{\"text\": \"a\", \"label\": 1},]", "line 1: this is not JSON"),
            ("[{\"text\": \"a\", \"label\": 1}] x", "something follows the end of the array"),
            ("[\n\n\"a\"]", "line 3: the elements of the array must be JSON objects, got a string"),
            ("[]", "there are no examples"),
            (
                "[{\"text\": \"a\", \"label\": 1},\n{\"text\": \"b\"}]",
                "line 2: the key 'label' is missing; every object"
            ),
            (
                "[\n{\"text\": \"a\",\n\"label\":\n 1},\n{\"text\": \"b\",\n\"label\": x}]",
                "line 6: this is not JSON"
            ),
        ])
    func refused(_ text: String, _ reason: String) {
        let refusal = Support.refusal(text, as: "d.json")
        #expect(refusal.contains(reason), "\(refusal)")
    }

    @Test("an object that goes over several lines says what to do; a byte order mark before lines is skipped")
    func lines() throws {
        let refusal = Support.refusal("{\n  \"text\": \"a\"\n}\n", as: "d.json")
        #expect(refusal.hasPrefix("d.json, line 1: this is not JSON") && refusal.contains("jq -c ."))
        #expect(
            try Support.load("\u{FEFF}{\"text\": \"a\", \"label\": 0}\n", as: "d.jsonl").examples.count == 1)
    }
}
