import Files
import Foundation
import Safetensors
import TestSupport
import Testing

@Suite("Broken safetensors files")
struct ValidationTests {
    /// One tensor's entry.
    private static func entry(
        _ name: String, _ dtype: String = "F32", _ shape: String = "[2]", _ offsets: String = "[0,8]"
    ) -> String {
        "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    static let cases: [(bytes: [UInt8], message: String)] = [
        ([], "is only 0 bytes long"),
        ([1, 2, 3], "is only 3 bytes long"),
        (
            [UInt8](repeating: 0xFF, count: 64),
            "a header length of 18446744073709551615 bytes, above the limit"
        ),
        ([0, 0xE1, 0xF5, 0x05, 0, 0, 0, 0], "a header length of 100000000 bytes, but only 0 follow"),
        ([1, 0xE1, 0xF5, 0x05, 0, 0, 0, 0], "above the limit of 100000000"),
        ([9, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8), "but only 2 follow; the file is truncated"),
        (file(header: ""), "does not start with '{'"),
        (file(header: " {}"), "does not start with '{'"),
        (file(header: "[]"), "does not start with '{'"),
        (file(header: "{]"), "not valid JSON: line 1, column 2"),
        (file(header: "{} x"), "not valid JSON"),
        (file(header: "{\(entry("a")),\(entry("a"))}", data: 8), "the key \"a\" occurs twice"),
        (file(header: "{\"a\":1}"), "tensor \"a\": its entry must be an object, not an integer"),
        (file(header: "{\"a\":{\"shape\":[],\"data_offsets\":[0,4]}}"), "\"a\": its entry has no \"dtype\""),
        (file(header: "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}"), "its entry has no \"shape\""),
        (file(header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}"), "its entry has no \"data_offsets\""),
        (file(header: "{\"a\":{\"dtype\":7,\"shape\":[]}}"), "\"dtype\" must be a string, not an integer"),
        (
            file(header: "{\(entry("a", "F31"))}", data: 8),
            "unknown dtype \"F31\"; known are BOOL, F4, F6_E2M3"
        ),
        (file(header: "{\(entry("a", "f32"))}", data: 8), "unknown dtype \"f32\""),
        (file(header: "{\(entry("a", "F32", "2"))}", data: 8), "\"shape\" must be an array of integers"),
        (file(header: "{\(entry("a", "F32", "[2.0]"))}", data: 8), "\"shape\" must hold integers"),
        (file(header: "{\(entry("a", "F32", "[-2]"))}", data: 8), "not negative, not -2"),
        (file(header: "{\(entry("a", "F32", "[-1,-2]"))}", data: 8), "not negative, not -1"),
        (
            file(header: "{\(entry("a", "F32", "[4294967296,4294967296]"))}", data: 8),
            "has too many elements"
        ),
        (file(header: "{\(entry("a", "F64", "[9223372036854775807]"))}", data: 8), "has too many elements"),
        (file(header: "{\(entry("a", "F64", "[9223372036854775808]"))}", data: 8), "must hold integers"),
        (file(header: "{\(entry("a", "F32", "[2]", "[0]"))}", data: 8), "must be [start, end], not [0]"),
        (file(header: "{\(entry("a", "F32", "[2]", "[8,0]"))}", data: 8), "must be [start, end], not [8, 0]"),
        (file(header: "{\(entry("a", "F32", "[2]", "[-8,0]"))}", data: 8), "not negative, not -8"),
        (
            file(header: "{\(entry("a", "F32", "[3]"))}", data: 8),
            "tensor \"a\": its shape [3] of F32 needs 12 bytes, but \"data_offsets\" [0, 8] hold 8"
        ),
        (file(header: "{\(entry("a", "F4", "[3]", "[0,2]"))}", data: 2), "of F4 does not fill whole bytes"),
        (file(header: "{\(entry("a", "F6_E2M3", "[5]", "[0,4]"))}", data: 4), "does not fill whole bytes"),
        (
            file(header: "{\(entry("a"))}", data: 7),
            "tensor \"a\": its bytes [0, 8] reach beyond the 7 bytes of data; the file is truncated"
        ),
        (
            file(header: "{\(entry("a"))}", data: 9),
            "the tensors end at byte 8, but the file has 9 bytes of data"
        ),
        (file(header: "{}", data: 1), "the tensors end at byte 0, but the file has 1 bytes of data"),
        (
            file(header: "{\(entry("a")),\(entry("b", "F32", "[2]", "[4,12]"))}", data: 12),
            "tensor \"b\": its bytes [4, 12] overlap bytes [0, 8] of tensor \"a\""
        ),
        (
            file(header: "{\(entry("a")),\(entry("b"))}", data: 8),
            "its bytes [0, 8] overlap bytes [0, 8] of tensor"
        ),
        (
            file(header: "{\(entry("a")),\(entry("b", "F32", "[1]", "[12,16]"))}", data: 16),
            "tensor \"b\": its bytes [12, 16] leave a hole: the tensors before end at 8"
        ),
        (
            file(header: "{\(entry("a", "F32", "[2]", "[4,12]"))}", data: 12),
            "tensor \"a\": its bytes [4, 12] leave a hole: the tensors before end at 0"
        ),
        (
            file(
                header: "{\(entry("a", "U8", "[1]", "[9223372036854775806,9223372036854775807]"))}", data: 1),
            "leave a hole"
        ),
        (file(header: "{\"__metadata__\":[]}"), "__metadata__ must be an object of strings, not an array"),
        (file(header: "{\"__metadata__\":{\"n\":1}}"), "__metadata__ \"n\" must be a string, not an integer"),
    ]

    @Test("each fault has its own message, with the file, the tensor and the numbers", arguments: cases)
    func fault(bytes: [UInt8], message: String) throws {
        let error = try #require(throws: SafetensorsError.self) { try openFile(bytes) }
        #expect(error.description.contains(message), "\(error)")
        #expect(error.description.contains("model.safetensors: "))
        #expect(!error.description.contains("\n"))
    }

    @Test("the 6-bit floats, which Python cannot write, are packed four to three bytes")
    func sixBits() throws {
        let header =
            "{\(Self.entry("a", "F6_E2M3", "[2,4]", "[0,6]")),\(Self.entry("b", "F6_E3M2", "[4]", "[6,9]"))}"
        try openFile(file(header: header, data: 9)) { file in
            let counts = try file.tensors.map { try file.bytes(of: $0.name).count }
            #expect(counts == [6, 3])
        }
    }

    @Test(
        "a header in any order, with spaces after it and unknown members, is read in the order of the bytes")
    func otherWriters() throws {
        let header =
            "{\(Self.entry("b", "F32", "[]", "[8,12]")),\"a\":{\"dtype\":\"U8\",\"shape\":[8],"
            + "\"data_offsets\":[0,8],\"note\":null}}   \n"
        try openFile(file(header: header, data: 12)) { file in
            #expect(file.tensors.map(\.name) == ["a", "b"])
            #expect(file.metadata.isEmpty)
            let error = #expect(throws: SafetensorsError.self) { try file.bytes(of: "c") }
            #expect(error?.tensor == "c")
        }
    }

    @Test("thousands of changed headers either open with every range in the file or throw")
    func mutations() throws {
        var generator = SeededGenerator(seed: 4)
        let names = ["every-dtype.safetensors", "torch.safetensors", "numpy.safetensors"]
        let originals = try names.map { Array(try Data(contentsOf: fixtures.appending(path: $0))) }
        let alphabet = Array("0123456789-{}[]\",: eEFUI\\".utf8) + [0, 0xFF]
        var (opened, refused) = (0, 0)
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "file")
            for step in 0..<2000 {
                var bytes = originals[step % originals.count]
                let headerEnd = 8 + Int(bytes[0]) + Int(bytes[1]) << 8
                // The header's length follows the change half the time, so that the change itself is seen.
                var change = 0
                switch Int.random(in: 0..<6, using: &generator) {
                case 0:
                    bytes[.random(in: 0..<headerEnd, using: &generator)] =
                        alphabet.randomElement(using: &generator) ?? 0
                case 1:
                    bytes[.random(in: 0..<headerEnd, using: &generator)] ^=
                        1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes.removeLast(.random(in: 1...bytes.count, using: &generator))
                case 3:
                    bytes.remove(at: .random(in: 8..<headerEnd, using: &generator))
                    change = -1
                case 4:
                    let byte = alphabet.randomElement(using: &generator) ?? 0
                    bytes.insert(byte, at: .random(in: 8..<headerEnd, using: &generator))
                    change = 1
                default:
                    let digits = (8..<headerEnd).filter { (48...57).contains(bytes[$0]) }
                    if let digit = digits.randomElement(using: &generator) {
                        bytes[digit] = alphabet[step % 10]
                    }
                }
                if change != 0, Bool.random(using: &generator) {
                    let length = headerEnd - 8 + change
                    (bytes[0], bytes[1]) = (UInt8(length & 0xFF), UInt8(length >> 8))
                }
                try Data(bytes).write(to: url)
                do {
                    let file = try SafetensorsFile(contentsOf: url)
                    var total = 0
                    for tensor in file.tensors {
                        let contents = try file.bytes(of: tensor.name)
                        // Touches every byte: a range outside the mapping would end the test.
                        total += Array(contents).count
                    }
                    #expect(total == file.tensors.reduce(0) { $0 + $1.byteRange.count })
                    #expect(total < bytes.count)
                    opened += 1
                } catch is SafetensorsError {
                    refused += 1
                }
            }
        }
        #expect(opened > 50 && refused > 500)  // the mutations reach both
    }
}

@Suite("Files that stand for others")
struct PointerTests {
    @Test("a Git LFS pointer is called so, with what fetches the file")
    func gitLFS() throws {
        try withTemporaryDirectory { directory in
            let text = """
                version https://git-lfs.github.com/spec/v1
                oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
                size 437951328

                """
            let url = directory.appending(path: "model.safetensors")
            try Data(text.utf8).write(to: url)
            let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(contentsOf: url) }
            let message = error?.description ?? ""
            #expect(
                message.contains("is a Git LFS pointer") && message.contains("git lfs pull"), "\(message)")
            #expect(!message.contains("\n"))
        }
    }
}
