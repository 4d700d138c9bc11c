import Foundation
import JSON
import TestSupport
import Testing

@testable import GGUF

@Suite struct ContainerTests {
    @Test func metadataOfEveryTypeIsAsWritten() throws {
        let file = try GGUFFile(contentsOf: Fixture.url("types.gguf"))
        #expect(file.version == 3)
        #expect(file.alignment == 64)
        let expected = try #require(Fixture.json("types.json")["metadata"]?.objectValue)
        for (key, value) in expected { #expect(file[key].map(Self.json) == value, "\(key)") }
        #expect(file.metadata.count == expected.count + 2)
        #expect(file["test.uint64"] == .uint64(1 << 63 + 5))
        #expect(file["test.strings"]?.arrayValue?.strings?.map { $0.unicodeScalars.count } == [1, 0, 2, 1])
        #expect(file["test.float32"]?.type == .float32)
        #expect(file["nothing"] == nil)
    }

    /// A value as the fixture's JSON has it.
    private static func json(_ value: GGUFValue) -> JSONValue {
        switch value {
        case .uint64(let number): return .string(String(number))
        case .float32(let number): return .number(Double(String(number)) ?? .nan)
        case .float64(let number): return .number(number)
        case .bool(let truth): return .bool(truth)
        case .string(let text): return .string(text)
        case .array(let array): return json(array)
        default: return value.intValue.map(JSONValue.integer) ?? .null
        }
    }

    private static func json(_ array: GGUFArray) -> JSONValue {
        switch array {
        case .array(let arrays): .array(arrays.map(json))
        case .bool(let truths): .array(truths.map(JSONValue.bool))
        case .string(let texts): .array(texts.map(JSONValue.string))
        case .float32(let numbers): .array(numbers.map { .number(Double($0)) })
        default: .array((array.integers ?? []).map(JSONValue.integer))
        }
    }

    @Test func shapesAreInRowMajorOrder() throws {
        let file = try GGUFFile(contentsOf: Fixture.url("types.gguf"))
        let info = try #require(file.info("Q4_K"))
        #expect(info.shape == [3, 256])
        #expect(info.type == .q4K && info.type.name == "Q4_K")
        #expect(info.rows == 3 && info.columns == 256 && info.rowBytes == 144)
        #expect(info.byteRange.count == 3 * 144 && info.byteRange.lowerBound % 64 == 0)
        #expect(try file.bytes(of: "Q4_K").count == 432)
        #expect(throws: GGUFError.self) { try file.bytes(of: "Q4_L") }
    }

    @Test func splitModelIsReadTogether() throws {
        for part in 1...3 {
            let model = try GGUFCheckpoint(file: Fixture.url("split-0000\(part)-of-00003.gguf"))
            #expect(model.tensors.map(\.name) == (0..<5).map { "tensor.\($0)" })
            #expect(model["general.architecture"] == .string("test"))
            for index in 0..<5 {
                #expect(
                    try Fixture.floats(model, "tensor.\(index)") == [Float](repeating: Float(index), count: 8)
                )
            }
        }
    }

    @Test func incompleteSplitModelIsRefused() throws {
        try withTemporaryDirectory { directory in
            let names = (1...3).map { "split-0000\($0)-of-00003.gguf" }
            for name in names.dropLast() {
                try FileManager.default.copyItem(at: Fixture.url(name), to: directory.appending(path: name))
            }
            let first = directory.appending(path: names[0])
            Self.expectError("lacks \"split-00003-of-00003.gguf\"; fetch it") {
                try GGUFCheckpoint(file: first)
            }
            // Another part in its place.
            try FileManager.default.copyItem(
                at: Fixture.url(names[1]), to: directory.appending(path: names[2]))
            Self.expectError("is not file 3 of 3") { try GGUFCheckpoint(file: first) }
            let renamed = directory.appending(path: "model.gguf")
            try FileManager.default.moveItem(at: first, to: renamed)
            Self.expectError("its name must end in") { try GGUFCheckpoint(file: renamed) }
        }
    }

    static func expectError(_ part: String, _ body: () throws -> Any) {
        do {
            _ = try body()
            Issue.record("no error; expected one with: \(part)")
        } catch {
            let text = "\(error)"
            #expect(error is GGUFError && text.contains(part), "\(text)")
        }
    }
}
