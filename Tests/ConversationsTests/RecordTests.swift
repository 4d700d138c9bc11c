import Datasets
import Foundation
import JSON
import TestSupport
import Testing

@testable import Conversations

@Suite("Records of data files")
struct RecordTests {
    private static let chat =
        #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#
    private static let messages: [JSONValue] = [
        ["role": "user", "content": "a"], ["role": "assistant", "content": "b"],
    ]

    @Test("of the three shapes, lists also as JSON in a text")
    func shapes() throws {
        #expect(try Support.records(Self.chat).map(\.content) == [.messages(Self.messages, tools: nil)])
        #expect(
            try Support.records(#"{"prompt": "a", "completion": "b"}"#).map(\.content)
                == [.completion(prompt: "a", completion: "b")])
        #expect(
            try Support.records(#"{"text": "a"}"# + "\n\n" + #"{"text": "b"}"#).map(\.row.line) == [1, 3])
        let lists =
            #"{"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "assistant", "content": "b"}]}"#
        let continuation = TrainingRecord.Content.continuation(
            messages: Self.messages, trainedFrom: 1, tools: nil)
        #expect(try Support.records(lists).map(\.content) == [continuation])
        let object: JSONValue = [
            "messages": .string(JSONValue.array(Self.messages).serialized()), "tools": #"[{"name": "f"}]"#,
        ]
        #expect(
            try Support.records(object.serialized()).map(\.content)
                == [.messages(Self.messages, tools: [["name": "f"]])])
        let texts: JSONValue = [
            "prompt": .string(JSONValue.array([Self.messages[0]]).serialized()),
            "completion": .string(JSONValue.array([Self.messages[1]]).serialized()),
        ]
        #expect(try Support.records(texts.serialized()).map(\.content) == [continuation])
        // A text that merely begins with a bracket.
        #expect(
            try Support.records(#"{"prompt": "[1]", "completion": "[2]"}"#).map(\.content)
                == [.completion(prompt: "[1]", completion: "[2]")])
    }

    @Test("messages go before prompts, and these before texts; nulls are no keys; keys can be named")
    func choice() throws {
        let all =
            #"{"prompt": "p", "messages": null, "completion": "c", "text": "t", "chat": [{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#
        #expect(try Support.records(all).map(\.content) == [.completion(prompt: "p", completion: "c")])
        #expect(try Support.records(all, columns: .init(text: "text")).map(\.content) == [.text("t")])
        #expect(
            try Support.records(all, columns: .init(messages: "chat")).map(\.content)
                == [.messages(Self.messages, tools: nil)])
        #expect(
            try Support.records(all, columns: .init(prompt: "text")).map(\.content)
                == [.completion(prompt: "t", completion: "c")])
        #expect(
            Support.refusal(all, columns: .init(messages: "chat", text: "text"))
                == "ConversationsError: columns are named for messages and for text; name those of one shape")
    }

    @Test("tools, calls and contents in parts are kept as they are")
    func tools() throws {
        let record = """
            {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "x"}]}, \
            {"role": "assistant", "content": null, "tool_calls": [{"f": 1}]}, {"role": "tool", "content": "1"}, \
            {"role": "assistant", "content": "b"}, {"role": "user", "content": "bye"}], "tools": [{"name": "f"}]}
            """
        guard case .messages(let messages, let tools)? = try Support.records(record).first?.content else {
            Issue.record("no messages")
            return
        }
        #expect(messages.count == 6 && tools == [["name": "f"]])
        for none in ["null", "[]", "\"\""] {
            let text = Self.chat.dropLast() + ", \"tools\": \(none)}"
            #expect(
                try Support.records(String(text)).map(\.content) == [.messages(Self.messages, tools: nil)])
        }
    }

    @Test("of several files are one data set, whose errors name the file")
    func files() throws {
        try Support.withFile(Array((Self.chat + "\n").utf8), as: "d-1.jsonl") { first in
            let second = first.deletingLastPathComponent().appending(path: "d-2.jsonl")
            try Data((Self.chat + "\n" + #"{"text": "x"}"#).utf8).write(to: second)
            let stream = try TrainingRecordStream(
                first.deletingLastPathComponent().appending(path: "d-*.jsonl"))
            #expect(try stream.next() != nil && stream.next() != nil)
            let error = #expect(throws: DatasetError.self) { try stream.next() }
            #expect(error?.description.contains("d-2.jsonl, line 2: the key 'messages' is missing") == true)
        }
        try Support.withFile([], as: "d.csv") { file in
            let error = #expect(throws: DatasetError.self) { try TrainingRecordStream(file) }
            #expect(error?.description.hasSuffix("write JSON lines (.jsonl) or Parquet") == true)
        }
    }

    private static let user = #"{"role": "user", "content": "a"}"#
    private static let answer = #"{"role": "assistant", "content": "b"}"#
    private static func chat(_ messages: String...) -> String {
        #"{"messages": ["# + messages.joined(separator: ", ") + "]}"
    }

    static let refused: [(String, String)] = [
        ("", "there are no rows in this file"),
        (
            #"{"a": 1}"#,
            "line 1: there are neither 'messages', nor 'prompt' and 'completion', nor 'text'; the keys are a; name"
        ),
        (#"{"conversations": [{"from": "human", "value": "a"}]}"#, "this is ShareGPT's form: write messages"),
        (
            chat + "\n" + #"{"text": "a"}"#,
            "line 2: the key 'messages' is missing, and there is 'text' instead; every row must"
        ),
        (
            #"{"text": "a"}"# + "\n" + chat,
            "line 2: the key 'text' is missing, and there is 'messages' instead"
        ),
        (#"{"text": "a"}"# + "\n" + #"{"text": null}"#, "line 2: the key 'text' is null; every row needs it"),
        (
            #"{"prompt": "a", "completion": "b"}"# + "\n" + #"{"prompt": "a"}"#,
            "line 2: the key 'completion' is missing"
        ),
        (#"{"text": 3}"#, "line 1: 'text' must be a string, got an integer"),
        (#"{"text": " \n"}"#, "line 1: 'text' is empty; remove the row or fill it"),
        (#"{"prompt": "a", "completion": ""}"#, "line 1: 'completion' is empty"),
        (#"{"prompt": "a", "completion": ["b"]}"#, "line 1: 'completion' must be a string, got an array"),
        (#"{"prompt": 1, "completion": "b"}"#, "line 1: 'prompt' must be a string, got an integer"),
        (#"{"prompt": [], "completion": []}"#, "line 1: 'completion' is empty"),
        (
            #"{"prompt": "a", "completion": "b"}"# + "\n{\"prompt\": [\(user)], \"completion\": [\(answer)]}",
            "line 2: 'prompt' is a list of messages, unlike in the first row"
        ),
        (
            "{\"prompt\": [\(user)], \"completion\": [\(answer)]}\n" + #"{"prompt": "a", "completion": "b"}"#,
            "line 2: 'prompt' is no list of messages, unlike in the first row"
        ),
        (
            "{\"prompt\": [\(user), \(answer)], \"completion\": [\(user)]}",
            "'prompt' and 'completion' has no turn of the assistant"
        ),
        (#"{"messages": "hello"}"#, "line 1: 'messages' is a string that is no JSON"),
        (#"{"messages": "{}"}"#, "line 1: 'messages' is a string whose JSON is no list"),
        (#"{"messages": {}}"#, "line 1: 'messages' must be a list of messages, got an object"),
        (#"{"messages": []}"#, "line 1: 'messages' has no messages; remove the row or fill it"),
        (chat("3"), "'messages' message 1 must be an object with 'role' and 'content', got an integer"),
        (chat(#"{"content": "a"}"#), "'messages' message 1 has no 'role'"),
        (
            chat(#"{"role": 1, "content": "a"}"#),
            "'messages' message 1: 'role' must be a string, got an integer"
        ),
        (chat(user, #"{"role": "assistant"}"#), "message 2: 'content' is missing; fill it"),
        (
            chat(user, #"{"role": "assistant", "content": 3}"#),
            "message 2: 'content' must be a string, got an integer"
        ),
        (
            chat(#"{"role": "user", "content": [{"type": "image"}]}"#),
            "message 1: 'content' has a part that is no text"
        ),
        (chat(user, #"{"role": "assistant", "content": " \n"}"#), "message 2: 'content' is empty, so that"),
        (
            chat(
                user, #"{"role": "assistant", "content": [{"type": "text", "text": ""}], "tool_calls": []}"#),
            "message 2: 'content' is empty, so that"
        ),
        (
            chat(user, #"{"role": "gpt", "content": "b"}"#),
            "message 2: 'role' is 'gpt', which chat templates do not"
        ),
        (chat(user, #"{"role": "Assistant", "content": "b"}"#), "message 2: 'role' is 'Assistant', which"),
        (#"{"prompt": "a", "completion": " \n"}"#, "line 1: 'completion' is empty"),
        (chat(user), "'messages' has no turn of the assistant to train on"),
        (chat(user, user), "'messages' does not alternate: message 2 is the user's like the one before"),
        (chat(user, answer, answer), "message 3 is the assistant's like the one before"),
        (chat(answer), "does not alternate: message 1 is the assistant's without a turn of the user before"),
        (
            chat(user, #"{"role": "system", "content": "s"}"#),
            "message 2 is the system's, which must be the first"
        ),
        (chat.dropLast() + #", "tools": [1]}"#, "line 1: 'tools' tool 1 must be an object, got an integer"),
        (chat.dropLast() + #", "tools": 1}"#, "line 1: 'tools' must be a list of messages, got an integer"),
        ("[1]", "line 1: the elements of the array must be JSON objects"),
        ("{", "line 1: this is not JSON"),
    ]

    @Test("that are wrong are refused in one line", arguments: refused.indices)
    func refusals(index: Int) {
        let (text, expected) = Self.refused[index]
        let message = Support.refusal(text)
        #expect(message.hasPrefix("d.jsonl") && message.contains(expected), "\(message)")
    }

    @Test("damaged anywhere are read or refused in one line")
    func mutations() throws {
        let long = JSONValue.string(String(repeating: "many words ", count: 60))
        let original = Support.lines([
            ["messages": .array(Self.messages), "tools": [["name": "f"]]],
            [
                "messages": .array(
                    Self.messages + [
                        ["role": "user", "content": "é日😀"], ["role": "assistant", "content": long],
                    ])
            ],
            ["messages": .string(JSONValue.array(Self.messages).serialized())],
        ])
        let others = Support.lines([
            ["prompt": "a", "completion": long], ["prompt": "é", "completion": "c"],
        ])
        var generator = TestSupport.SeededGenerator(seed: 11)
        var (read, refused) = (0, 0)
        let alphabet = Array("{}[]\",:\\u0dmnr \n\0".utf8) + [0x1F, 0x8B, 0x80, 0xC3, 0xFF]
        for round in 0..<2000 {
            var bytes = round % 3 == 0 ? others : original
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                let byte = alphabet.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes[position] = byte
                case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes.insert(byte, at: position)
                case 3: bytes.remove(at: position)
                default: bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
                }
            }
            try Support.withFile(bytes) { file in
                do {
                    let stream = try TrainingRecordStream(file)
                    while try stream.next() != nil {}
                    read += 1
                } catch let error as DatasetError {
                    #expect(!error.description.contains { $0.isNewline })
                    refused += 1
                }
            }
        }
        #expect(read > 100 && refused > 500, "\(read) \(refused)")  // the mutations reach both
    }
}
