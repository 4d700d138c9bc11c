import Files
import Foundation
import JSON

/// Rows of outputs under sorted keys, which never change.
protocol OutputSegment: Sendable {
    var count: Int { get }
    func key(_ row: Int) -> ExampleKey
    /// - Throws: `FileError` where the row cannot be read.
    func appendRow(_ row: Int, to values: inout [Float]) throws
    /// Releases memory that looking up keys took.
    func release()
}

extension OutputSegment {
    /// The row of a key, by bisection.
    func row(of key: ExampleKey) -> Int? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self.key(middle) < key { low = middle + 1 } else { high = middle }
        }
        return low < count && self.key(low) == key ? low : nil
    }
}

/// Rows in memory, for runs without a cache.
struct MemorySegment: OutputSegment {
    let keys: [ExampleKey]
    let values: [Float]
    let classes: Int

    var count: Int { keys.count }
    func key(_ row: Int) -> ExampleKey { keys[row] }
    func appendRow(_ row: Int, to result: inout [Float]) {
        result += values[row * classes..<(row + 1) * classes]
    }
    func release() {}
}

/// Rows in a sealed file: all keys, 16 bytes each (two UInt64), then all rows, as ``OutputForm`` has them. Little-endian.
///
/// The description is JSON: `{"kind": "logits", "teacher": "<key>", "classes": 2, "count": 4096}`, with `"coding"` where rows are
/// not float32.
final class FileSegment: OutputSegment {
    static let format = ChecksummedFile.Format(magic: "DSTLOUTS", version: 1)
    static let fileExtension = "logits"
    let url: URL
    let count: Int
    private let form: OutputForm
    private let file: ChecksummedFile
    private let mapping: MappedFile

    /// - Throws: `ChecksummedFile.Problem` for a file that is damaged, or of another kind or teacher; `FileError`.
    init(_ url: URL, teacher: String, form: OutputForm, isUsed: Bool = true) throws {
        file = try ChecksummedFile(url, format: Self.format, isUsed: isUsed)
        let object = try? JSONValue.parse(file.description).objectValue
        guard let object, let count = object["count"]?.intValue else {
            throw ChecksummedFile.Problem.damaged("its description cannot be read")
        }
        guard object["kind"]?.stringValue == form.kind else {
            throw ChecksummedFile.Problem.foreign("it holds no \(form.kind)")
        }
        guard object["teacher"]?.stringValue == teacher, object["classes"]?.intValue == form.width,
            object["coding"]?.stringValue ?? TeacherStateCoding.float32.description == form.coding.description
        else {
            throw ChecksummedFile.Problem.foreign("it is another teacher's")
        }
        guard count >= 0, count <= file.count, file.count == count * (ExampleKey.size + form.rowBytes) else {
            throw ChecksummedFile.Problem.damaged("its size does not fit its \(count) rows")
        }
        // Opened after the check, by name: a file is never changed, only replaced by a whole one.
        mapping = try MappedFile(url)
        guard mapping.count >= ChecksummedFile.payloadOffset + file.count else {
            throw ChecksummedFile.Problem.damaged("the file changed while it was opened")
        }
        self.url = url
        self.count = count
        self.form = form
        try requireFinite()
    }

    /// Checks that all values are finite: others came from a damaged teacher, or the file was made by hand.
    private func requireFinite() throws {
        let first = ChecksummedFile.payloadOffset + count * ExampleKey.size
        let bytes = mapping.bytes
        for row in 0..<count {
            let start = first + row * form.rowBytes
            guard form.isFinite(UnsafeRawBufferPointer(rebasing: bytes[start..<start + form.rowBytes])) else {
                throw ChecksummedFile.Problem.damaged("it holds outputs that are no numbers")
            }
        }
        mapping.release()
    }

    /// Returns true if a file has the name of a segment.
    static func isSegment(_ url: URL) -> Bool {
        url.pathExtension == fileExtension && !url.lastPathComponent.hasPrefix(".")
    }

    /// The number of rows by a file's description, without reading them; `nil` where it has none.
    static func count(of url: URL) -> Int? {
        ChecksummedFile.description(of: url, format: format).flatMap {
            try? JSONValue.parse($0).objectValue
        }?[
            "count"]?
            .intValue
    }

    /// Verifies a file by reading all of it.
    ///
    /// - Throws: `ChecksummedFile.Problem` where it is damaged, or of another kind or teacher; `FileError`.
    static func verify(_ url: URL, teacher: String) throws {
        let description = ChecksummedFile.description(of: url, format: format)
        let object = description.flatMap { try? JSONValue.parse($0).objectValue }
        let form = OutputForm(
            kind: object?["kind"]?.stringValue ?? "logits",
            width: max(0, min(object?["classes"]?.intValue ?? 0, 1 << 20)),
            coding: object?["coding"]?.stringValue.flatMap { TeacherStateCoding($0) } ?? .float32)
        _ = try FileSegment(url, teacher: teacher, form: form, isUsed: false)
    }

    func key(_ row: Int) -> ExampleKey {
        let offset = ChecksummedFile.payloadOffset + row * ExampleKey.size
        let bytes = mapping.bytes
        return ExampleKey(
            high: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
            low: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)))
    }

    func appendRow(_ row: Int, to values: inout [Float]) throws {
        try withUnsafeTemporaryAllocation(byteCount: form.rowBytes, alignment: 4) { buffer in
            try file.read(into: buffer, at: count * ExampleKey.size + row * form.rowBytes)
            form.decode(UnsafeRawBufferPointer(buffer), into: &values)
        }
    }

    func release() { mapping.release() }

    /// Writes a segment.
    ///
    /// - Parameters:
    ///   - keys: In order, each once.
    ///   - row: Appends the logits of the key at an index.
    /// - Throws: `FileError`, or what `row` throws.
    static func write(
        to url: URL, teacher: String, form: OutputForm, count: Int, key: (Int) -> ExampleKey,
        row: (Int, inout [Float]) throws -> Void
    ) throws {
        try ChecksummedFile.write(to: url, format: format) { writer in
            var words: [UInt64] = []
            for start in stride(from: 0, to: count, by: 4096) {
                words.removeAll(keepingCapacity: true)
                for index in start..<min(start + 4096, count) {
                    let key = key(index)
                    words.append(key.high.littleEndian)
                    words.append(key.low.littleEndian)
                }
                try words.withUnsafeBytes { try writer.write($0) }
            }
            var (values, bytes) = ([Float](), [UInt8]())
            for start in stride(from: 0, to: count, by: 1024) {
                bytes.removeAll(keepingCapacity: true)
                for index in start..<min(start + 1024, count) {
                    values.removeAll(keepingCapacity: true)
                    try row(index, &values)
                    form.encode(values[...], into: &bytes)
                }
                try bytes.withUnsafeBytes { try writer.write($0) }
            }
            var description: JSONObject = [
                "kind": .string(form.kind), "teacher": .string(teacher), "classes": .integer(form.width),
                "count": .integer(count),
            ]
            if form.coding != .float32 { description["coding"] = .string(form.coding.description) }
            return Array(JSONValue.object(description).serialized().utf8)
        }
    }
}
