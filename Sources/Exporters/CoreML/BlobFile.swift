import Files
import Foundation
import Safetensors

/// The file of a Core ML program's large constants, `weights/weight.bin`, as MIL's blob storage lays it out (version 2).
///
/// A header of 64 bytes; then for each constant its metadata, 64 bytes, and its elements, each from a multiple of 64 bytes on.
/// All numbers are little-endian.
struct BlobFile {
    /// A blob's metadata and elements.
    private struct Blob {
        let data: TensorData
        /// The place of the metadata in the file.
        let place: Int
    }

    private var blobs: [Blob] = []
    private var end = alignment

    /// The number of bytes to multiples of which everything is aligned; the size of a header and of metadata too.
    static let alignment = 64

    /// The size of the file in bytes.
    var byteCount: Int { end }

    /// Adds a constant.
    ///
    /// - Parameter data: Its elements: float32, float16 or int8.
    /// - Returns: The place by which a program names it.
    mutating func add(_ data: TensorData) -> Int {
        let place = Self.aligned(end)
        blobs.append(Blob(data: data, place: place))
        end = place + Self.alignment + data.byteCount
        return place
    }

    /// Writes the file.
    ///
    /// - Parameter url: The file.
    /// - Throws: `FileError` where it cannot be written; any error of reading the tensors.
    func write(to url: URL) throws {
        try AtomicFile.write(to: url) { writer in
            try writer.write(Self.bytes([UInt32(blobs.count), Self.version]) + Self.zeros(56))
            var written = Self.alignment
            for blob in blobs {
                try writer.write(Self.zeros(blob.place - written))
                try writer.write(Self.metadata(blob.data, at: blob.place + Self.alignment))
                try blob.data.withBytes { bytes in
                    guard bytes.count == blob.data.byteCount else {
                        throw ExportError(
                            "a constant has \(bytes.count) bytes, its shape \(blob.data.shape) needs "
                                + "\(blob.data.byteCount)")
                    }
                    try writer.write(bytes)
                }
                written = blob.place + Self.alignment + blob.data.byteCount
            }
        }
    }

    private static let version: UInt32 = 2
    private static let sentinel: UInt32 = 0xDEAD_BEEF

    /// A sentinel, the type's number, the size in bytes, the place of the elements, and zeros.
    private static func metadata(_ data: TensorData, at place: Int) -> [UInt8] {
        bytes([sentinel, data.dtype.blob]) + bytes([UInt64(data.byteCount), UInt64(place)]) + zeros(40)
    }

    private static func bytes<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
        words.flatMap { word in withUnsafeBytes(of: word.littleEndian, Array.init) }
    }

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    private static func aligned(_ place: Int) -> Int { (place + alignment - 1) / alignment * alignment }
}

extension SafetensorsDType {
    /// MIL's number of the type in a blob's metadata.
    fileprivate var blob: UInt32 {
        switch self {
        case .float16: 1
        case .int8: 4
        default: 2
        }
    }
}
