import Files
import Foundation
import JSON

@testable import GGUF

/// The files that `scripts/fixtures/gguf_files.py` writes.
enum Fixture {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    static func url(_ name: String) -> URL { directory.appending(path: name) }

    static func json(_ name: String) throws -> JSONObject {
        try JSONValue.load(contentsOf: url(name)).objectValue ?? [:]
    }

    /// The SHA-256 of floats in little-endian order.
    static func digest(_ floats: [Float]) -> String {
        floats.withUnsafeBytes { Digest.sha256($0) }
    }

    static func floats(_ checkpoint: GGUFCheckpoint, _ name: String) throws -> [Float] {
        var floats = [Float](repeating: 0, count: checkpoint.info(name)?.elementCount ?? 0)
        try floats.withUnsafeMutableBufferPointer { try checkpoint.decode(name, into: $0) }
        return floats
    }

    /// 768 floats, a block of which is zero.
    static func input() throws -> [Float] {
        try Data(contentsOf: url("floats.bin")).withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map {
                Float(
                    bitPattern: UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
        }
    }
}

/// A GGUF file put together by hand, with whatever is wrong with it.
struct HandMade {
    var version: UInt32 = 3
    var tensorCount: UInt64?
    var keyCount: UInt64?
    var keys: [(key: String, type: UInt32, bytes: [UInt8])] = []
    var tensors: [(name: String, sizes: [UInt64], type: UInt32, offset: UInt64)] = []
    var data = [UInt8](repeating: 0, count: 256)

    static func little(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    static func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }

    var bytes: [UInt8] {
        var bytes = Array("GGUF".utf8) + Self.little(version)
        bytes +=
            Self.little(tensorCount ?? UInt64(tensors.count)) + Self.little(keyCount ?? UInt64(keys.count))
        for key in keys { bytes += Self.text(key.key) + Self.little(key.type) + key.bytes }
        for tensor in tensors {
            bytes += Self.text(tensor.name) + Self.little(UInt32(tensor.sizes.count))
            for size in tensor.sizes { bytes += Self.little(size) }
            bytes += Self.little(tensor.type) + Self.little(tensor.offset)
        }
        if !tensors.isEmpty { bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32) }
        return bytes + data
    }

    /// The error of opening the bytes as a file of the name `x.gguf`; `nil` if there is none.
    static func error(_ bytes: [UInt8]) throws -> String? {
        do {
            _ = try bytes.withUnsafeBytes { try GGUFHeader($0, path: "x.gguf") }
            return nil
        } catch let error as GGUFError {
            return error.description
        }
    }

    func error() throws -> String? { try Self.error(bytes) }
}
