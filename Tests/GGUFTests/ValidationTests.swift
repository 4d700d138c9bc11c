import Testing

@testable import GGUF

@Suite struct ValidationTests {
    @Test func smallestFileIsRead() throws {
        #expect(try HandMade(data: []).error() == nil)
        #expect(try HandMade(version: 2, data: []).error() == nil)
        let data = [UInt8](repeating: 0, count: 64)
        #expect(try HandMade(tensors: [("t", [8, 2], 0, 0)], data: data).error() == nil)
        // No axes: one number. No elements: no bytes.
        let small = HandMade(
            tensors: [("a", [], 0, 0), ("b", [4, 0], 0, 32), ("c", [1], 0, 32)], data: data)
        #expect(try small.error() == nil)
        // Some writers leave out the padding of the last tensor.
        let last = HandMade(tensors: [("t", [9], 0, 0)], data: [UInt8](repeating: 0, count: 36))
        #expect(try last.error() == nil)
    }

    @Test func otherVersionsAndFilesAreRefusedByName() throws {
        func expect(_ bytes: [UInt8], _ part: String) throws {
            let error = try HandMade.error(bytes)
            #expect(error?.contains(part) == true, "\(error ?? "no error")")
        }
        try expect(HandMade(version: 1).bytes, "version 1 of GGUF")
        try expect(HandMade(version: 4).bytes, "version 4 of GGUF; only 2 and 3 are read")
        try expect(HandMade(version: UInt32(3).byteSwapped).bytes, "is big-endian")
        try expect(Array("PK\u{3}\u{4}abcdefghijklmnop".utf8), "is not a GGUF file")
        try expect([], "is only 0 bytes long")
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
        try expect(Array(pointer.utf8), "Git LFS pointer")
    }

    @Test func lyingCountsAreRefusedAtOnce() throws {
        func expect(_ file: HandMade, _ part: String) throws {
            let error = try file.error()
            #expect(
                error?.hasPrefix("x.gguf: ") == true && error?.contains(part) == true,
                "\(error ?? "no error")")
        }
        for count in [UInt64(1) << 40, .max, UInt64(Int64.max)] {
            try expect(HandMade(tensorCount: count), "the number of tensors is \(count)")
            try expect(HandMade(keyCount: count), "the number of keys is \(count)")
            let length = HandMade.little(count)
            try expect(
                HandMade(keys: [("k", 8, length)]), "the value of key \"k\" is \(count) bytes long")
            for type in GGUFValueType.allCases {
                try expect(
                    HandMade(keys: [("k", 9, HandMade.little(type.rawValue) + length)]),
                    "the number of elements of key \"k\" is \(count)")
            }
        }
        // Arrays within arrays without end.
        let nested = (0..<40).flatMap { _ in HandMade.little(UInt32(9)) + HandMade.little(UInt64(1)) }
        try expect(HandMade(keys: [("k", 9, nested)]), "key \"k\": arrays within arrays")
    }

    @Test func damagedMetadataNamesTheKey() throws {
        func expect(_ keys: [(key: String, type: UInt32, bytes: [UInt8])], _ part: String) throws {
            let error = try HandMade(keys: keys).error()
            #expect(error?.contains(part) == true, "\(error ?? "no error")")
        }
        try expect([("k", 13, [0])], "key \"k\": its type has the number 13")
        try expect([("k", 7, [2])], "key \"k\": a truth value is stored as 2")
        try expect([("k", 0, [2]), ("k", 0, [2])], "key \"k\": is there twice")
        try expect([("", 0, [2])], "key 0 has no name")
        try expect([("k", 8, HandMade.little(UInt64(1)) + [0xFF])], "the value of key \"k\" is not UTF-8")
        for alignment in [UInt32(0), 3, 48] {
            try expect(
                [("general.alignment", 4, HandMade.little(alignment))],
                "key \"general.alignment\": must be a power of two")
        }
        try expect([("general.alignment", 10, HandMade.little(UInt64(32)))], "must be a power of two")
        // Two spellings of one letter are two keys.
        #expect(try HandMade(keys: [("\u{E9}", 0, [1]), ("e\u{301}", 0, [1])], data: []).error() == nil)
    }

    @Test func damagedTensorsAreNamed() throws {
        func expect(
            _ tensors: [(name: String, sizes: [UInt64], type: UInt32, offset: UInt64)], _ part: String
        ) throws {
            let error = try HandMade(tensors: tensors).error()
            #expect(error?.contains(part) == true, "\(error ?? "no error")")
        }
        try expect([("t", [8], 0, 0), ("t", [8], 0, 32)], "tensor \"t\": is there twice")
        try expect([("t", [8], 0, 16)], "tensor \"t\": its offset 16 is no multiple of the alignment 32")
        try expect(
            [("t", [16], 0, 0), ("u", [8], 0, 32)], "tensor \"u\": its bytes overlap those of tensor \"t\"")
        try expect([("t", [65], 0, 0)], "reach beyond the 256 bytes of data")
        for offset in [256, 1 << 62, UInt64.max - 31] as [UInt64] {
            try expect([("t", [8], 0, offset)], "tensor \"t\": its 32 bytes at offset \(offset) reach beyond")
        }
        try expect([("t", [1, 1, 1, 1, 1], 0, 0)], "tensor \"t\": has 5 axes")
        try expect(
            [("t", [33], 8, 0)], "tensor \"t\": its rows of 33 elements do not fill whole blocks of 32")
        try expect(
            [("t", [0, 33, 8], 12, 0), ("u", [8, 32], 12, 0)], "tensor \"u\": its rows of 8 elements")
        let sizes: [[UInt64]] = [
            [.max], [1 << 62], [1 << 32, 1 << 32], [UInt64](repeating: 1 << 21, count: 4),
        ]
        for sizes in sizes {
            try expect([("t", sizes, 0, 0)], "has too many elements")
        }
        try expect([("t", [8], 4, 0)], "tensor \"t\": its type Q4_2 (number 4) is not supported")
        try expect([("t", [8], 99, 0)], "tensor \"t\": its type (number 99) is not supported")
        try expect([("", [8], 0, 0)], "the name of tensor 0 is 0 bytes long")
    }

    @Test func gapsBetweenTensorsAreRefused() throws {
        func expect(
            _ tensors: [(name: String, sizes: [UInt64], type: UInt32, offset: UInt64)], bytes: Int = 128,
            _ parts: String...
        ) throws {
            let error = try HandMade(tensors: tensors, data: [UInt8](repeating: 0, count: bytes)).error()
            for part in parts { #expect(error?.contains(part) == true, "\(error ?? "no error")") }
        }
        let sound = HandMade(
            tensors: [("t", [16], 0, 0), ("u", [16], 0, 64)], data: [UInt8](repeating: 0, count: 128))
        #expect(try sound.error() == nil)
        // F32 taken for F16: half of the bytes.
        try expect(
            [("t", [16], 1, 0), ("u", [16], 0, 64)],
            "tensor \"t\": with type F16 and shape [16] it ends at byte 32 of the data, but tensor \"u\" begins at byte 64",
            "the file is damaged")
        try expect(
            [("t", [16], 0, 0), ("u", [16], 1, 64)],
            "tensor \"u\": with type F16 and shape [16] it ends at byte 96 of the data, but the file has 128 bytes"
        )
        // As in ggml's reader, the first begins where the data do, and the order is that of the list.
        try expect([("t", [16], 0, 32)], bytes: 96, "tensor \"t\": begins at byte 32 of the data, but byte 0")
        try expect(
            [("t", [16], 0, 64), ("u", [16], 0, 0)], "tensor \"t\": begins at byte 64 of the data, but byte 0"
        )
    }
}
