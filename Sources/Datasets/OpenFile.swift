import Files
import Foundation

/// The bytes of one open file of a data set, unpacked if they are gzip, with a check that the file stays unchanged.
final class OpenFile {
    let path: String
    /// The stream of bytes; `nil` if a library reads the file itself.
    let reader: ByteReader?
    private let url: URL
    private let stream: FileStream?
    private let isCompressed: Bool
    /// The file's version when it was opened, if a library reads it.
    private let version: FileVersion?

    /// - Parameter isForLibrary: True if a library opens and reads the file, which is Parquet, by itself.
    /// - Throws: ``DatasetError``; `FileError` where the file cannot be read.
    init(_ url: URL, isForLibrary: Bool, chunkSize: Int) throws {
        self.url = url
        path = url.path(percentEncoded: false)
        isCompressed = try Self.isCompressed(url)
        version = FileVersion(url)
        guard !isForLibrary else {
            guard !isCompressed else {
                throw DatasetError(path, "this is gzip; Parquet compresses within, so unpack it first")
            }
            (stream, reader) = (nil, nil)
            return
        }
        let stream = try FileStream(url)
        let source: any ByteSource =
            isCompressed ? try Gunzip(stream, path: path, chunkSize: chunkSize) : stream
        let reader = ByteReader(source, chunkSize: chunkSize)
        (self.stream, self.reader) = (stream, reader)
        for mark: [UInt8] in [[0xFF, 0xFE], [0xFE, 0xFF]] where try reader.starts(with: mark) {
            throw DatasetError(path, "this is UTF-16; convert the file to UTF-8")
        }
        try reader.skip(prefix: ByteOrderMark.bytes)
    }

    /// The error of a program that cannot read Parquet.
    var withoutParquet: DatasetError {
        DatasetError(
            path,
            "this program was built without Parquet; build it with 'make build PARQUET=1' "
                + "(or 'swift build --traits Parquet'), or convert the file to CSV or JSON lines")
    }

    /// The next row as the body reads it; `nil` at the end.
    ///
    /// - Throws: ``DatasetError``, also if the file has changed since it was opened.
    func next<Row>(_ read: () throws -> Row?) throws -> Row? {
        do {
            let row = try read()
            if row == nil { try checkUnchanged() }
            return row
        } catch {
            try checkUnchanged()
            // The result of unpacking damaged gzip data has errors of its own; the damage is the one to report.
            if isCompressed { try reader?.drain() }
            throw error
        }
    }

    /// - Throws: ``DatasetError`` where the file was written to: whatever else is wrong with it comes from that.
    private func checkUnchanged() throws {
        guard stream?.hasChanged ?? (FileVersion(url) != version) else { return }
        throw DatasetError.changed(path)
    }

    /// SHA-256 of the file, once the end has been reached.
    ///
    /// - Throws: `FileError`.
    func sha256() throws -> String { try stream?.sha256 ?? Digest.sha256(ofFile: url) }

    private static func isCompressed(_ url: URL) throws -> Bool {
        let file = try RandomAccessFile(url)
        guard file.count >= 2 else { return false }
        var start: [UInt8] = [0, 0]
        try start.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return start == [0x1F, 0x8B]
    }
}
